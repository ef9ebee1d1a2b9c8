package disclosedb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// A correction, as its recipient reads it: whose, by the pseudonym that it has, and which
// of the fields that it was sent are not to be relied on any more. What is right is in it
// only where the agreement and the gate let the recipient have it.
type correction struct {
	Person    string             `json:"person"`
	Corrected []thimble.Category `json:"corrected"`
	Fields    []string           `json:"fields"`
	Right     []json.RawMessage  `json:"right,omitempty"`
	Gone      []json.RawMessage  `json:"gone,omitempty"`
}

// An Amended is what is right about somebody where a recipient has what was wrong.
type Amended struct {
	Right []disclose.Row // the values as they are now
	Gone  []disclose.Row // names what the recipient has of the person and is not the person's
}

// Amend makes what is right about a person for a recipient, with a grant for the fields
// that may go. It returns nothing when the recipient was not sent what was wrong, or nothing
// is in its place.
type Amend func(ctx context.Context, g thimble.Grant, recipient thimble.ID, who thimble.SubjectID, fields []disclose.Field) (Amended, error)

// Corrected tells each recipient that may have data of a category about any of a person's
// subjects that it was corrected (GDPR Art. 19), by the pseudonym that it has, and which
// fields it is. The right values go with it, made by amend, to whoever may have them: by the
// agreement in force, the gate's verdict now and again when it is sent, and under the
// pseudonym that the recipient has now. The others get the names of the fields alone. The
// request of the context is the cause; a second call for it tells nobody.
func (s *Store) Corrected(ctx context.Context, members []thimble.SubjectID, c thimble.Category, amend Amend) (told int, err error) {
	all, err := s.owedCorrections(ctx, members, c)
	for _, o := range all {
		if err == nil && amend != nil {
			err = s.amend(ctx, o, c, amend)
		}
	}
	if err == nil {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			told = 0
			if before, err := toldBefore(ctx, tx); err != nil || before {
				return err
			}
			for _, o := range all {
				if err := s.tellCorrection(ctx, tx, o); err != nil {
					return err
				}
				told++
			}
			return nil
		})
	}
	if err != nil {
		return 0, fmt.Errorf("disclose: telling of a correction: %w", err)
	}
	s.hurry()
	return told, nil
}

// toldBefore reports whether recipients were told because of the request of the context.
func toldBefore(ctx context.Context, tx *sqldb.Tx) (bool, error) {
	cause := thimble.CauseOf(ctx)
	if cause.IsZero() {
		return false, nil
	}
	var n int
	err := tx.QueryRow(ctx, `select count(*) from disclose_messages where cause = $1 and kind = $2`, cause, disclose.CorrectMessage).Scan(&n)
	return n > 0, err
}

// owed is one recipient that is to be told of a correction.
type owed struct {
	told
	who      thimble.SubjectID
	to       disclose.Recipient
	terms    *disclose.Signed // in force; nil for none
	given    []gave
	line     correction
	valued   *person // with the right values; nil: the names of the fields go alone
	purpose  thimble.Purpose
	brand    string
	released []string // the fields of which values go
}

// gave are the fields of a category that went for a purpose.
type gave struct {
	purpose thimble.Purpose
	brand   string
	fields  []string
}

func (s *Store) owedCorrections(ctx context.Context, members []thimble.SubjectID, c thimble.Category) (all []*owed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		if before, err := toldBefore(ctx, tx); err != nil || before {
			return err
		}
		for _, who := range members {
			some, err := s.owedOf(ctx, tx, who, c)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		return nil
	})
	return all, err
}

// owedOf are who is to be told about one subject.
func (s *Store) owedOf(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, c thimble.Category) (all []*owed, err error) {
	targets, err := reached(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		o := &owed{told: t, who: who}
		if o.given, err = s.given(ctx, tx, t, who, c); err != nil {
			return nil, err
		}
		if len(o.given) == 0 {
			continue
		}
		if o.to, err = s.recipient(ctx, tx, t.recipient); err != nil {
			return nil, err
		}
		if o.terms, err = inForce(ctx, tx, t.recipient); err != nil {
			return nil, err
		}
		pseudonym, err := s.pseudonym(ctx, o.to, t.generation, who)
		if err != nil {
			return nil, err
		}
		o.line = correction{Person: pseudonym, Corrected: []thimble.Category{c}, Fields: names(o.given)}
		all = append(all, o)
	}
	return all, nil
}

func names(all []gave) (fields []string) {
	for _, g := range all {
		for _, f := range g.fields {
			if !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// given are the fields of a category that a recipient may have been sent about somebody
// under a pseudonym, by the purpose.
func (s *Store) given(ctx context.Context, tx *sqldb.Tx, to told, who thimble.SubjectID, c thimble.Category) (all []gave, err error) {
	type sent struct {
		fields, purpose, brand string
		agreement              thimble.ID
	}
	var found []sent
	err = tx.Each(ctx, func(row sqldb.Row) error {
		var one sent
		err := row.Scan(&one.fields, &one.purpose, &one.brand, &one.agreement)
		found = append(found, one)
		return err
	}, `select distinct m.fields, m.purpose, m.brand, m.agreement_id from disclose_people p join disclose_messages m on m.id = p.message_id
		where p.subject_id = $1 and m.recipient_id = $2 and p.generation = $3 and (p.state in ('sent', 'maybe-sent') or p.state = 'going' and m.tries > 0)
		order by m.purpose, m.brand, m.agreement_id, m.fields`, who, to.recipient, to.generation)
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		a, err := s.agreement(ctx, tx, one.agreement)
		if err != nil {
			return nil, err
		}
		var fields []string
		for _, f := range a.Agreement.Fields {
			if f.Category != "" && f.Category.Within(c) && slices.Contains(strings.Fields(one.fields), f.Name) {
				fields = append(fields, f.Name)
			}
		}
		if len(fields) == 0 {
			continue
		}
		last := len(all) - 1
		if last < 0 || all[last].purpose != thimble.Purpose(one.purpose) || all[last].brand != one.brand {
			all = append(all, gave{purpose: thimble.Purpose(one.purpose), brand: one.brand})
			last++
		}
		all[last].fields = names([]gave{all[last], {fields: fields}})
	}
	return all, nil
}

// amend makes the right values for one recipient, for the first purpose for which it was
// sent what was wrong and may have what is right. Under an older pseudonym none go: what
// is alike in two messages would tell that both are one person.
func (s *Store) amend(ctx context.Context, o *owed, c thimble.Category, amend Amend) error {
	if o.terms == nil || o.generation != o.to.Generation {
		return nil
	}
	a := &o.terms.Agreement
	for _, g := range o.given {
		var fields []disclose.Field
		var names []string
		for _, name := range g.fields {
			if f, ok := a.Field(name); ok && f.Category != "" && f.Category.Within(c) {
				fields, names = append(fields, f), append(names, name)
			}
		}
		if a.Permits(o.to, disclose.Request{Purpose: g.purpose, Fields: names, Brand: g.brand}, s.now()) != "" {
			continue
		}
		o.purpose, o.brand, o.released = g.purpose, g.brand, names
		grants, err := s.ask(ctx, o.message(s), o.to, a, o.who)
		if errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) || errors.Is(err, thimble.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		return s.value(ctx, o, grants[0], fields, amend)
	}
	return nil
}

// message drafts what tells of a correction with its values.
func (o *owed) message(s *Store) Message {
	return Message{Recipient: o.recipient, Agreement: o.terms.ID, Kind: disclose.CorrectMessage, Purpose: o.purpose, Brand: o.brand, Fields: o.released,
		Categories: o.terms.Agreement.Categories(o.released), MediaType: "application/x-ndjson", AckWithin: eraseWithin, CreatedAt: s.now(), People: 1}
}

// value shapes what is right as the agreement has it.
func (s *Store) value(ctx context.Context, o *owed, g *gate.Grant, fields []disclose.Field, amend Amend) error {
	made, err := amend(ctx, g, o.recipient, o.who, fields)
	switch {
	case errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable), errors.Is(err, thimble.ErrNotFound):
		return nil // the names go
	case err != nil:
		return err
	case len(made.Right)+len(made.Gone) == 0:
		return nil
	}
	line := o.line
	for into, rows := range map[*[]json.RawMessage][]disclose.Row{&line.Right: made.Right, &line.Gone: made.Gone} {
		for _, row := range rows {
			text, err := o.terms.Agreement.Shape(o.released, "", row, s.alias(ctx, o.to))
			if err != nil {
				return err
			}
			if string(text) != "{}" {
				*into = append(*into, text)
			}
		}
	}
	if len(line.Right)+len(line.Gone) == 0 {
		return nil
	}
	p := &person{who: o.who, grant: g}
	if p.lookup, err = s.lookup(ctx, o.recipient, line.Person); err != nil {
		return err
	}
	text, err := json.Marshal(line)
	if err == nil {
		p.part.Lines, o.valued = []json.RawMessage{text}, p
	}
	return err
}

// tellCorrection queues the message of one recipient. Whoever moved since the gate was asked
// has no values sent.
func (s *Store) tellCorrection(ctx context.Context, tx *sqldb.Tx, o *owed) error {
	names, err := json.Marshal(o.line)
	if err != nil {
		return err
	}
	if o.valued == nil {
		return s.notify(ctx, tx, o.to, disclose.CorrectMessage, names)
	}
	epoch, err := s.people.Alive(ctx, tx, o.valued.grant.Subject())
	if errors.Is(err, thimble.ErrNotFound) || err == nil && epoch != o.valued.grant.Verdict().Epoch {
		return s.notify(ctx, tx, o.to, disclose.CorrectMessage, names)
	}
	if err != nil {
		return err
	}
	m := o.message(s)
	m.Cause = thimble.CauseOf(ctx)
	if m.ID, err = thimble.NewID(nil); err == nil {
		m.Disclosure, err = thimble.NewID(nil)
	}
	if err != nil {
		return err
	}
	// The names of the fields lie beside, sealed by the installation: they are owed even
	// when the values may not go any more.
	if err := s.commit(m, o.to, o.terms, o.valued); err != nil {
		return err
	}
	if err := s.seal(ctx, m, 0, o.valued); err != nil {
		return err
	}
	if err := s.queueBareTx(ctx, tx, m, o.to, o.terms, append(names, '\n')); err != nil {
		return err
	}
	if err := insertPerson(ctx, tx, m, o.to, 0, o.valued); err != nil {
		return err
	}
	return s.ledger.Enqueue(ctx, tx, o.valued.opening)
}

// amended sends what tells of a correction: with the values when they may go still, and else
// the names of the fields, which need no agreement (GDPR Art. 19).
func (s *Store) amended(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Signed) (result, error) {
	var people []going
	var err error
	if agreedNow(m, r, a, s) == "" {
		people, err = s.permitted(ctx, m, r, a)
	} else {
		err = s.takeOut(ctx, m.ID, 0)
	}
	if errors.Is(err, thimble.ErrUnavailable) {
		return result{state: disclose.Retrying, why: "gate-unavailable"}, nil
	}
	if err != nil {
		return result{}, err
	}
	if len(people) > 0 {
		return s.output(ctx, m, r, people)
	}
	m.Agreement, m.Purpose = thimble.ID{}, thimble.LegalObligation
	return s.bare(ctx, m, r)
}
