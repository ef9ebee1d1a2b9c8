package collectdb

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// A member is somebody whom rows of a batch name.
type member struct {
	id    thimble.SubjectID // zero until a new one is drafted
	fresh bool
	held  subjectdb.Held
	adds  []subject.Identifier // the first of a fresh one makes them

	create subjectdb.Draft
	more   []subjectdb.Draft
	whole  bool // new, and made with all that is known of them
}

// once reports whether somebody gets at most one identifier of each kind: more may be too
// many, so that each is tried.
func (m *member) once() bool {
	seen := map[subject.Kind]bool{}
	for _, id := range m.adds {
		if seen[id.Kind] {
			return false
		}
		seen[id.Kind] = true
	}
	return true
}

// accounts is how many accounts they have or will have.
func (m *member) accounts() int {
	n := m.held.Kinds[subject.Account]
	for _, id := range m.adds {
		if id.Kind == subject.Account {
			n++
		}
	}
	return n
}

// A named is what one row says of who it is.
type named struct {
	ids []subject.Identifier // that may be kept
	all []subject.Identifier // those that may not be too
	at  time.Time            // of when it tells; zero where it does not say
}

// A lot says who the rows of a batch are.
type lot struct {
	owner      map[key]*member
	suppressed map[key]bool
	rows       []*member   // by row; nil for nobody
	forgotten  []bool      // by row
	everybody  [][]*member // by row: whom any identifier of it names
	contested  int64
	dropped    int64
	newcomers  []subjectdb.Newcomer
}

// members lists everybody once, the fresh ones in the order of their rows.
func (l *lot) members() (all []*member) {
	seen := map[*member]bool{}
	for _, m := range l.rows {
		if m != nil && !seen[m] {
			seen[m] = true
			all = append(all, m)
		}
	}
	return all
}

// look finds whom the identifiers of rows name, and which were forgotten.
func (r *run) look(ctx context.Context, rows []named) (*lot, error) {
	l := &lot{owner: map[key]*member{}, suppressed: map[key]bool{}, rows: make([]*member, len(rows)), forgotten: make([]bool, len(rows))}
	seen := map[key]bool{}
	var ids []subject.Identifier
	for _, row := range rows {
		for _, id := range row.all {
			if k := keyOf(id); !seen[k] {
				seen[k] = true
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return l, nil
	}
	found, err := r.parts.People.FindAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	suppressed, err := r.parts.People.Suppressed(ctx, ids)
	if err != nil {
		return nil, err
	}
	there := map[thimble.SubjectID]*member{}
	for i, id := range ids {
		l.suppressed[keyOf(id)] = suppressed[i]
		if found[i].IsZero() {
			continue
		}
		if there[found[i]] == nil {
			there[found[i]] = &member{id: found[i]}
		}
		l.owner[keyOf(id)] = there[found[i]]
	}
	held, err := r.parts.People.Held(ctx, slices.Collect(maps.Keys(there)))
	for id, m := range there {
		m.held = held[id]
	}
	return l, err
}

// resolve says who each row is, and drafts those who are new when make is set.
func (r *run) resolve(ctx context.Context, rows []named, create bool) (*lot, error) {
	l, err := r.look(ctx, rows)
	if err != nil {
		return nil, err
	}
	l.everybody = make([][]*member, len(rows))
	for i, row := range rows {
		for _, id := range row.ids {
			if m := l.owner[keyOf(id)]; m != nil && !slices.Contains(l.everybody[i], m) {
				l.everybody[i] = append(l.everybody[i], m)
			}
		}
		m, forgotten := l.of(row)
		switch {
		case m != nil:
		case forgotten:
			l.forgotten[i] = true
			continue
		case !create || len(row.ids) == 0:
			continue
		default:
			m = &member{fresh: true}
		}
		l.rows[i] = m
		if create {
			l.give(m, row)
		}
	}
	if !create {
		return l, nil
	}
	return l, r.drafts(ctx, l)
}

// of returns who a row is, nil for nobody who is known, and whether that is because they
// were forgotten. The most telling identifier decides: what a row says of somebody who was
// forgotten by their account is nothing of whoever has its address now, and what it says of
// a time before somebody with a name that was forgotten came to be known is not of them.
func (l *lot) of(row named) (m *member, forgotten bool) {
	account := false
	for _, id := range row.all {
		owner := l.owner[keyOf(id)]
		switch {
		case owner == nil && l.suppressed[keyOf(id)]:
			return nil, true
		case !row.keeps(id):
			continue // the door denies it: it says only who was forgotten
		case id.Kind == subject.Account:
			account = true
		}
		// An address that somebody with another account has does not make two people one.
		if owner != nil && (id.Kind == subject.Account || !account || owner.accounts() == 0) {
			if l.suppressed[keyOf(id)] && ofBefore(row.at, owner.held.Since) {
				return nil, true
			}
			return owner, false
		}
	}
	return nil, false
}

// ofBefore reports whether something is of before somebody came to be known: of whoever had
// their name then, if that was forgotten.
func ofBefore(at, since time.Time) bool { return !at.IsZero() && at.Before(since) }

// keeps reports whether an identifier of the row may be kept.
func (n named) keeps(id subject.Identifier) bool {
	return slices.ContainsFunc(n.ids, func(kept subject.Identifier) bool { return keyOf(kept) == keyOf(id) })
}

// give notes which identifiers of the row are to be somebody's.
func (l *lot) give(m *member, row named) {
	for _, id := range row.ids {
		k := keyOf(id)
		switch owner := l.owner[k]; {
		case owner == m:
		case owner != nil:
			l.contested++
		case l.suppressed[k]:
			l.dropped++
		default:
			m.adds = append(m.adds, id)
			l.owner[k] = m
		}
	}
}

// drafts makes keys and seals: of new people, and of identifiers that people get.
func (r *run) drafts(ctx context.Context, l *lot) error {
	var fresh []*member
	var first []subject.Identifier
	for _, m := range l.members() {
		if m.fresh {
			fresh, first = append(fresh, m), append(first, m.adds[0])
		}
	}
	made, err := r.parts.People.Draft(ctx, first)
	if err != nil {
		return err
	}
	for i, m := range fresh {
		m.id, m.create = made[i].ID, made[i]
	}
	for _, m := range l.members() {
		adds := m.adds
		if m.fresh {
			adds = adds[1:]
		}
		for _, id := range adds {
			d, err := r.parts.People.DraftFor(ctx, m.id, id)
			if err != nil {
				return err
			}
			m.more = append(m.more, d)
		}
	}
	return nil
}

// complete seals what is known of those who are new, so that they are made with it at once.
func (r *run) complete(ctx context.Context, l *lot, profiles []*profile) error {
	of := make(map[*member]*profile, len(profiles))
	for _, p := range profiles {
		of[p.who] = p
	}
	now := r.now().UTC()
	for _, m := range l.members() {
		if !m.fresh || !m.once() {
			continue
		}
		var home *subject.Residence
		var age *subject.Age
		if p := of[m]; p != nil && p.country != "" {
			home = &subject.Residence{Country: p.country, Evidence: "import", At: now}
		}
		if p := of[m]; p != nil && p.age != "" {
			age = &subject.Age{State: p.age, Evidence: "import", At: now}
		}
		n, err := r.parts.People.Newcomer(ctx, m.create, m.more, home, age)
		if err != nil {
			return err
		}
		m.whole = true
		l.newcomers = append(l.newcomers, n)
	}
	slices.SortFunc(l.newcomers, func(a, b subjectdb.Newcomer) int {
		x, y := a.ID(), b.ID()
		return bytes.Compare(x[:], y[:])
	})
	return nil
}
