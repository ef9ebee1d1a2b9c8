package app

import (
	"context"

	"thimble/internal/collect"
	"thimble/internal/collect/receipts"
)

// ImportReceipts takes what a till has sold: its batch is verified, its receipts become
// orders, and its number is used up once they are in. Interrupted, the same file goes on.
func (a *App) ImportReceipts(ctx context.Context, b *receipts.Batch, progress func(collect.Progress)) (collect.Report, error) {
	k := receipts.Known{Now: a.Config.clock()()}
	tills, err := a.Consent.Tills(ctx)
	if err != nil {
		return collect.Report{}, err
	}
	for _, t := range tills {
		if t.Name == b.Till && t.KeyID == b.Key && t.Revoked.IsZero() {
			k.Key = t.Key
		}
	}
	if k.Used, err = a.Imports.ReceiptsUsed(ctx, b.Till, b.Sequence); err != nil {
		return collect.Report{}, err
	}
	if err := b.Verify(k); err != nil {
		return collect.Report{}, err
	}
	src, err := b.Source()
	if err != nil {
		return collect.Report{}, err
	}
	r, err := a.Import(ctx, collect.Orders, src, collect.Options{Map: receipts.Mapping(), Progress: progress})
	if err != nil {
		return r, err
	}
	digest, err := b.Digest()
	if err != nil {
		return r, err
	}
	return r, a.Imports.UseReceipts(ctx, b.Till, b.Sequence, b.Key, digest, len(b.All))
}
