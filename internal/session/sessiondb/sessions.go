package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/sqldb"
)

// Begin makes a session without a link; the caller has checked who it is. Device is
// what session.Device makes of the browser's name for itself.
func (s *Store) Begin(ctx context.Context, who session.Who, device string) (cookie string, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		cookie, err = s.begin(ctx, tx, who, device)
		return err
	})
	return cookie, err
}

func (s *Store) begin(ctx context.Context, tx *sqldb.Tx, who session.Who, device string) (string, error) {
	cookie, hash, err := session.NewToken(nil)
	if err == nil {
		err = s.exists(ctx, tx, who)
	}
	if err != nil {
		return "", err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return "", err
	}
	now := s.now()
	if _, err := tx.Exec(ctx, `delete from session_sessions where expires_at < $1`, now.UnixMicro()); err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `insert into session_sessions (hash, id, audience, subject_id, staff, device, created_at, seen_at, raised_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7, $7, $8)`,
		hash, id, string(who.Audience), who.Subject, who.Staff, device, now.UnixMicro(), now.Add(who.Audience.Whole()).UnixMicro())
	if err == nil {
		err = s.sawTx(ctx, tx, who, now)
	}
	return cookie, err
}

const sessionColumns = `id, audience, subject_id, staff, device, created_at, seen_at, raised_at`

func scanSession(r interface{ Scan(...any) error }) (f session.Session, err error) {
	var created, seen, raised int64
	err = r.Scan(&f.ID, &f.Audience, &f.Subject, &f.Staff, &f.Device, &created, &seen, &raised)
	f.Created, f.Seen, f.Raised = time.UnixMicro(created).UTC(), time.UnixMicro(seen).UTC(), time.UnixMicro(raised).UTC()
	return f, err
}

// Session returns the session of a cookie. The error is of kind ErrDenied when it is
// nobody's.
func (s *Store) Session(ctx context.Context, cookie string, audience session.Audience) (found session.Session, err error) {
	now, hash := s.now(), session.Hash(cookie)
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		found, err = scanSession(tx.QueryRow(ctx, `select `+sessionColumns+` from session_sessions
			where hash = $1 and audience = $2 and expires_at > $3 and seen_at > $4 and created_at < $5`,
			hash, string(audience), now.UnixMicro(), now.Add(-audience.Idle()).UnixMicro(), now.Add(session.Skew).UnixMicro()))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return session.Session{}, fmt.Errorf("session: nobody is signed in: %w", thimble.ErrDenied)
	}
	if err != nil {
		return session.Session{}, fmt.Errorf("session: asking who it is: %w", err)
	}
	if session.Stale(found.Seen, now) {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			if err := mark(ctx, tx, `seen_at`, hash, now); err != nil {
				return err
			}
			return s.sawTx(ctx, tx, found.Who, now)
		})
		if errors.Is(err, thimble.ErrUnavailable) {
			err = nil // a full disk keeps nobody from reading; the session ends the earlier
		}
	}
	return found, err
}

func (s *Store) mark(ctx context.Context, column string, hash []byte, now time.Time) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return mark(ctx, tx, column, hash, now) })
}

func mark(ctx context.Context, tx *sqldb.Tx, column string, hash []byte, now time.Time) error {
	_, err := tx.Exec(ctx, `update session_sessions set `+column+` = $1 where hash = $2`, now.UnixMicro(), hash)
	return err
}

// Raise remembers that the owner of a session has just proved who they are.
func (s *Store) Raise(ctx context.Context, cookie string) error {
	return s.mark(ctx, `raised_at`, session.Hash(cookie), s.now())
}

// End ends a session; ending none succeeds.
func (s *Store) End(ctx context.Context, cookie string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from session_sessions where hash = $1`, session.Hash(cookie))
		return err
	})
}

// ofOwner are the sessions of one person or of one member of staff. A subject is
// null for staff, and no null equals another: so the owner is one or the other.
const ofOwner = ` audience = $1 and staff = $2 and (subject_id = $3 or $1 = 'staff')`

// List returns the sessions of somebody that still count, the last seen first.
func (s *Store) List(ctx context.Context, who session.Who) (all []session.Session, err error) {
	now := s.now()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all = nil
		rows, err := tx.Query(ctx, `select `+sessionColumns+` from session_sessions where`+ofOwner+` and expires_at > $4 and seen_at > $5
			order by seen_at desc, id`, string(who.Audience), who.Staff, who.Subject, now.UnixMicro(), now.Add(-who.Audience.Idle()).UnixMicro())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			f, err := scanSession(rows)
			if err != nil {
				return err
			}
			all = append(all, f)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("session: listing sessions: %w", err)
	}
	return all, nil
}

// Revoke ends one session of somebody. Of another's, and of one that has ended, it is
// an error of kind ErrNotFound: which of the two is not said.
func (s *Store) Revoke(ctx context.Context, who session.Who, id thimble.ID) error {
	return s.revoke(ctx, who, ` and id = $4`, id, true)
}

// RevokeAll ends the sessions of somebody but one; the zero id spares none. Links that
// wait for them die as well.
func (s *Store) RevokeAll(ctx context.Context, who session.Who, but thimble.ID) error {
	return s.revoke(ctx, who, ` and (id <> $4 or $4 is null)`, but, false)
}

// RevokeTx is RevokeAll within the caller's transaction, of all sessions.
func (s *Store) RevokeTx(ctx context.Context, tx *sqldb.Tx, who session.Who) error {
	for _, table := range []string{"session_sessions", "session_links"} {
		if _, err := tx.Exec(ctx, `delete from `+table+` where`+ofOwner, string(who.Audience), who.Staff, who.Subject); err != nil {
			return fmt.Errorf("session: signing out everywhere: %w", err)
		}
	}
	return nil
}

func (s *Store) revoke(ctx context.Context, who session.Who, which string, id thimble.ID, must bool) error {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `delete from session_sessions where`+ofOwner+which, string(who.Audience), who.Staff, who.Subject, id)
		if err == nil && !must {
			_, err = tx.Exec(ctx, `delete from session_links where`+ofOwner, string(who.Audience), who.Staff, who.Subject)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("session: ending sessions: %w", err)
	}
	if n == 0 && must {
		return fmt.Errorf("session: no such session: %w", thimble.ErrNotFound)
	}
	return nil
}
