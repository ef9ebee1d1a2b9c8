// Package sessiondb keeps one-time links and sessions in the core database.
package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/sqldb"
)

// A Store keeps links and sessions. It is a thimble.Holder of the customers' ones.
type Store struct {
	db       *sqldb.DB
	subjects Subjects
	now      func() time.Time
}

// Subjects knows who exists; *subjectdb.Store does. Nobody who was erased gets a
// link or a session, also when the erasure is committed a moment before.
type Subjects interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// New returns the store of a core database. A nil clock means time.Now.
func New(db *sqldb.DB, s Subjects, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, subjects: s, now: now}
}

// exists is nil for staff, and for a customer who was not erased.
func (s *Store) exists(ctx context.Context, tx *sqldb.Tx, who session.Who) error {
	if who.Audience == session.Staff {
		return nil
	}
	_, err := s.subjects.Alive(ctx, tx, who.Subject)
	return err
}

// Link makes a one-time link's token.
func (s *Store) Link(ctx context.Context, who session.Who) (token string, err error) {
	token, hash, err := session.NewToken(nil)
	if err != nil {
		return "", err
	}
	now := s.now()
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := s.exists(ctx, tx, who); err != nil {
			return err
		}
		// Links that nobody used are swept here: they are useless and would pile up.
		if _, err := tx.Exec(ctx, `delete from session_links where expires_at < $1`, now.Add(-24*time.Hour).UnixMicro()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into session_links (hash, audience, subject_id, staff, created_at, expires_at)
			values ($1, $2, $3, $4, $5, $6)`, hash, string(who.Audience), who.Subject, who.Staff, now.UnixMicro(), now.Add(session.LinkLives).UnixMicro())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("session: making a link: %w", err)
	}
	return token, nil
}

// Redeem turns a link into a session. A used, expired or unknown link is of kind
// ErrDenied: the three are told alike.
func (s *Store) Redeem(ctx context.Context, token string, audience session.Audience) (cookie string, who session.Who, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		err := tx.QueryRow(ctx, `update session_links set used_at = $1
			where hash = $2 and audience = $3 and used_at is null and expires_at > $1 and created_at < $4
			returning audience, subject_id, staff`, now.UnixMicro(), session.Hash(token), string(audience), now.Add(session.Skew).UnixMicro()).
			Scan(&who.Audience, &who.Subject, &who.Staff)
		if err != nil {
			return err
		}
		cookie, err = s.begin(ctx, tx, who)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", session.Who{}, fmt.Errorf("session: the link was used, has expired or never was: %w", thimble.ErrDenied)
	}
	if err != nil {
		return "", session.Who{}, fmt.Errorf("session: using a link: %w", err)
	}
	return cookie, who, nil
}

// Begin makes a session without a link; the caller has checked who it is.
func (s *Store) Begin(ctx context.Context, who session.Who) (cookie string, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		cookie, err = s.begin(ctx, tx, who)
		return err
	})
	return cookie, err
}

func (s *Store) begin(ctx context.Context, tx *sqldb.Tx, who session.Who) (string, error) {
	cookie, hash, err := session.NewToken(nil)
	if err == nil {
		err = s.exists(ctx, tx, who)
	}
	if err != nil {
		return "", err
	}
	now := s.now()
	if _, err := tx.Exec(ctx, `delete from session_sessions where expires_at < $1`, now.UnixMicro()); err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `insert into session_sessions (hash, audience, subject_id, staff, created_at, seen_at, expires_at)
		values ($1, $2, $3, $4, $5, $5, $6)`,
		hash, string(who.Audience), who.Subject, who.Staff, now.UnixMicro(), now.Add(who.Audience.Whole()).UnixMicro())
	return cookie, err
}

// Who returns whose session a cookie is. The error is of kind ErrDenied when it
// is nobody's.
func (s *Store) Who(ctx context.Context, cookie string, audience session.Audience) (session.Who, error) {
	who := session.Who{Audience: audience}
	now, hash := s.now(), session.Hash(cookie)
	var seen int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select subject_id, staff, seen_at from session_sessions
			where hash = $1 and audience = $2 and expires_at > $3 and seen_at > $4 and created_at < $5`,
			hash, string(audience), now.UnixMicro(), now.Add(-audience.Idle()).UnixMicro(), now.Add(session.Skew).UnixMicro()).Scan(&who.Subject, &who.Staff, &seen)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return session.Who{}, fmt.Errorf("session: nobody is signed in: %w", thimble.ErrDenied)
	}
	if err != nil {
		return session.Who{}, fmt.Errorf("session: asking who it is: %w", err)
	}
	if session.Stale(time.UnixMicro(seen), now) {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update session_sessions set seen_at = $1 where hash = $2`, now.UnixMicro(), hash)
			return err
		})
		if errors.Is(err, thimble.ErrUnavailable) {
			err = nil // a full disk keeps nobody from reading; the session ends the earlier
		}
	}
	return who, err
}

// End ends a session; ending none succeeds.
func (s *Store) End(ctx context.Context, cookie string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from session_sessions where hash = $1`, session.Hash(cookie))
		return err
	})
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "session" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "session_links"}, {Kind: "table", Name: "session_sessions"}}
}

// Export implements thimble.Holder: when each session began and was last seen, and
// the links.
func (s *Store) Export(ctx context.Context, subject thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		var all []thimble.Datum
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			all = nil
			rows, err := tx.Query(ctx, `select created_at, seen_at from session_sessions where subject_id = $1 order by created_at, hash`, subject)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var created, seen int64
				if err := rows.Scan(&created, &seen); err != nil {
					return err
				}
				all = append(all, thimble.Datum{Holder: s.HolderName(), Category: thimble.Credentials, Name: "session",
					Value: map[string]time.Time{"last_seen": time.UnixMicro(seen).UTC()}, At: time.UnixMicro(created).UTC()})
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
			links, err := exportLinks(ctx, tx, subject)
			all = append(all, links...)
			return err
		})
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("session: exporting %s: %w", subject, err))
		}
	}
}

// Erase implements thimble.Holder: the person is signed out everywhere.
func (s *Store) Erase(ctx context.Context, subject thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		links, err := tx.Exec(ctx, `delete from session_links where subject_id = $1`, subject)
		if err != nil {
			return err
		}
		sessions, err := tx.Exec(ctx, `delete from session_sessions where subject_id = $1`, subject)
		n = links + sessions
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("session: erasing %s: %w", subject, err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}
