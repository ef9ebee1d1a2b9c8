package intakedb

import (
	"context"
	"errors"
	"fmt"
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

	mu     sync.Mutex
	orders []*order
	busy   bool
}

var _ intake.People = (*People)(nil)

// New returns people on the set sqldb.Core.
func New(db *sqldb.DB, s *subjectdb.Store) *People { return &People{db: db, store: s} }

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
}

// makeWithin bounds how long the making of one round of people may take.
const makeWithin = 30 * time.Second

// Make implements intake.People. Who comes while others are being made waits for the
// next round, which is one for all who wait.
func (p *People) Make(ctx context.Context, ids []subject.Identifier) ([]intake.Made, error) {
	o := &order{ids: ids, done: make(chan struct{})}
	p.mu.Lock()
	p.orders = append(p.orders, o)
	lead := !p.busy
	p.busy = true
	p.mu.Unlock()
	if lead {
		p.rounds(context.WithoutCancel(ctx))
	}
	select {
	case <-o.done:
		return o.made, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("intake: making people: %w (%w)", ctx.Err(), thimble.ErrUnavailable)
	}
}

// rounds makes people until nobody waits.
func (p *People) rounds(ctx context.Context) {
	for {
		p.mu.Lock()
		orders := p.orders
		p.orders = nil
		if len(orders) == 0 {
			p.busy = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		p.round(ctx, orders)
	}
}

func (p *People) round(ctx context.Context, orders []*order) {
	ctx, cancel := context.WithTimeout(ctx, makeWithin)
	defer cancel()
	var ids []subject.Identifier
	for _, o := range orders {
		ids = append(ids, o.ids...)
	}
	made, err := p.all(ctx, ids)
	for _, o := range orders {
		if o.err = err; err == nil {
			o.made, made = made[:len(o.ids)], made[len(o.ids):]
		}
		close(o.done)
	}
}

// perCommit is how many people one transaction makes: others want to write too.
const perCommit = 250

func (p *People) all(ctx context.Context, ids []subject.Identifier) ([]intake.Made, error) {
	gone, err := p.store.Suppressed(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("intake: making people: %w", err)
	}
	made := make([]intake.Made, len(ids))
	var at []int
	for i := range ids {
		if made[i].Gone = gone[i]; !gone[i] {
			at = append(at, i)
		}
	}
	for len(at) > 0 {
		n := min(len(at), perCommit)
		if err := p.some(ctx, ids, at[:n], made); err != nil {
			return nil, fmt.Errorf("intake: making people: %w", err)
		}
		at = at[n:]
	}
	return made, nil
}

// some makes people in one transaction. Whom somebody else made meanwhile is found.
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
		shared, err := p.store.SharedTx(ctx, tx, ids)
		if err != nil {
			return err
		}
		for n, i := range at {
			made[i] = intake.Made{Shared: shared[n]}
			if shared[n] {
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
