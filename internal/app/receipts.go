package app

import (
	"context"
	"errors"

	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/collect/receipts"
)

// ImportReceipts takes what a till has sold: its batch is verified, its number taken for it,
// its receipts become orders, and then the number is used up. Interrupted, the same file goes
// on; of an import that wrote nothing the number is given back.
func (a *App) ImportReceipts(ctx context.Context, b *receipts.Batch, progress func(collect.Progress)) (collect.Report, error) {
	digest, err := b.Digest()
	if err != nil {
		return collect.Report{}, err
	}
	number := collectdb.ReceiptBatch{Till: b.Till, Sequence: b.Sequence, KeyID: b.Key, Digest: digest, Receipts: len(b.All)}
	if err := a.verifyReceipts(ctx, b, number); err != nil {
		return collect.Report{}, err
	}
	src, err := b.Source()
	if err != nil {
		return collect.Report{}, err
	}
	fresh, err := a.Imports.TakeReceipts(ctx, number)
	if err != nil {
		return collect.Report{}, err
	}
	r, err := a.Import(ctx, collect.Orders, src, collect.Options{Map: receipts.Mapping(), Progress: progress})
	switch {
	case err == nil && r.Finished:
		return r, a.Imports.UseReceipts(ctx, number)
	case fresh && r.Rows == 0:
		err = errors.Join(err, a.Imports.ReturnReceipts(context.WithoutCancel(ctx), number))
	}
	return r, err
}

func (a *App) verifyReceipts(ctx context.Context, b *receipts.Batch, number collectdb.ReceiptBatch) error {
	k := receipts.Known{Now: a.Config.clock()()}
	tills, err := a.Consent.Tills(ctx)
	if err != nil {
		return err
	}
	for _, t := range tills {
		if t.Name == b.Till && t.KeyID == b.Key && t.Revoked.IsZero() {
			k.Key = t.Key
		}
	}
	if k.Used, err = a.Imports.ReceiptsUsed(ctx, number); err != nil {
		return err
	}
	return b.Verify(k)
}
