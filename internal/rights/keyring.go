package rights

import (
	"context"
	"iter"
	"time"

	"thimble"
	"thimble/internal/vault"
)

// A Shredder destroys a person's keys.
type Shredder interface {
	Shred(ctx context.Context, who thimble.SubjectID) (vault.Shredded, error)
}

// A keyring is the holder of people's keys. A key is nothing to read, so there is
// nothing to export; it lives as long as the person, so that nothing expires; and
// each subject's own stays their own, so that a merge moves none.
type keyring struct {
	thimble.Static
	keys Shredder
}

func (keyring) HolderName() string { return "vault" }

func (keyring) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "vault_keys"}, {Kind: thimble.MemoryPlace, Name: "vault.cache.entries"}}
}

func (keyring) Export(context.Context, thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(func(thimble.Datum, error) bool) {}
}

func (k keyring) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	s, err := k.keys.Shred(ctx, who)
	if err != nil || !s.Existed {
		return thimble.Erasure{}, err
	}
	return thimble.Erasure{Erased: 1}, nil
}

func (keyring) Expire(context.Context, thimble.Category, time.Time) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}
