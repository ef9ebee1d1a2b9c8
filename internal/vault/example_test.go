package vault_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "thimble")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, Path: filepath.Join(dir, "keys.db")})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	root, err := vault.NewFileRoot(filepath.Join(dir, "root.age"), vault.IdentityFile(filepath.Join(dir, "root.key")))
	if err != nil {
		log.Fatal(err)
	}
	epochs, err := vault.NewEpochFolder(filepath.Join(dir, "epochs"))
	if err != nil {
		log.Fatal(err)
	}
	v := vault.New(vaultdb.New(db), root, vault.Config{Epochs: epochs})
	if err := v.Init(ctx); err != nil {
		log.Fatal(err)
	}

	ada, err := thimble.NewSubjectID(nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := v.Ensure(ctx, ada); err != nil {
		log.Fatal(err)
	}
	cell := thimble.Cell{Owner: ada, Table: "order_orders", Column: "note", Row: []byte("4711")}
	sealed, err := v.Seal(ctx, cell, []byte("a gift, please"))
	if err != nil {
		log.Fatal(err)
	}
	plain, err := v.Open(ctx, cell, sealed)
	fmt.Printf("%s, %v\n", plain, err)

	done, err := v.Shred(ctx, ada)
	fmt.Println("shredded:", done.Existed, "scanned:", done.Scanned, err)
	_, err = v.Open(ctx, cell, sealed)
	fmt.Println("denied:", errors.Is(err, thimble.ErrDenied))
	// Output:
	// a gift, please, <nil>
	// shredded: true scanned: true <nil>
	// denied: true
}
