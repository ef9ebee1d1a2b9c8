package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"

	"thimble/internal/datamap"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// PlantCanary makes up a person with an account number of six digits, whom nobody has
// a reason to open.
func (a *App) PlantCanary(ctx context.Context) error {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000))
	if err != nil {
		return err
	}
	id, err := subject.NewIdentifier(subject.Account, fmt.Sprint(100_000+n.Int64()))
	if err != nil {
		return err
	}
	drafts, err := a.Subjects.Draft(ctx, []subject.Identifier{id})
	if err != nil {
		return err
	}
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error {
		if err := a.Subjects.Create(ctx, tx, drafts[0]); err != nil {
			return err
		}
		return a.Uses.Plant(ctx, tx, drafts[0].ID)
	})
}

// holderNames are the names under which the data map says who keeps data.
func (a *App) holderNames() (names []string) {
	for _, t := range datamap.All() {
		if t.Holder != "" {
			names = append(names, t.Holder)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
