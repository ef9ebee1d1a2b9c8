package collectdb_test

import (
	"errors"
	"testing"

	"thimble"
	"thimble/internal/collect/collectdb"
	"thimble/internal/holdertest"
)

// A till's number is one batch's: from before its first order is written, and for good once
// all are in. What wrote nothing gives it back.
func TestATillsNumberIsOneBatchs(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := collectdb.New(k.Core, collectdb.Parts{}, k.Now, nil)
		batch := func(digest string) collectdb.ReceiptBatch {
			return collectdb.ReceiptBatch{Till: "till-7", Sequence: 1, KeyID: "k", Digest: []byte(digest), Receipts: 2}
		}
		take := func(digest string, fresh bool, kind error) {
			t.Helper()
			if got, err := s.TakeReceipts(t.Context(), batch(digest)); got != fresh || !errors.Is(err, kind) {
				t.Errorf("%s: fresh %t, %v, want %t, %v", digest, got, err, fresh, kind)
			}
			if used, err := s.ReceiptsUsed(t.Context(), batch(digest)); err != nil || used != (kind != nil) {
				t.Errorf("%s: used %t, %v", digest, used, err)
			}
		}
		take("one", true, nil)
		take("other", false, thimble.ErrConflict) // while the first is being imported
		take("one", false, nil)                   // it was cut off, and goes on
		if err := s.ReturnReceipts(t.Context(), batch("other")); err != nil {
			t.Error(err)
		}
		take("other", false, thimble.ErrConflict) // it had nothing to give back
		if err := s.ReturnReceipts(t.Context(), batch("one")); err != nil {
			t.Error(err)
		}
		take("other", true, nil)
		if err := s.UseReceipts(t.Context(), batch("other")); err != nil {
			t.Error(err)
		}
		take("other", false, thimble.ErrConflict)
		if err := s.ReturnReceipts(t.Context(), batch("other")); err != nil {
			t.Error(err)
		}
		take("one", false, thimble.ErrConflict) // what is used up is not given back
	})
}
