package intakedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// People makes and joins people; it implements intake.People.
type People struct {
	db    *sqldb.DB
	store *subjectdb.Store

	make   func(context.Context, []subject.Identifier) ([]intake.Made, error) // all, but in tests
	mu     sync.Mutex
	orders []*order
	busy   bool
}

var _ intake.People = (*People)(nil)

// New returns people on the set sqldb.Core.
func New(db *sqldb.DB, s *subjectdb.Store) *People {
	p := &People{db: db, store: s}
	p.make = p.all
	return p
}

// FindAll implements intake.People.
func (p *People) FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error) {
	return p.store.FindAll(ctx, ids)
}

// Owned reports whether a subject is of somebody whom the shop knows: one with an
// account, and not a device only.
func (p *People) Owned(ctx context.Context, who thimble.SubjectID) (owned bool, err error) {
	person, err := p.store.Person(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = p.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		owned, err = p.store.HasTx(ctx, tx, person, subject.Account)
		return err
	})
	return owned, err
}

// An order is what one body asks for.
type order struct {
	ids  []subject.Identifier
	made []intake.Made
	err  error
	done chan struct{}
	lead chan struct{} // closed when it is its turn to make the next round
}

// makeWithin bounds how long the making of one round of people may take.
const makeWithin = 30 * time.Second

// Make implements intake.People. Who comes while others are being made waits for the next
// round, which is one for as many as wait and fit into a commit. The first of a round makes
// it, and leaves the next one to who waits for that: nobody works for those who come later.
func (p *People) Make(ctx context.Context, ids []subject.Identifier) ([]intake.Made, error) {
	o := &order{ids: ids, done: make(chan struct{}), lead: make(chan struct{})}
	p.mu.Lock()
	p.orders = append(p.orders, o)
	if !p.busy {
		p.busy = true
		close(o.lead)
	}
	p.mu.Unlock()
	select {
	case <-o.done:
	case <-o.lead:
		p.round(context.WithoutCancel(ctx))
	case <-ctx.Done():
		p.leave(o)
		return nil, fmt.Errorf("intake: making people: %w (%w)", ctx.Err(), thimble.ErrUnavailable)
	}
	return o.made, o.err
}

// round makes the people of those who wait, as many as fit, and has another make the rest.
// Whoever calls it is the first who waits.
func (p *People) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, makeWithin)
	defer cancel()
	defer p.next()
	var ids []subject.Identifier
	p.mu.Lock()
	n := 0
	for n < len(p.orders) && (n == 0 || len(ids)+len(p.orders[n].ids) <= perCommit) {
		ids = append(ids, p.orders[n].ids...)
		n++
	}
	orders := p.orders[:n:n]
	p.orders = p.orders[n:]
	p.mu.Unlock()
	made, err := p.make(ctx, ids)
	for _, o := range orders {
		if o.err = err; err == nil {
			o.made, made = made[:len(o.ids)], made[len(o.ids):]
		}
		close(o.done)
	}
}

// next has the first who waits make the next round.
func (p *People) next() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy = len(p.orders) > 0; p.busy {
		close(p.orders[0].lead)
	}
}

// leave takes out an order that nobody waits for any more, and hands its turn on.
func (p *People) leave(o *order) {
	p.mu.Lock()
	i := slices.Index(p.orders, o)
	if i >= 0 {
		p.orders = slices.Delete(p.orders, i, i+1)
	}
	p.mu.Unlock()
	select {
	case <-o.lead:
		p.next()
	default:
	}
}

// perCommit is how many people one transaction makes: others want to write too.
const perCommit = 250

func (p *People) all(ctx context.Context, ids []subject.Identifier) ([]intake.Made, error) {
	gone, err := p.forgotten(ctx, ids, p.store.Suppressed)
	if err != nil {
		return nil, fmt.Errorf("intake: making people: %w", err)
	}
	var shared []bool
	if err := p.db.Read(ctx, func(tx *sqldb.Tx) error {
		shared, err = p.store.SharedTx(ctx, tx, ids)
		return err
	}); err != nil {
		return nil, fmt.Errorf("intake: making people: %w", err)
	}
	made := make([]intake.Made, len(ids))
	var at []int
	first := map[string]int{}
	for i := range ids {
		// Of whom nobody is made no key is: it would be nobody's. Several bodies may bring one.
		made[i] = intake.Made{Gone: gone[i], Shared: shared[i]}
		name := same(ids[i])
		if _, twice := first[name]; !twice && !gone[i] && !shared[i] {
			first[name], at = i, append(at, i)
		}
	}
	for len(at) > 0 {
		n := min(len(at), perCommit)
		if err := p.some(ctx, ids, at[:n], made); err != nil {
			return nil, fmt.Errorf("intake: making people: %w", err)
		}
		at = at[n:]
	}
	for i := range ids {
		if n, ok := first[same(ids[i])]; ok {
			made[i] = made[n]
		}
	}
	return made, nil
}

// same is alike for identifiers that are one.
func same(id subject.Identifier) string {
	return string(id.Kind) + "\x00" + id.Value.Reveal() // to compare it with others of the round
}

// some makes people in one transaction, of whoever is neither forgotten nor shared in it.
// Whom somebody else made meanwhile is found.
func (p *People) some(ctx context.Context, all []subject.Identifier, at []int, made []intake.Made) error {
	ids := make([]subject.Identifier, len(at))
	for n, i := range at {
		ids[n] = all[i]
	}
	drafts, err := p.store.Draft(ctx, ids)
	if err != nil {
		return err
	}
	var taken []int
	err = p.db.Write(ctx, func(tx *sqldb.Tx) error {
		taken = taken[:0]
		gone, err := p.forgotten(ctx, ids, func(ctx context.Context, ids []subject.Identifier) ([]bool, error) {
			return p.store.SuppressedTx(ctx, tx, ids)
		})
		if err != nil {
			return err
		}
		shared, err := p.store.SharedTx(ctx, tx, ids)
		if err != nil {
			return err
		}
		for n, i := range at {
			if made[i] = (intake.Made{Gone: gone[n], Shared: shared[n]}); gone[n] || shared[n] {
				continue
			}
			err := p.store.Create(ctx, tx, drafts[n])
			if errors.Is(err, thimble.ErrConflict) {
				taken = append(taken, n)
				continue
			}
			if err != nil {
				return err
			}
			made[i].Who = drafts[n].ID
		}
		return nil
	})
	if err != nil || len(taken) == 0 {
		return err
	}
	again := make([]subject.Identifier, len(taken))
	for k, n := range taken {
		again[k] = ids[n]
	}
	found, err := p.store.FindAll(ctx, again)
	for k, n := range taken {
		if err == nil {
			made[at[n]].Who = found[k]
		}
	}
	return err
}
