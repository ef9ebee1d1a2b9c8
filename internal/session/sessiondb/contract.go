package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Expire implements thimble.Holder: links and sessions of customers that were made
// before the instant end.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.Credentials.Within(c) {
		return thimble.Erasure{}, nil
	}
	n := 0
	for table, key := range map[string]string{"session_links": "hash", "session_sessions": "hash", "session_codes": "browser"} {
		gone, err := s.db.Drain(ctx, `delete from `+table+` where `+key+` in (
			select `+key+` from `+table+` where subject_id is not null and created_at < $1 limit 1000)`, before.UnixMicro())
		n += gone
		if err != nil {
			return thimble.Erasure{Erased: n}, fmt.Errorf("session: expiring %s: %w", table, err)
		}
	}
	return thimble.Erasure{Erased: n}, nil
}

// Restrict implements thimble.Holder. It has nothing to do: the person must be able
// to come in, also to lift the restriction.
func (s *Store) Restrict(context.Context, thimble.SubjectID, bool) error { return nil }

// Object implements thimble.Holder. It has nothing to do: being signed in rests on
// the contract.
func (s *Store) Object(context.Context, thimble.SubjectID, thimble.Purpose) error { return nil }

// Merge implements thimble.Holder. It has nothing to do: each one's sessions go on.
func (s *Store) Merge(context.Context, thimble.Merge) error { return nil }

// Unmerge implements thimble.Holder: both are signed out everywhere. A session from
// before may sit in a browser that shows the other's data.
func (s *Store) Unmerge(ctx context.Context, m thimble.Merge) error {
	for _, who := range []thimble.SubjectID{m.Survivor, m.Absorbed} {
		if _, err := s.Erase(ctx, who); err != nil {
			return err
		}
	}
	return nil
}

// exportLinks are the one-time links that wait, or waited, for the person.
func exportLinks(ctx context.Context, tx *sqldb.Tx, subject thimble.SubjectID) ([]thimble.Datum, error) {
	return exportOnce(ctx, tx, "link", `select created_at, expires_at, used_at is not null from session_links where subject_id = $1 order by created_at, hash`, subject)
}

func exportOnce(ctx context.Context, tx *sqldb.Tx, name, query string, subject thimble.SubjectID) (all []thimble.Datum, err error) {
	rows, err := tx.Query(ctx, query, subject)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var created, expires int64
		var used bool
		if err := rows.Scan(&created, &expires, &used); err != nil {
			return nil, err
		}
		all = append(all, thimble.Datum{Holder: "session", Category: thimble.Credentials, Name: name, At: time.UnixMicro(created).UTC(),
			Value: onceDatum{Expires: time.UnixMicro(expires).UTC(), Used: used}})
	}
	return all, rows.Err()
}

// A onceDatum is a link or a code as its person reads it: not the secret, which would
// let whoever reads the archive in.
type onceDatum struct {
	Expires time.Time `json:"expires"`
	Used    bool      `json:"used"`
}
