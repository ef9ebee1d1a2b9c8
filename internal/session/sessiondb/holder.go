package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "session" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "session_links"}, {Kind: "table", Name: "session_sessions"}, {Kind: "table", Name: "session_codes"}, {Kind: "table", Name: "session_asks"}}
}

// Export implements thimble.Holder: when each session began and was last seen, the
// links, and the codes.
func (s *Store) Export(ctx context.Context, subject thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		var all []thimble.Datum
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			all = nil
			for _, part := range []func(context.Context, *sqldb.Tx, thimble.SubjectID) ([]thimble.Datum, error){exportSessions, exportLinks, exportCodes} {
				data, err := part(ctx, tx, subject)
				if err != nil {
					return err
				}
				all = append(all, data...)
			}
			return nil
		})
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("session: exporting a person: %w", err))
		}
	}
}

// A sessionDatum is a session as its person reads it.
type sessionDatum struct {
	Device   string    `json:"device"`
	LastSeen time.Time `json:"last_seen"`
}

func exportSessions(ctx context.Context, tx *sqldb.Tx, subject thimble.SubjectID) (all []thimble.Datum, err error) {
	rows, err := tx.Query(ctx, `select `+sessionColumns+` from session_sessions where subject_id = $1 order by created_at, hash`, subject)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		f, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, thimble.Datum{Holder: "session", Category: thimble.Credentials, Name: "session", At: f.Created,
			Value: sessionDatum{Device: f.Device, LastSeen: f.Seen}})
	}
	return all, rows.Err()
}

// exportCodes are the codes that went to the person by mail, or were about to.
func exportCodes(ctx context.Context, tx *sqldb.Tx, subject thimble.SubjectID) ([]thimble.Datum, error) {
	return exportOnce(ctx, tx, "code", `select created_at, expires_at, used_at is not null from session_codes where subject_id = $1 order by created_at, browser`, subject)
}

// Erase implements thimble.Holder: the person is signed out everywhere.
func (s *Store) Erase(ctx context.Context, subject thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n = 0
		for _, table := range []string{"session_links", "session_codes", "session_sessions"} {
			gone, err := tx.Exec(ctx, `delete from `+table+` where subject_id = $1`, subject)
			if err != nil {
				return err
			}
			n += gone
		}
		return nil
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("session: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}
