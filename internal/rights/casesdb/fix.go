package casesdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

// Correction implements rights.Corrections: it opens what a case asks to put right, for
// whoever does it.
func (s *Store) Correction(ctx context.Context, ofCase string) (c thimble.Correction, err error) {
	id, err := thimble.ParseID(cases.TokenPrefix, ofCase)
	if err != nil {
		return c, fmt.Errorf("cases: reading a correction: %w", thimble.ErrInvalid)
	}
	var fix cases.Fix
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		fix, err = s.fix(ctx, tx, cases.Case{ID: id})
		return err
	})
	if err == nil {
		c, err = fix.Correction()
	}
	if err != nil {
		return c, fmt.Errorf("cases: reading the correction of %s: %w", ofCase, err)
	}
	return c, nil
}

// fix opens what a case corrects. It is gone once the person is.
func (s *Store) fix(ctx context.Context, tx *sqldb.Tx, c cases.Case) (cases.Fix, error) {
	all, err := steps(ctx, tx, `where s.case_id = $1 and s.n = 1`, c.ID)
	if err != nil {
		return cases.Fix{}, err
	}
	if len(all) == 0 || !all[0].Wrote() {
		return cases.Fix{}, fmt.Errorf("it is there no more: %w", thimble.ErrNotFound)
	}
	k := all[0]
	plain, err := s.parts.Vault.Open(ctx, wordsCell(k.Subject, k.Case, k.N), k.words)
	if err != nil {
		return cases.Fix{}, err
	}
	w, err := cases.ParseWords(plain, k.Step)
	if err == nil && w.Fix == nil {
		err = fmt.Errorf("it is about no value: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return cases.Fix{}, err
	}
	return *w.Fix, nil
}

// FixOf opens what a case corrects, for who may read what was written; nil for nothing.
func FixOf(ctx context.Context, g thimble.Grant, k Kept) (thimble.Personal[*cases.Fix], error) {
	w, err := wordsOf(ctx, g, k)
	return thimble.Hide(w.Fix), err
}
