// Package sessiondb keeps one-time links, codes and sessions in the core database.
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

// A Store keeps links, codes and sessions. It is a thimble.Holder of the customers' ones.
type Store struct {
	db       *sqldb.DB
	subjects Subjects
	now      func() time.Time
	saw      func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) error
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

// OnSeen has f run in each transaction in which a customer signs in, or is marked as seen.
// It is called while the store is wired.
func (s *Store) OnSeen(f func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) error) {
	s.saw = f
}

// sawTx tells that a customer is there.
func (s *Store) sawTx(ctx context.Context, tx *sqldb.Tx, who session.Who, at time.Time) error {
	if s.saw == nil || who.Audience != session.Customer {
		return nil
	}
	return s.saw(ctx, tx, who.Subject, at)
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

// Peek returns for whom a link was made, without using it. The errors are those of
// [Store.Redeem].
func (s *Store) Peek(ctx context.Context, token string, audience session.Audience) (who session.Who, err error) {
	now := s.now()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select audience, subject_id, staff from session_links
			where hash = $2 and audience = $3 and used_at is null and expires_at > $1 and created_at < $4`,
			now.UnixMicro(), session.Hash(token), string(audience), now.Add(session.Skew).UnixMicro()).Scan(&who.Audience, &who.Subject, &who.Staff)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return session.Who{}, errSpent
	}
	if err != nil {
		return session.Who{}, fmt.Errorf("session: reading a link: %w", err)
	}
	return who, nil
}

var errSpent = fmt.Errorf("session: the link was used, has expired or never was: %w", thimble.ErrDenied)

// Redeem turns a link into a session. A used, expired or unknown link is of kind
// ErrDenied: the three are told alike.
func (s *Store) Redeem(ctx context.Context, token string, audience session.Audience, device string) (cookie string, who session.Who, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		err := tx.QueryRow(ctx, `update session_links set used_at = $1
			where hash = $2 and audience = $3 and used_at is null and expires_at > $1 and created_at < $4
			returning audience, subject_id, staff`, now.UnixMicro(), session.Hash(token), string(audience), now.Add(session.Skew).UnixMicro()).
			Scan(&who.Audience, &who.Subject, &who.Staff)
		if err != nil {
			return err
		}
		cookie, err = s.begin(ctx, tx, who, device)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", session.Who{}, errSpent
	}
	if err != nil {
		return "", session.Who{}, fmt.Errorf("session: using a link: %w", err)
	}
	return cookie, who, nil
}
