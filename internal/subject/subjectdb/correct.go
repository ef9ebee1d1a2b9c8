package subjectdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// The choices of remedies, by their keys.
const (
	replaced = "replace" // another value is right
	notTheir = "remove"  // it is not theirs
	isMinor  = "minor"
	isAdult  = "adult"
)

// declared is the evidence of what the person says of themselves.
const declared = "declared"

var _ thimble.Corrector = (*Store)(nil)

// refOf names one of several identifiers. It is made of the row's place, and says nothing
// of the value to who has not the key of the index.
func refOf(i SealedIdentifier) string {
	sum := sha256.Sum256(i.Cell.Row)
	return hex.EncodeToString(sum[:8])
}

var titles = map[string]string{string(subject.Account): "Account number", string(subject.Email): "E-mail address", string(subject.Phone): "Phone number", string(subject.Device): "Device", "residence": "Country where you live", "age": "Whether you are grown up"}

// Remedy implements thimble.Corrector. An account's number is the shop's own name for
// somebody, and no fact about them.
func (s *Store) Remedy(d thimble.Datum) (r thimble.Remedy, ok bool) {
	r.Title = titles[d.Name]
	switch v := d.Value.(type) {
	case string:
		r.Was = v
	case subject.Residence:
		r.Was = v.Country
	case subject.Age:
		r.Was = string(v.State)
	}
	away := thimble.RemedyChoice{Key: notTheir, Words: "It is not mine"}
	switch d.Name {
	case string(subject.Email):
		r.Choices = []thimble.RemedyChoice{{Key: replaced, Words: "It is another one", Asks: "Right address", Hint: "Such as name@example.org."}, away}
	case string(subject.Phone):
		r.Choices = []thimble.RemedyChoice{{Key: replaced, Words: "It is another one", Asks: "Right number", Hint: "With the country, such as +44 …"}, away}
	case string(subject.Device):
		away.AtOnce = true
		r.Choices = []thimble.RemedyChoice{away}
	case "residence":
		r.Choices = []thimble.RemedyChoice{{Key: replaced, Words: "I live in another country", Asks: "Right country", Hint: "Its code of two letters, such as FR.", AtOnce: true}}
	case "age":
		// A child must not take away what protects it.
		r.Choices = []thimble.RemedyChoice{{Key: isMinor, Words: "I am not grown up", AtOnce: true}, {Key: isAdult, Words: "I am grown up"}}
	}
	return r, len(r.Choices) > 0
}

// Accepts implements thimble.Corrector.
func (s *Store) Accepts(c thimble.Correction) error {
	r, ok := s.Remedy(thimble.Datum{Name: c.Name})
	choice, known := r.Choice(c.Choice)
	if !ok || !known {
		return fmt.Errorf("subjectdb: a correction: one of the choices was expected: %w", thimble.ErrInvalid)
	}
	if choice.Asks == "" {
		return nil
	}
	if c.Name == "residence" {
		return residence(c, s).Validate()
	}
	_, err := subject.Normalize(subject.Identifier{Kind: subject.Kind(c.Name), Value: c.Value})
	return err
}

// residence is what a person says of where they live.
func residence(c thimble.Correction, s *Store) subject.Residence {
	code := strings.ToUpper(strings.TrimSpace(c.Value.Reveal())) // to check it, and to seal it
	if code == "" {
		code = "?" // unknown is no correction
	}
	return subject.Residence{Country: code, Evidence: declared, At: s.cfg.Now()}
}

// Correct implements thimble.Corrector. An address or number that somebody else has is
// not taken from them.
func (s *Store) Correct(ctx context.Context, c thimble.Correction) (done thimble.Corrected, err error) {
	if err := s.Accepts(c); err != nil {
		return done, err
	}
	switch c.Name {
	case "residence":
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.SetResidence(ctx, tx, c.Subject, residence(c, s)) })
		done.Changed = 1
	case "age":
		state := map[string]subject.AgeState{isMinor: subject.AgeMinor, isAdult: subject.AgeAdult}[c.Choice]
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			return s.SetAge(ctx, tx, c.Subject, subject.Age{State: state, Evidence: declared, At: s.cfg.Now()})
		})
		done.Changed = 1
	default:
		done.Changed, err = s.correctIdentifier(ctx, c)
	}
	return done, wrap("correcting what is kept of a person", err)
}

func (s *Store) correctIdentifier(ctx context.Context, c thimble.Correction) (changed int, err error) {
	var draft Draft
	if c.Choice == replaced {
		if draft, err = s.DraftFor(ctx, c.Subject, subject.Identifier{Kind: subject.Kind(c.Name), Value: c.Value}); err != nil {
			return 0, err
		}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		changed = 0
		if _, err := s.Alive(ctx, tx, c.Subject); err != nil {
			return err
		}
		all, err := sealedIdentifiers(ctx, tx, c.Subject)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(i SealedIdentifier) bool { return string(i.Kind) == c.Name && refOf(i) == c.Ref })
		if at < 0 {
			return nil // it was put right before, or is gone
		}
		if c.Choice == replaced {
			if err := s.Add(ctx, tx, draft); err != nil {
				return err
			}
		}
		blind := all[at].Cell.Row[len(c.Name)+1:]
		if c.Choice == replaced && slices.ContainsFunc(draft.blinds, func(b []byte) bool { return slices.Equal(b, blind) }) {
			return nil // it is the same
		}
		n, err := tx.Exec(ctx, `delete from subject_identifiers where kind = $1 and blind = $2 and subject = $3`, c.Name, blind, c.Subject[:])
		if err != nil {
			return err
		}
		changed = int(n)
		_, err = s.Touch(ctx, tx, c.Subject)
		return err
	})
	return changed, err
}
