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
		rows[i] = named{ids: c.IDs, all: c.IDs, at: c.At}
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

// writeChoice records a yes for who the row is. A no is for everybody whom any identifier
// of the row names: a newsletter's own number beside an address is no reason to go on.
func (r *run) writeChoice(ctx context.Context, tx *sqldb.Tx, o *outcome, c collect.Choice, l *lot, i int) error {
	if c.State != consent.Given && len(l.everybody[i]) > 0 {
		for _, m := range l.everybody[i] {
			if err := r.record(ctx, tx, o, c, m); err != nil {
				return err
			}
		}
		return nil
	}
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
	return r.record(ctx, tx, o, c, m)
}

func (r *run) record(ctx context.Context, tx *sqldb.Tx, o *outcome, c collect.Choice, m *member) error {
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
