package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/receipts"
	"thimble/internal/thimbletest"
)

// soldBy is a signed batch of till-7 with n receipts of guests.
func soldBy(t *testing.T, sequence int64, n int, item string) *receipts.Batch {
	t.Helper()
	now := time.Now()
	all := make([]receipts.Receipt, n)
	for i := range all {
		all[i] = receipts.Receipt{Number: fmt.Sprint(item, "-", i), At: now.Add(-time.Hour), Currency: "EUR", Lines: []receipts.Line{{Item: item, Units: 1, PriceMinor: 100}}}
	}
	var out bytes.Buffer
	if err := receipts.Sign(&out, receipts.Header{Till: "till-7", Sequence: sequence, Created: now}, all, tillKey); err != nil {
		t.Fatal(err)
	}
	b, err := receipts.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An import of a till's batch that is cut off keeps the number for this batch, which goes on.
func TestATillsBatchThatWasCutOffGoesOnAndNoOtherHasItsNumber(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		withTill(t, s)
		first, other := soldBy(t, 1, 600, "A"), soldBy(t, 1, 1, "B")
		ctx, cut := context.WithCancel(t.Context())
		r, err := s.ImportReceipts(ctx, first, func(collect.Progress) { cut() })
		if err == nil || r.Rows == 0 || r.Rows == 600 {
			t.Fatalf("%d rows, %v, want some, and an error", r.Rows, err)
		}
		if _, err := s.ImportReceipts(t.Context(), other, nil); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("another batch with the number: %v", err)
		}
		if r, err = s.ImportReceipts(t.Context(), first, nil); err != nil || r.Orders != 600 {
			t.Errorf("%d orders, %v, want all", r.Orders, err)
		}
		if _, err := s.ImportReceipts(t.Context(), first, nil); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("the batch again: %v", err)
		}
		if n, err := s.Orders.Count(t.Context()); err != nil || n != 600 {
			t.Errorf("%d orders, %v", n, err)
		}
	})
}
