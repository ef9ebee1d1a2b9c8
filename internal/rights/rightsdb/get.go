package rightsdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// GetTx returns one request, in the caller's transaction.
func (s *Store) GetTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (rights.Request, error) {
	all, err := list(ctx, tx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("rights: request %s: %w", id.Token(rights.TokenPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return rights.Request{}, err
	}
	return all[0], nil
}

// Get returns one request.
func (s *Store) Get(ctx context.Context, id thimble.ID) (r rights.Request, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		r, err = s.GetTx(ctx, tx, id)
		return err
	})
	return r, err
}
