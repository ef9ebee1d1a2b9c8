package consentdb

import (
	"context"
	"encoding/hex"
	"fmt"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
)

// Residences has the store ask where somebody lives, by evidence, to know for how long
// they are left in peace: a country, or "" for unknown. Nil, as before the call, knows
// nobody's place. It is called while the store is wired.
func (s *Store) Residences(f func(ctx context.Context, who thimble.SubjectID) (string, error)) {
	s.residences = f
}

// rest is for how many months somebody is not asked again: of a person with several
// subjects, the longest.
func (s *Store) rest(ctx context.Context, members ...thimble.SubjectID) (months int, err error) {
	for _, m := range members {
		place := ""
		if s.residences != nil {
			if place, err = s.residences(ctx, m); err != nil {
				return 0, fmt.Errorf("consent: asking where somebody lives: %w", err)
			}
		}
		months = max(months, consent.Rest(place))
	}
	return months, nil
}

// Questions returns all that a person can be asked now, where they stand on it, and
// whether they may be asked.
func (s *Store) Questions(ctx context.Context, who thimble.SubjectID) ([]consent.Question, error) {
	return s.questions(ctx, func(p thimble.Purpose, q consent.Scope) (consent.Standing, error) {
		return s.StandingFor(ctx, who, p, q)
	}, who)
}

// Questions is [Store.Questions] for a person, over all their subjects.
func (w Whole) Questions(ctx context.Context, who thimble.SubjectID) ([]consent.Question, error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("consent: questions for a person: %w", err)
	}
	return w.questions(ctx, func(p thimble.Purpose, q consent.Scope) (consent.Standing, error) {
		return consent.OfPerson(ctx, person, p, func(ctx context.Context, m thimble.SubjectID, p thimble.Purpose) (consent.Standing, error) {
			return w.Store.StandingFor(ctx, m, p, q)
		})
	}, person.IDs()...)
}

func (s *Store) questions(ctx context.Context, said func(thimble.Purpose, consent.Scope) (consent.Standing, error), members ...thimble.SubjectID) ([]consent.Question, error) {
	months, err := s.rest(ctx, members...)
	if err != nil {
		return nil, err
	}
	now := consent.Current()
	var failed error
	all, err := consent.Questions(s.now(), months, said, func(st consent.Standing) bool {
		old, err := s.Matrix(ctx, st.Notice)
		if err != nil {
			failed = err
		}
		return now.Matrix.Grew(old, st.Purpose)
	})
	if err == nil {
		err = failed
	}
	return all, err
}

// Matrix returns what a yes under a notice covers, by the hash of its text in hex; a
// notice that was never kept covers nothing.
func (s *Store) Matrix(ctx context.Context, notice string) (consent.Matrix, error) {
	text, _, err := s.notice(ctx, notice)
	if err != nil {
		return nil, err
	}
	return consent.UnmarshalMatrix(text)
}

// Shown reports whether a notice with this hash has been shown: it is the current
// one in one of its languages, or choices name it.
func (s *Store) Shown(ctx context.Context, notice string) (bool, error) {
	for _, lang := range consent.Langs() {
		if n, _, _, _ := consent.In(lang); notice == n.Ref().SHA256 {
			return true, nil
		}
	}
	_, kept, err := s.notice(ctx, notice)
	return kept, err
}

func (s *Store) notice(ctx context.Context, hash string) (matrix string, kept bool, err error) {
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) == 0 {
		return "", false, nil // no hash at all
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, `select matrix from consent_notices where hash = $1`, raw)
		if err != nil {
			return err
		}
		defer rows.Close()
		for kept = false; rows.Next(); kept = true {
			if err := rows.Scan(&matrix); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return "", false, fmt.Errorf("consent: looking for a notice: %w", err)
	}
	return matrix, kept, nil
}

// Scopes returns the scopes for which a person has said something about a purpose,
// besides everything.
func (s *Store) Scopes(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) ([]consent.Scope, error) {
	all, err := s.Standings(ctx, who, p)
	var scopes []consent.Scope
	for _, st := range all {
		if st.Scope != (consent.Scope{}) {
			scopes = append(scopes, st.Scope)
		}
	}
	return scopes, err
}

// Scopes is [Store.Scopes] over all of a person's subjects.
func (w Whole) Scopes(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) ([]consent.Scope, error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("consent: scopes of a person: %w", err)
	}
	var all []consent.Scope
	seen := map[consent.Scope]bool{}
	for _, m := range person.Members {
		some, err := w.Store.Scopes(ctx, m.ID, p)
		if err != nil {
			return nil, err
		}
		for _, scope := range some {
			if !seen[scope] {
				seen[scope] = true
				all = append(all, scope)
			}
		}
	}
	return all, nil
}

// Age returns what is known of a subject's age.
func (s *Store) Age(ctx context.Context, who thimble.SubjectID) (age consent.Age, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		age, err = s.age(ctx, tx, who)
		return err
	})
	return age, err
}

// Age returns what is known of a person's age: of several subjects, a child anywhere
// is a child.
func (w Whole) Age(ctx context.Context, who thimble.SubjectID) (age consent.Age, err error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil {
		return age, fmt.Errorf("consent: age of a person: %w", err)
	}
	err = w.db.Read(ctx, func(tx *sqldb.Tx) error {
		for i, m := range person.Members {
			one, err := w.age(ctx, tx, m.ID)
			if err != nil {
				return err
			}
			if i == 0 || one.Known && !one.Adult {
				age = one
			}
		}
		return nil
	})
	return age, err
}
