package subjectdb

import (
	"context"

	"thimble/internal/sqldb"
)

// A Suppression is a keyed hash of an identifier of somebody who was forgotten.
type Suppression struct {
	Mark []byte
	Gen  int64 // of the key
}

// Suppressions lists all of them, for a copy that outlives this database.
func (s *Store) Suppressions(ctx context.Context) (all []Suppression, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select mark, gen from subject_suppressions order by gen, mark`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var one Suppression
			if err := rows.Scan(&one.Mark, &one.Gen); err != nil {
				return err
			}
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, wrap("listing who is forgotten", err)
}

// TakeOver adds those that are missing, after this database was put back from a backup. One
// whose key was made after the backup is kept, and recognises nobody until that key is there.
func (s *Store) TakeOver(ctx context.Context, all []Suppression) error {
	return wrap("taking over who is forgotten", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, one := range all {
			if _, err := tx.Exec(ctx, `insert into subject_suppressions (mark, gen) values ($1, $2) on conflict do nothing`, one.Mark, one.Gen); err != nil {
				return err
			}
		}
		return nil
	}))
}
