package disclosedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// secretCell is the place of a recipient's signing key. Its category says what it is;
// it is nobody's.
func secretCell(id thimble.ID) thimble.Cell {
	return thimble.Cell{Table: "disclose_recipients", Column: "secret", Row: id[:], Category: "system"}
}

// Add keeps a new recipient and returns its id, and the webhook's secret, which is
// told once.
func (s *Store) Add(ctx context.Context, r disclose.Recipient, staff string) (thimble.ID, wire.SigningKey, error) {
	key, err := wire.NewSecret(nil)
	if err == nil {
		r.ID, err = thimble.NewID(nil)
	}
	if err == nil {
		err = s.check(r)
	}
	if err == nil {
		err = s.add(ctx, r, key, staff)
	}
	if err != nil {
		return thimble.ID{}, wire.SigningKey{}, fmt.Errorf("disclose: adding a recipient: %w", err)
	}
	return r.ID, key, nil
}

// check asks the transport about the address and the key about its form.
func (s *Store) check(r disclose.Recipient) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Transport == disclose.Webhook {
		if err := s.ways.Check(r.Endpoint, hosts(r)); err != nil {
			return errors.Join(&disclose.FieldError{Field: "endpoint", Rule: "an https address on the public internet"}, err)
		}
	}
	if r.SealTo != "" {
		if _, err := wire.ParseSealingKey(r.SealTo); err != nil {
			return errors.Join(&disclose.FieldError{Field: "key", Rule: "x25519: or mlkem768-x25519: and base64"}, err)
		}
	}
	return nil
}

// hosts is the recipient's list: that of its address, and no other.
func hosts(r disclose.Recipient) []string {
	if u, err := url.Parse(r.Endpoint); err == nil {
		return []string{u.Hostname()}
	}
	return nil
}

func (s *Store) add(ctx context.Context, r disclose.Recipient, key wire.SigningKey, staff string) error {
	secret, err := s.vault.Seal(ctx, secretCell(r.ID), []byte(key.Text()))
	if err != nil {
		return err
	}
	now := s.now()
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var taken int
		if err := tx.QueryRow(ctx, `select count(*) from disclose_recipients where name = $1`, r.Name).Scan(&taken); err != nil {
			return err
		}
		if taken > 0 {
			return errors.Join(&disclose.FieldError{Field: "name", Rule: "a name that no other recipient has"}, thimble.ErrConflict)
		}
		_, err := tx.Exec(ctx, `insert into disclose_recipients (id, name, kind, contact, countries, transport, endpoint, sealing_key, secret, status, why, generation, created_at, changed_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 1, $11, $11)`,
			r.ID, r.Name, string(r.Kind), r.Contact, strings.Join(r.Countries, " "), string(r.Transport), r.Endpoint, r.SealTo, secret, string(disclose.Active), now.UnixMicro())
		if err != nil {
			return err
		}
		return s.act(ctx, tx, Act{Recipient: r.ID, Act: "added", Staff: staff, At: now})
	})
}

const selectRecipient = `select id, name, kind, contact, countries, transport, endpoint, sealing_key, status, why, generation, created_at, changed_at from disclose_recipients `

func scanRecipient(row interface{ Scan(...any) error }) (r disclose.Recipient, err error) {
	var countries string
	var created, changed int64
	err = row.Scan(&r.ID, &r.Name, &r.Kind, &r.Contact, &countries, &r.Transport, &r.Endpoint, &r.SealTo, &r.Status, &r.Why, &r.Generation, &created, &changed)
	r.Countries, r.CreatedAt, r.ChangedAt = strings.Fields(countries), instant(created), instant(changed)
	return r, err
}

// Recipients returns all recipients by name.
func (s *Store) Recipients(ctx context.Context) (all []disclose.Recipient, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, selectRecipient+`order by name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scanRecipient(rows)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading recipients: %w", err)
	}
	return all, nil
}

// Recipient returns one.
func (s *Store) Recipient(ctx context.Context, id thimble.ID) (r disclose.Recipient, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { r, err = s.recipient(ctx, tx, id); return err })
	return r, err
}

func (s *Store) recipient(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (disclose.Recipient, error) {
	r, err := scanRecipient(tx.QueryRow(ctx, selectRecipient+`where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("disclose: recipient %s: %w", id.Token(disclose.RecipientPrefix), err)
	}
	s.knows(r)
	return r, nil
}

// Suspend has nothing more sent to a recipient until [Store.Resume]; what is queued waits.
func (s *Store) Suspend(ctx context.Context, id thimble.ID, staff, reason string) error {
	return s.setStatus(ctx, id, disclose.Suspended, staff, reason)
}

// Resume ends a suspension, or takes up a recipient that withdrew and wants it again.
func (s *Store) Resume(ctx context.Context, id thimble.ID, staff, reason string) error {
	defer s.hurry()
	return s.setStatus(ctx, id, disclose.Active, staff, reason)
}

// Reasons are of this many characters.
const shortest, longest = 10, 500

func checkReason(staff, reason string) error {
	switch n := len([]rune(reason)); {
	case staff == "":
		return fmt.Errorf("disclose: nobody is signed in: %w", thimble.ErrDenied)
	case n < shortest || n > longest:
		return &disclose.FieldError{Field: "reason", Rule: fmt.Sprintf("%d to %d characters", shortest, longest)}
	}
	return nil
}

func (s *Store) setStatus(ctx context.Context, id thimble.ID, to disclose.Status, staff, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(staff, reason); err != nil {
		return err
	}
	what := map[disclose.Status]string{disclose.Suspended: "suspended", disclose.Active: "resumed"}[to]
	return s.change(ctx, id, Act{Recipient: id, Act: what, Staff: staff, Reason: reason}, func(tx *sqldb.Tx, r disclose.Recipient, now time.Time) error {
		if r.Status == to {
			return fmt.Errorf("disclose: the recipient is %s already: %w", to, thimble.ErrConflict)
		}
		why := reason
		if to == disclose.Active {
			why = ""
			if _, err := tx.Exec(ctx, `update disclose_messages set next_at = $2 where recipient_id = $1 and state = 'blocked'`, id, now.UnixMicro()); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `update disclose_recipients set status = $2, why = $3, changed_at = $4 where id = $1`, id, string(to), why, now.UnixMicro())
		return err
	})
}

// change does something to a recipient and records it with a leaf.
func (s *Store) change(ctx context.Context, id thimble.ID, a Act, do func(tx *sqldb.Tx, r disclose.Recipient, now time.Time) error) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		r, err := s.recipient(ctx, tx, id)
		if err != nil {
			return err
		}
		a.At = s.now()
		if err := do(tx, r, a.At); err != nil {
			return err
		}
		return s.act(ctx, tx, a)
	})
}

// NewPseudonyms gives a recipient another set of pseudonyms from now on: what it gets
// later cannot be joined with what it has.
func (s *Store) NewPseudonyms(ctx context.Context, id thimble.ID, staff, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(staff, reason); err != nil {
		return err
	}
	return s.change(ctx, id, Act{Recipient: id, Act: "pseudonyms rotated", Staff: staff, Reason: reason}, func(tx *sqldb.Tx, _ disclose.Recipient, now time.Time) error {
		_, err := tx.Exec(ctx, `update disclose_recipients set generation = generation + 1, changed_at = $2 where id = $1`, id, now.UnixMicro())
		return err
	})
}

// NewSecret gives a recipient another webhook key, which is told once.
func (s *Store) NewSecret(ctx context.Context, id thimble.ID, staff string) (wire.SigningKey, error) {
	key, err := wire.NewSecret(nil)
	if err != nil {
		return key, err
	}
	secret, err := s.vault.Seal(ctx, secretCell(id), []byte(key.Text()))
	if err != nil {
		return wire.SigningKey{}, fmt.Errorf("disclose: sealing a key: %w", err)
	}
	return key, s.change(ctx, id, Act{Recipient: id, Act: "webhook key replaced", Staff: staff}, func(tx *sqldb.Tx, _ disclose.Recipient, now time.Time) error {
		_, err := tx.Exec(ctx, `update disclose_recipients set secret = $2, changed_at = $3 where id = $1`, id, secret, now.UnixMicro())
		return err
	})
}

// signingKey opens a recipient's webhook key.
func (s *Store) signingKey(ctx context.Context, id thimble.ID) (key wire.SigningKey, err error) {
	var secret []byte
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select secret from disclose_recipients where id = $1`, id).Scan(&secret)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	var text []byte
	if err == nil {
		text, err = s.vault.Open(ctx, secretCell(id), secret)
	}
	if err == nil {
		key, err = wire.ParseSigningKey(string(text))
	}
	if err != nil {
		return key, fmt.Errorf("disclose: the key of %s: %w", id.Token(disclose.RecipientPrefix), err)
	}
	return key, nil
}

// An Act is what a member of staff did about a recipient.
type Act struct {
	ID        thimble.ID
	Recipient thimble.ID
	Agreement thimble.ID
	Act       string
	Staff     string
	Reason    string
	At        time.Time
	Opening   ledger.Opening
}

// acted is what the leaf of an act commits to.
type acted struct {
	Act       string    `json:"act"`
	Recipient string    `json:"recipient"`
	Agreement string    `json:"agreement,omitempty"`
	SHA256    string    `json:"sha256,omitempty"` // of the agreement's text
	Staff     string    `json:"staff"`
	Reason    string    `json:"reason,omitempty"`
	At        time.Time `json:"at"`
}
