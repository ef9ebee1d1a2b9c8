package collectdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// The facts that are kept of customers.
const (
	nameFact   = "name"
	regionFact = "region"
)

var factCategories = map[string]thimble.Category{nameFact: collect.NameCategory, regionFact: collect.StateCategory}

// factCell is where a fact is sealed.
func factCell(who thimble.SubjectID, fact string) thimble.Cell {
	return thimble.Cell{Owner: who, Table: "collect_facts", Column: "body", Row: append(append([]byte{}, who[:]...), fact...), Category: factCategories[fact]}
}

type sealedFact struct {
	who  thimble.SubjectID
	fact string
	body []byte
}

// A profile is what a batch says of one person: later rows win.
type profile struct {
	who     *member
	country string
	age     subject.AgeState
	facts   map[string]string
}

func (r *run) customers(ctx context.Context, people []collect.Customer) (writer, error) {
	rows := make([]named, len(people))
	for i, c := range people {
		rows[i] = named{ids: c.IDs, all: c.All}
	}
	l, err := r.resolve(ctx, rows, true)
	if err != nil {
		return nil, err
	}
	profiles := profilesOf(people, l)
	if err := r.complete(ctx, l, profiles); err != nil {
		return nil, err
	}
	var facts []sealedFact
	for _, p := range profiles {
		for _, fact := range []string{nameFact, regionFact} {
			if p.facts[fact] == "" {
				continue
			}
			body, err := r.parts.Keys.Seal(ctx, factCell(p.who.id, fact), []byte(p.facts[fact]))
			if err != nil {
				return nil, fmt.Errorf("collect: sealing a fact of a person: %w", err)
			}
			facts = append(facts, sealedFact{p.who.id, fact, body})
		}
	}
	return func(ctx context.Context, tx *sqldb.Tx, o *outcome) error {
		o.add.Contested, o.add.Dropped = l.contested, l.dropped
		for i, c := range people {
			o.add.Dropped += c.Dropped
			switch {
			case l.rows[i] != nil:
				o.add.Written++
			case l.forgotten[i]:
				o.add.Suppressed++
			default:
				o.add.Nobody++
			}
		}
		if err := r.writeMembers(ctx, tx, o, l); err != nil {
			return err
		}
		if err := r.writeProfiles(ctx, tx, profiles); err != nil {
			return err
		}
		return r.writeFacts(ctx, tx, facts)
	}, nil
}

// profilesOf gathers what the rows say of each person, in the order in which all
// writers lock.
func profilesOf(people []collect.Customer, l *lot) []*profile {
	all := map[*member]*profile{}
	var list []*profile
	for i, c := range people {
		m := l.rows[i]
		if m == nil {
			continue
		}
		p := all[m]
		if p == nil {
			p = &profile{who: m, facts: map[string]string{}}
			all[m], list = p, append(list, p)
		}
		if c.Country != "" {
			p.country = c.Country
		}
		if c.Age == subject.AgeMinor || c.Age != "" && p.age != subject.AgeMinor {
			p.age = c.Age // of two the younger
		}
		if name := c.Name.Reveal(); name != "" { // to be sealed
			p.facts[nameFact] = name
		}
		if region := c.Region.Reveal(); region != "" { // to be sealed
			p.facts[regionFact] = region
		}
	}
	slices.SortFunc(list, func(a, b *profile) int { return bytes.Compare(a.who.id[:], b.who.id[:]) })
	return list
}

// writeMembers creates who is new, and gives people their further identifiers.
func (r *run) writeMembers(ctx context.Context, tx *sqldb.Tx, o *outcome, l *lot) error {
	// Somebody else's import may have made them since: then look again.
	if err := r.parts.People.CreateAll(ctx, tx, l.newcomers); err != nil {
		return err
	}
	o.add.Subjects += int64(len(l.newcomers))
	members := slices.DeleteFunc(l.members(), func(m *member) bool { return m.whole })
	slices.SortFunc(members, func(a, b *member) int { return bytes.Compare(a.id[:], b.id[:]) })
	for _, m := range members {
		if m.fresh {
			if err := r.parts.People.Create(ctx, tx, m.create); err != nil {
				return err
			}
			o.add.Subjects++
		} else if _, err := r.parts.People.Touch(ctx, tx, m.id); err != nil {
			return err // erased since
		}
		for _, d := range m.more {
			switch err := r.parts.People.Add(ctx, tx, d); {
			case errors.Is(err, thimble.ErrConflict):
				o.add.Contested++
			case err != nil:
				return err
			case !m.fresh:
				o.add.Joined++
			}
		}
	}
	return nil
}

// writeProfiles says where people live and whether they are grown up, where nothing is
// known of it.
func (r *run) writeProfiles(ctx context.Context, tx *sqldb.Tx, profiles []*profile) error {
	now := r.now().UTC()
	for _, p := range profiles {
		if p.who.whole {
			continue
		}
		if p.country != "" && !p.who.held.Residence {
			home := subject.Residence{Country: p.country, Evidence: "import", At: now}
			if err := r.parts.People.SetResidence(ctx, tx, p.who.id, home); err != nil {
				return err
			}
		}
		if p.age != "" && !p.who.held.Age {
			age := subject.Age{State: p.age, Evidence: "import", At: now}
			if err := r.parts.People.SetAge(ctx, tx, p.who.id, age); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) writeFacts(ctx context.Context, tx *sqldb.Tx, facts []sealedFact) error {
	rows := make([][]any, len(facts))
	now := r.now().UnixMicro()
	for i, f := range facts {
		rows[i] = []any{f.who, f.fact, f.body, now}
	}
	_, err := tx.InsertMany(ctx, `insert into collect_facts (subject_id, fact, body, at)`,
		`on conflict (subject_id, fact) do update set body = excluded.body, at = excluded.at`, rows)
	if err != nil {
		return fmt.Errorf("collect: writing facts: %w", err)
	}
	return nil
}
