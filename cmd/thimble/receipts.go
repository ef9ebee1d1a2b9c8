package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"thimble/internal/collect"
	"thimble/internal/collect/receipts"
)

// importReceipts takes a file of receipts that a till has signed. It needs no mapping.
func importReceipts(ctx context.Context, c *call, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return invalid("%s cannot be read", filepath.Base(file))
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := receipts.Read(f)
	if err != nil {
		return err
	}
	return c.importRows(ctx, collect.Orders, func(ctx context.Context, progress func(collect.Progress)) (collect.Report, error) {
		a, err := c.open(ctx)
		if err != nil {
			return collect.Report{}, err
		}
		r, err := a.ImportReceipts(ctx, b, progress)
		return r, errors.Join(err, a.Close())
	})
}
