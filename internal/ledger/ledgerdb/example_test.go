package ledgerdb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
)

// A change and its leaf commit together; when the leaf is in a signed tree there
// is a receipt for it.
func ExampleLog() {
	if err := refuse(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: entry 0 of 1: consent {"given":false}
}

func refuse(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, Path: filepath.Join(dir, "core.db")})
	if err != nil {
		return err
	}
	defer db.Close()
	signer, err := ledger.NewSigner("shop.example/ledger", make([]byte, 32)) // a secret seed in earnest
	if err != nil {
		return err
	}
	log := ledgerdb.New(db, signer, ledgerdb.Config{})
	running, stop := context.WithCancel(ctx)
	var sequencer sync.WaitGroup
	sequencer.Go(func() { _ = log.Run(running) })
	defer sequencer.Wait()
	defer stop()

	var opening ledger.Opening
	err = db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		// The consent itself is written here, with the opening sealed beside it.
		opening, err = log.Queue(ctx, tx, ledger.Entry{Class: ledger.Consent, Record: []byte(`{"given":false}`)})
		return err
	})
	if err != nil {
		return err
	}
	if err := log.Wait(ctx, opening); err != nil {
		return err
	}
	receipt, err := log.Receipt(ctx, opening)
	if err != nil {
		return err
	}
	text, err := receipt.MarshalText()
	if err != nil {
		return err
	}
	said, err := ledger.Verify(text, log.VerifierKey())
	if err != nil {
		return err
	}
	fmt.Printf("entry %d of %d: %s %s\n", said.Index, said.Size, said.Class, said.Record)
	return nil
}
