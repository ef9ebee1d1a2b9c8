package staffdb

import (
	"context"
	"fmt"
	"time"

	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

// BrowserLives is how long a browser in which somebody came in is remembered.
const BrowserLives = 60 * 24 * time.Hour

// KnowBrowser remembers that somebody came in with this browser, and returns the token
// for its cookie. The guesses of others do not slow down who comes from there
// (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
func (s *Store) KnowBrowser(ctx context.Context, a staff.Account) (token string, err error) {
	token, hash, err := session.NewToken(nil)
	if err != nil {
		return "", err
	}
	now := s.cfg.Now()
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `delete from staff_browsers where expires_at < $1`, now.UnixMicro()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into staff_browsers (hash, account_id, expires_at) values ($1, $2, $3)`, hash, a.ID, now.Add(BrowserLives).UnixMicro())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("staff: remembering a browser: %w", err)
	}
	return token, nil
}

// KnowsBrowser reports whether the account of a name came in with the browser of a token.
func (s *Store) KnowsBrowser(ctx context.Context, name, token string) (known bool, err error) {
	if staff.CheckName(name) != nil {
		return false, nil // nobody can have it, and not every text can be asked for
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) > 0 from staff_browsers b join staff_accounts a on a.id = b.account_id
			where b.hash = $1 and a.name = $2 and b.expires_at > $3`, session.Hash(token), name, s.cfg.Now().UnixMicro()).Scan(&known)
	})
	if err != nil {
		return false, fmt.Errorf("staff: looking for a browser: %w", err)
	}
	return known, nil
}
