package subjectdb

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Held says what is kept of a subject, without opening anything.
type Held struct {
	Kinds          map[subject.Kind]int // identifiers of each kind
	Residence, Age bool                 // whether one is kept
	Since          time.Time            // when they came to be known
}

// Held returns what is kept of each subject that is not erased, for whoever brings more
// and must not put it over what is there.
func (s *Store) Held(ctx context.Context, ids []thimble.SubjectID) (map[thimble.SubjectID]Held, error) {
	all := make(map[thimble.SubjectID]Held, len(ids))
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(all)
		return inChunks(keysOf(ids), func(_ int, list string, args []any) error {
			if err := readHeld(ctx, tx, all, list, args); err != nil {
				return err
			}
			return readKinds(ctx, tx, all, list, args)
		})
	})
	return all, wrap("looking at what is kept of subjects", err)
}

func readHeld(ctx context.Context, tx *sqldb.Tx, all map[thimble.SubjectID]Held, list string, args []any) error {
	rows, err := tx.Query(ctx, `select id, case when residence is null then 0 else 1 end, case when age is null then 0 else 1 end, created_at
		from subject_subjects where state = 'active' and id in (`+list+`)`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id thimble.SubjectID
		var residence, age, since int64
		if err := rows.Scan(&id, &residence, &age, &since); err != nil {
			return err
		}
		all[id] = Held{Kinds: map[subject.Kind]int{}, Residence: residence == 1, Age: age == 1, Since: time.UnixMicro(since).UTC()}
	}
	return rows.Err()
}

func readKinds(ctx context.Context, tx *sqldb.Tx, all map[thimble.SubjectID]Held, list string, args []any) error {
	rows, err := tx.Query(ctx, `select subject, kind, count(*) from subject_identifiers where subject in (`+list+`) group by subject, kind`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id thimble.SubjectID
		var kind string
		var n int
		if err := rows.Scan(&id, &kind, &n); err != nil {
			return err
		}
		if h, there := all[id]; there {
			h.Kinds[subject.Kind(kind)] = n
		}
	}
	return rows.Err()
}
