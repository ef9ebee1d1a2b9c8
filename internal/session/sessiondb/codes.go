package sessiondb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/sqldb"
)

// An Asked is a code that waits to be typed in.
type Asked struct {
	Browser string // the cookie of the browser that asked
	Code    thimble.Personal[string]
	// Send is false when nobody is to be sent the code: no such person, or too many
	// codes in this hour. Whoever asked is not told.
	Send bool
}

// Ask makes a code for whoever has an address: the zero subject is nobody. Mark is a
// keyed hash of the address. What is done does not depend on whether anybody has it:
// the same statements run, and the same hashes are made.
func (s *Store) Ask(ctx context.Context, who thimble.SubjectID, mark []byte) (Asked, error) {
	browser, hash, err := session.NewToken(nil)
	if err != nil {
		return Asked{}, err
	}
	code, err := session.NewCode(nil)
	if err != nil {
		return Asked{}, err
	}
	now, asks := s.now(), 0
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, sweep := range []string{`delete from session_codes where expires_at < $1`, `delete from session_asks where hour * 3600000000 < $1`} {
			if _, err := tx.Exec(ctx, sweep, now.Add(-24*time.Hour).UnixMicro()); err != nil {
				return err
			}
		}
		err := tx.QueryRow(ctx, `insert into session_asks (mark, hour, asks) values ($1, $2, 1)
			on conflict (mark, hour) do update set asks = session_asks.asks + 1 returning asks`, mark, now.Unix()/3600).Scan(&asks)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into session_codes (browser, subject_id, code, tries, created_at, expires_at) values ($1, $2, $3, 0, $4, $5)`,
			hash, who, session.CodeHash(browser, code), now.UnixMicro(), now.Add(session.CodeLives).UnixMicro())
		return err
	})
	if err != nil {
		return Asked{}, fmt.Errorf("session: making a code: %w", err)
	}
	return Asked{Browser: browser, Code: thimble.Hide(code), Send: !who.IsZero() && asks <= session.CodesAnHour}, nil
}

var errCode = fmt.Errorf("session: the code is wrong, was used or has expired: %w", thimble.ErrDenied)

// Enter begins a session for whoever a code was sent to. A wrong, used or expired one,
// one of another browser, and any after the fifth try are of kind ErrDenied and are
// told alike. Of two that enter the right code at once, one comes in.
func (s *Store) Enter(ctx context.Context, browser, code, device string) (cookie string, who session.Who, err error) {
	// The try is durable whatever comes of it, so that it counts.
	right := false
	err = s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		who, right, err = s.try(ctx, tx, session.Hash(browser), session.CodeHash(browser, code))
		return err
	})
	if err == nil && !right {
		err = errCode
	}
	if err != nil {
		return "", session.Who{}, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update session_codes set used_at = $1 where browser = $2 and used_at is null`, s.now().UnixMicro(), session.Hash(browser))
		if err != nil {
			return err
		}
		if n == 0 {
			return errCode
		}
		cookie, err = s.begin(ctx, tx, who, device)
		return err
	})
	if errors.Is(err, thimble.ErrNotFound) {
		err = errCode // erased while the code was on its way
	}
	return cookie, who, err
}

func (s *Store) try(ctx context.Context, tx *sqldb.Tx, browser, entered []byte) (who session.Who, right bool, err error) {
	var want []byte
	now := s.now()
	who.Audience = session.Customer
	err = tx.QueryRow(ctx, `update session_codes set tries = tries + 1
		where browser = $1 and used_at is null and tries < $2 and expires_at > $3 and created_at < $4 returning subject_id, code`,
		browser, session.CodeTries, now.UnixMicro(), now.Add(session.Skew).UnixMicro()).Scan(&who.Subject, &want)
	if errors.Is(err, sql.ErrNoRows) {
		return who, false, nil
	}
	if err != nil {
		return who, false, fmt.Errorf("session: trying a code: %w", err)
	}
	// Both are hashes with a token of 256 bits in them: how long the comparison takes
	// tells nothing that can be used.
	return who, !who.Subject.IsZero() && bytes.Equal(want, entered), nil
}

// Spend remembers that a shop's token was used, until it has expired. The error is of
// kind ErrDenied when it was used before.
func (s *Store) Spend(ctx context.Context, t session.ShopToken) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `delete from session_tokens where expires_at < $1`, s.now().Add(-session.Skew).UnixMicro()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `insert into session_tokens (hash, expires_at) values ($1, $2) on conflict do nothing`, t.ID, t.Expires.UnixMicro())
		if err == nil && n == 0 {
			err = fmt.Errorf("it was used before: %w", session.ErrShopToken)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("session: using the shop's token: %w", err)
	}
	return nil
}
