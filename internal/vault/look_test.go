package vault_test

import (
	"errors"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

// TestAShreddedKeyIsReadByNobodyOnceShredReturns asks in other processes, which hold
// prepared statements and many connections, and have just read the key.
func TestAShreddedKeyIsReadByNobodyOnceShredReturns(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		root := vaulttest.Root(t)
		v := vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, vault.Config{})
		p := newPeople(t, v, 40)
		others := []*vaultdb.Store{vaultdb.New(open(sqldb.Keys)), vaultdb.New(open(sqldb.Keys))}
		var gone sync.Map // owner → true once Shred has returned
		done, begun := make(chan struct{}), make(chan struct{}, 100)
		var readers sync.WaitGroup
		for r := range 4 {
			readers.Go(func() {
				begun <- struct{}{}
				for {
					select {
					case <-done:
						return
					default:
					}
					for _, who := range p.owners {
						_, shredded := gone.Load(who)
						keys, err := others[r%2].Keys(ctx, who, "", false)
						if err != nil {
							t.Error(err)
							return
						}
						if shredded && len(keys) > 0 {
							t.Errorf("a key of %s was read after Shred had returned", who)
						}
					}
				}
			})
			<-begun
		}
		for i, who := range p.owners {
			if _, err := v.Shred(ctx, who); err != nil && !errors.Is(err, thimble.ErrUnavailable) {
				t.Fatal(err)
			}
			gone.Store(who, true)
			fresh := vault.New(others[i%2], root, vault.Config{}) // another process, nothing cached
			if i%8 == 0 {
				if err := fresh.Init(ctx); err != nil {
					t.Fatal(err)
				}
				_, err := fresh.Open(ctx, mailCell(who), p.sealed[i])
				wantKind(t, "opening what a shredded key sealed", err, thimble.ErrDenied)
			}
		}
		close(done)
		readers.Wait()
	})
}
