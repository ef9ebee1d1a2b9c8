package vault_test

import (
	"bytes"
	"testing"

	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault/vaulttest"
)

func TestADroppedIndexKeyIsGone(t *testing.T) {
	v := vaulttest.New(t, sqldbtest.SQLite(t, sqldb.Keys))
	ctx := t.Context()
	before, err := v.Index(ctx, "phone", "x")
	if err != nil {
		t.Fatal(err)
	}
	other, err := v.Index(ctx, "email", "x")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is idempotent
		if err := v.DropIndex(ctx, "phone"); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := v.Index(ctx, "phone", "x"); err != nil || bytes.Equal(before, after) {
		t.Errorf("the dropped key still computes: %x, %v", after, err)
	}
	if same, err := v.Index(ctx, "email", "x"); err != nil || !bytes.Equal(other, same) {
		t.Errorf("another kind's key went with it: %v", err)
	}
}
