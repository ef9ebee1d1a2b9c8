package disclosedb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// act keeps what somebody did, with its leaf, in the transaction of the deed.
func (s *Store) act(ctx context.Context, tx *sqldb.Tx, a Act) error {
	said, err := s.said(ctx, tx, a)
	if err != nil {
		return err
	}
	openings, err := s.ledger.Commit(ledger.Entry{Class: ledger.System, At: a.At, Record: said})
	if err != nil {
		return err
	}
	if err := s.ledger.Enqueue(ctx, tx, openings...); err != nil {
		return err
	}
	opening, err := openings[0].MarshalBinary()
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into disclose_acts (id, recipient_id, agreement_id, act, staff, reason, at, opening) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, a.Recipient, a.Agreement, a.Act, a.Staff, a.Reason, a.At.UnixMicro(), opening)
	return err
}

// said is the record of an act. It binds the text of the agreement that it is about.
func (s *Store) said(ctx context.Context, tx *sqldb.Tx, a Act) ([]byte, error) {
	r := acted{Act: a.Act, Recipient: a.Recipient.Token(disclose.RecipientPrefix), Staff: a.Staff, Reason: a.Reason, At: a.At}
	if !a.Agreement.IsZero() {
		r.Agreement = a.Agreement.Token(disclose.AgreementPrefix)
		var text string
		err := tx.QueryRow(ctx, `select body from disclose_agreements where id = $1`, a.Agreement).Scan(&text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		sum := sha256.Sum256([]byte(text))
		r.SHA256 = hex.EncodeToString(sum[:])
	}
	return json.Marshal(r)
}

// Acts returns what staff did about a recipient, the newest first.
func (s *Store) Acts(ctx context.Context, recipient thimble.ID, limit int) ([]Act, error) {
	return s.acts(ctx, `where recipient_id = $1 order by at desc, id limit $2`, recipient, limit)
}

func (s *Store) acts(ctx context.Context, where string, args ...any) (all []Act, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, recipient_id, agreement_id, act, staff, reason, at, opening from disclose_acts `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Act
			var at int64
			var opening []byte
			if err := rows.Scan(&a.ID, &a.Recipient, &a.Agreement, &a.Act, &a.Staff, &a.Reason, &at, &opening); err != nil {
				return err
			}
			a.At = instant(at)
			_ = a.Opening.UnmarshalBinary(opening) // one that cannot be read is told by the audit
			all = append(all, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading acts: %w", err)
	}
	return all, nil
}

// Claims are what the rows say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		acts, err := s.actClaims(ctx)
		if !ledger.YieldAll(yield, acts, err) {
			return
		}
		bare, err := s.messageClaims(ctx)
		if !ledger.YieldAll(yield, bare, err) {
			return
		}
		s.peopleClaims(ctx, yield)
	}
}

func (s *Store) actClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	acts, err := s.acts(ctx, `order by at, id`)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		for _, a := range acts {
			said, err := s.said(ctx, tx, a)
			if err != nil {
				return err
			}
			claims = append(claims, ledger.Claim{Table: "disclose_acts", Class: ledger.System, Opening: a.Opening, Rule: ledger.RuleIf(string(said) == string(a.Opening.Record))})
		}
		return nil
	})
	return claims, err
}

func (s *Store) messageClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		rows, err := tx.Query(ctx, `select id, disclosure_id, recipient_id, purpose, opening from disclose_messages where opening is not null`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m Message
			var opening []byte
			if err := rows.Scan(&m.ID, &m.Disclosure, &m.Recipient, &m.Purpose, &opening); err != nil {
				return err
			}
			c := ledger.Claim{Table: "disclose_messages", Class: ledger.Disclosure}
			c.Err = c.Opening.UnmarshalBinary(opening)
			c.Rule = ledger.RuleIf(m.fits(c.Opening.Record, thimble.SubjectID{}))
			claims = append(claims, c)
		}
		return rows.Err()
	})
	return claims, err
}

// fits reports whether a record is the one of a message and a person.
func (m Message) fits(record []byte, who thimble.SubjectID) bool {
	r, err := disclose.ParseRecord(record)
	subject := ""
	if !who.IsZero() {
		subject = who.String()
	}
	return err == nil && r.Message == m.ID.Token(disclose.MessagePrefix) && r.Disclosure == m.Disclosure.Token(disclose.DisclosurePrefix) &&
		r.Recipient.ID == m.Recipient.Token(disclose.RecipientPrefix) && r.Purpose == m.Purpose && r.Subject == subject
}

func (s *Store) peopleClaims(ctx context.Context, yield func(ledger.Claim, error) bool) {
	after, place := thimble.ID{}, int64(-1)
	for {
		page, err := s.listed(ctx, `where p.message_id > $1 or p.message_id = $1 and p.place > $2 order by p.message_id, p.place limit $3`, after[:], place, claimsPage)
		if err != nil {
			yield(ledger.Claim{}, err)
			return
		}
		for _, d := range page {
			after, place = d.Message.ID, d.place
			c := ledger.Claim{Table: "disclose_people", Class: ledger.Disclosure, Subject: d.Subject}
			if c.Opening, c.Err = ledger.Unseal(ctx, s.vault, d.cell(), d.opening); c.Err == nil {
				c.Rule = ledger.RuleIf(d.Message.fits(c.Opening.Record, d.Subject))
			}
			if !yield(c, nil) {
				return
			}
		}
		if len(page) < claimsPage {
			return
		}
	}
}

const claimsPage = 500
