package collectdb

import (
	"context"
	"slices"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/sqldb"
)

// choices records what people chose elsewhere, in the order of their rows. Nobody is
// made of a choice: who is not there has permitted nothing.
func (r *run) choices(ctx context.Context, all []collect.Choice) (writer, error) {
	rows := make([]named, len(all))
	for i, c := range all {
		rows[i] = named{ids: c.IDs, all: c.IDs}
	}
	l, err := r.resolve(ctx, rows, false)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *sqldb.Tx, o *outcome) error {
		for i, c := range all {
			if err := r.writeChoice(ctx, tx, o, c, l, i); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (r *run) writeChoice(ctx context.Context, tx *sqldb.Tx, o *outcome, c collect.Choice, l *lot, i int) error {
	m := l.rows[i]
	switch {
	case m != nil:
	case c.State != consent.Given:
		o.add.Nobody++ // nothing of theirs is used
		return nil
	case l.forgotten[i]:
		o.add.Suppressed++
		return nil
	default:
		o.reject(c.Line, collect.UnknownPerson)
		return nil
	}
	person, err := r.parts.People.PersonTx(ctx, tx, m.id)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(person.IDs(), func(id thimble.SubjectID) bool { return id == m.id })
	became, err := r.parts.Consents.RecordImported(ctx, tx, m.id, consentdb.Imported{
		Purpose: c.Purpose, State: c.State, At: c.At, Proof: c.Proof, From: r.id.Token("imp"), Line: c.Line, Others: others,
	})
	if err != nil {
		return err
	}
	switch became {
	case consentdb.Taken:
		o.add.Written++
	case consentdb.Same:
		o.add.Same++
	default:
		o.reject(c.Line, collect.Reason(became))
	}
	return nil
}
