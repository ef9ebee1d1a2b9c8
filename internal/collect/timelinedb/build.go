package timelinedb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// A batch is what some frames come to.
type batch struct {
	store  *Store
	people map[thimble.SubjectID]*person
	tally  timeline.Tally
	// counted is up to which frame demand was counted before.
	counted int64
	// reader opens the parts instead of the grants of what is built in, when there is one.
	reader thimble.Grant
}

// A person is what a batch comes to for one subject.
type person struct {
	posts  []post
	months []month
	// grants are those of the batch, by use; asked says whether the gate was.
	grants [3]*gate.Grant
	asked  [3]bool
}

// A post is a run of postings in one block.
type post struct {
	block int64
	body  []byte
}

// A month is what the events of one category and month add.
type month struct {
	category     thimble.Category
	number       int64
	interactions timeline.Interactions
	profile      timeline.Profile

	sealedInteractions, sealedProfile []byte
}

func (s *Store) newBatch() *batch {
	return &batch{store: s, people: map[thimble.SubjectID]*person{}, tally: timeline.Tally{}}
}

// build reads frames for the tables of the view.
func (s *Store) build(ctx context.Context, next func() ([]frame.Frame, error)) (*taken, error) {
	b := s.newBatch()
	err := s.View.Read(ctx, func(tx *sqldb.Tx) (err error) { b.counted, err = demandUpTo(ctx, tx); return err })
	if err != nil {
		return nil, fmt.Errorf("timeline: asking up to where demand is counted: %w", err)
	}
	for {
		frames, err := next()
		if err != nil || len(frames) == 0 {
			if err == nil {
				err = b.seal(ctx)
			}
			return &taken{write: b.write, settled: b.settle}, err
		}
		for i := range frames {
			if err := b.add(ctx, &frames[i]); err != nil {
				return nil, err
			}
		}
	}
}

func (b *batch) add(ctx context.Context, f *frame.Frame) error {
	tally := b.tally
	if f.Seq <= b.counted {
		tally = nil
	}
	for i := range f.Records {
		r := &f.Records[i]
		for _, c := range r.Counts {
			tally.Count(c)
		}
		if r.Subject.IsZero() {
			continue
		}
		p := b.of(r.Subject)
		p.post(timeline.Place{Seq: f.Seq, Index: i})
		if err := b.fold(ctx, p, r, tally); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) of(who thimble.SubjectID) *person {
	p := b.people[who]
	if p == nil {
		p = &person{}
		b.people[who] = p
	}
	return p
}

func (p *person) post(at timeline.Place) {
	block := timeline.Block(at.Seq)
	if n := len(p.posts); n == 0 || p.posts[n-1].block != block {
		p.posts = append(p.posts, post{block: block})
	}
	last := &p.posts[len(p.posts)-1]
	last.body = timeline.AppendPosting(last.body, at)
}

// month returns what the batch adds to a category and month.
func (p *person) month(c thimble.Category, number int64) *month {
	for i := range p.months {
		if p.months[i].category == c && p.months[i].number == number {
			return &p.months[i]
		}
	}
	p.months = append(p.months, month{category: c, number: number})
	return &p.months[len(p.months)-1]
}

// uses returns what is built in, in the order of a person's grants.
func (s *Store) uses() [3]*uses { return [3]*uses{s.taste, s.visits, s.speech} }

// grant asks the gate once for each person, use and batch.
func (b *batch) grant(ctx context.Context, p *person, who thimble.SubjectID, use int) (*gate.Grant, error) {
	if p.asked[use] {
		return p.grants[use], nil
	}
	g, err := b.store.uses()[use].of(ctx, who)
	if err == nil {
		p.grants[use], p.asked[use] = g, true
	}
	return g, err
}

// fold adds a record to what its person's months come to, and to the tally if there is one.
func (b *batch) fold(ctx context.Context, p *person, r *frame.Record, tally timeline.Tally) error {
	for i := range r.Parts {
		part := &r.Parts[i]
		var permitted [3]bool
		var plain []byte
		for use, u := range b.store.uses() {
			if !u.has(part.Category) {
				continue
			}
			g, err := b.grant(ctx, p, r.Subject, use)
			if err != nil {
				return err
			}
			if g == nil {
				continue
			}
			// Each use has a grant of its own; what one has opened is opened for the other.
			if permitted[use] = true; plain == nil {
				if plain, err = open(ctx, b.opener(g), r, part); err != nil {
					return err
				}
			}
		}
		if plain != nil {
			b.count(p, r, part.Category, plain, permitted, tally)
		}
	}
	return nil
}

func (b *batch) opener(g *gate.Grant) thimble.Grant {
	if b.reader != nil {
		return b.reader
	}
	return g
}

func (b *batch) count(p *person, r *frame.Record, c thimble.Category, plain []byte, permitted [3]bool, tally timeline.Tally) {
	var w timeline.What
	w.Add(plain)
	w.Done()
	received := timeline.NewEvent(0, 0, r).Received
	m := p.month(c, timeline.Month(received))
	if permitted[0] {
		m.interactions = m.interactions.Add(&w)
	}
	// Whoever reads the profile has a grant for a purpose of their own: it is built when
	// there is one that could.
	m.profile.Add(&w, received)
	if tally != nil && (permitted[0] || permitted[1]) {
		tally.Add(&w)
	}
}

// seal seals what is to be written, before the transaction.
func (b *batch) seal(ctx context.Context) error {
	for who, p := range b.people {
		if err := b.store.sealMonths(ctx, who, p.months); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) sealMonths(ctx context.Context, who thimble.SubjectID, months []month) error {
	for i := range months {
		m := &months[i]
		var err error
		if len(m.interactions) > 0 {
			if m.sealedInteractions, err = s.sealPart(ctx, m.interactions.Encode(), monthCell(who, m.category, m.number, "interactions")); err != nil {
				return err
			}
		}
		if m.profile.First.IsZero() {
			continue
		}
		plain, err := m.profile.Encode()
		if err != nil {
			return err
		}
		if m.sealedProfile, err = s.sealPart(ctx, plain, monthCell(who, m.category, m.number, "profile")); err != nil {
			return err
		}
	}
	return nil
}

// byID sorts people so that rows that lie together are written together, and so that all
// writers lock in one order.
func byID(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) }

func (b *batch) write(ctx context.Context, tx *sqldb.Tx) error {
	w, err := newWriter(ctx, b.store, tx)
	if err != nil {
		return err
	}
	defer w.close()
	people := slices.SortedFunc(maps.Keys(b.people), byID)
	for _, who := range people {
		for _, p := range b.people[who].posts {
			if _, err := w.post.ExecContext(ctx, who[:], p.block, p.body); err != nil {
				return fmt.Errorf("writing postings: %w", err)
			}
		}
	}
	for _, who := range people {
		if err := w.months(ctx, who, b.people[who]); err != nil {
			return err
		}
	}
	return w.demand(ctx, b.tally)
}

// settle looks once more, now that what was built is there: whoever was erased since the
// batch was begun has no rows, and what a grant that has died meanwhile has added is built
// again by what the gate says now.
func (b *batch) settle(ctx context.Context) error {
	people := slices.SortedFunc(maps.Keys(b.people), byID)
	missing, err := b.store.People.Missing(ctx, people)
	if err != nil {
		return fmt.Errorf("timeline: looking for who is gone: %w", err)
	}
	for _, who := range missing {
		// What came in for somebody who is gone is noted, so that it leaves the log.
		if err := b.store.forgetAt(ctx, who); err != nil {
			return err
		}
		delete(b.people, who)
	}
	for _, who := range people {
		p := b.people[who]
		if p == nil || !slices.ContainsFunc(p.grants[:], func(g *gate.Grant) bool { return g != nil && !holds(ctx, g) }) {
			continue
		}
		if err := b.store.Derive(ctx, who); err != nil {
			return err
		}
	}
	return nil
}
