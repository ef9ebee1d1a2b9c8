package collectdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/collect"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// A person is the subject of an account that an import met for the first time.
type person struct {
	id   thimble.SubjectID
	line int64       // where the batch that makes them ends
	kept atomic.Bool // the batch that makes them is committed
}

// A plan is a batch ready to be written.
type plan struct {
	batch      collect.Batch
	drafts     []subjectdb.Draft
	makes      map[string]*person  // by account
	needs      []*person           // made by a batch before
	owners     []thimble.SubjectID // that are there when this is written
	residences map[thimble.SubjectID]subject.Residence
	orders     []orderdb.Draft
	products   []catalog.Product
	demand     []catalog.Demand
	add        collect.Counts
}

// Plan implements [collect.Run].
func (r *run) Plan(ctx context.Context, b collect.Batch) (func(context.Context) error, error) {
	p, err := r.plan(ctx, b)
	// A person who was erased while we looked is not there when we look again.
	if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrConflict) {
		err = fmt.Errorf("%w (%w)", err, thimble.ErrConflict)
		return func(context.Context) error { return err }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("collect: planning lines %d to %d: %w", b.From+1, b.To, err)
	}
	return func(ctx context.Context) error { return r.save(ctx, p) }, nil
}

func (r *run) plan(ctx context.Context, b collect.Batch) (*plan, error) {
	p := &plan{batch: b, makes: map[string]*person{}, residences: map[thimble.SubjectID]subject.Residence{}}
	p.add = collect.Counts{Rows: b.Rows(), Rejected: int64(len(b.Rejects)), Reasons: map[collect.Reason]int64{}}
	for _, reject := range b.Rejects {
		p.add.Reasons[reject.Reason]++
	}
	fresh, err := r.fresh(ctx, p)
	if err != nil {
		return nil, err
	}
	owners, err := r.owners(ctx, p, fresh)
	if err != nil {
		return nil, err
	}
	kept, err := r.take(p, fresh, owners)
	if err != nil {
		return nil, err
	}
	p.products, p.demand = collect.Products(kept), collect.Demand(kept)
	orders := make([]order.Order, len(kept))
	for i, s := range kept {
		orders[i] = s.Order
	}
	if p.orders, err = r.parts.Orders.Draft(ctx, orders); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.coming, p.makes)
	return p, nil
}

// fresh returns the sales whose number no order has.
func (r *run) fresh(ctx context.Context, p *plan) ([]collect.Sale, error) {
	numbers := make([]string, len(p.batch.Sales))
	for i, s := range p.batch.Sales {
		numbers[i] = s.Order.Number
	}
	known, err := r.parts.Orders.Known(ctx, numbers)
	if err != nil {
		return nil, err
	}
	fresh := make([]collect.Sale, 0, len(numbers))
	for i, s := range p.batch.Sales {
		if !known[i] {
			fresh = append(fresh, s)
		}
	}
	p.add.Known = int64(len(numbers) - len(fresh))
	return fresh, nil
}

// A claim is what is known about an account of the batch.
type claim struct {
	owner     thimble.SubjectID
	forgotten bool
}

// owners finds or drafts the subject of each account. Of an account that the door
// does not let in only this much is asked: whether its person was forgotten.
func (r *run) owners(ctx context.Context, p *plan, sales []collect.Sale) (map[string]claim, error) {
	owners := map[string]claim{}
	var unknown []string
	anonymous := false
	r.mu.Lock()
	for _, s := range sales {
		account := s.Customer.Reveal() // to look it up by its keyed index
		if _, had := owners[account]; had || account == "" {
			continue
		}
		anonymous = anonymous || s.Anonymous
		owners[account] = claim{}
		// A batch that is planned anew may find people of a later one: those must
		// wait for it, and not it for them.
		if who := r.coming[account]; who != nil && who.line <= p.batch.From && !s.Anonymous {
			owners[account] = claim{owner: who.id}
			p.needs, p.owners = append(p.needs, who), append(p.owners, who.id)
			continue
		}
		unknown = append(unknown, account)
	}
	r.mu.Unlock()
	if !anonymous {
		var err error
		if unknown, err = r.find(ctx, p, owners, unknown); err != nil {
			return nil, err
		}
	}
	unknown, err := r.forgotten(ctx, owners, unknown)
	if err != nil || anonymous {
		return owners, err
	}
	return owners, r.draft(ctx, p, owners, unknown)
}

func identifiers(accounts []string) []subject.Identifier {
	ids := make([]subject.Identifier, len(accounts))
	for i, a := range accounts {
		ids[i] = subject.Identifier{Kind: subject.Account, Value: thimble.Hide(a)}
	}
	return ids
}

// find notes the accounts that have a subject and returns the others.
func (r *run) find(ctx context.Context, p *plan, owners map[string]claim, accounts []string) ([]string, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	found, err := r.parts.People.FindAll(ctx, identifiers(accounts))
	if err != nil {
		return nil, err
	}
	var unknown []string
	for i, account := range accounts {
		if found[i].IsZero() {
			unknown = append(unknown, account)
			continue
		}
		owners[account] = claim{owner: found[i]}
		p.owners = append(p.owners, found[i])
	}
	return unknown, nil
}

// forgotten notes the accounts whose person was forgotten and returns the others.
func (r *run) forgotten(ctx context.Context, owners map[string]claim, accounts []string) ([]string, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	suppressed, err := r.parts.People.Suppressed(ctx, identifiers(accounts))
	if err != nil {
		return nil, err
	}
	for i, account := range accounts {
		if suppressed[i] {
			owners[account] = claim{forgotten: true}
		}
	}
	return slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return owners[a].forgotten }), nil
}

func (r *run) draft(ctx context.Context, p *plan, owners map[string]claim, accounts []string) error {
	if len(accounts) == 0 {
		return nil
	}
	var err error
	if p.drafts, err = r.parts.People.Draft(ctx, identifiers(accounts)); err != nil {
		return err
	}
	for i, account := range accounts {
		who := &person{id: p.drafts[i].ID, line: p.batch.To}
		p.makes[account] = who
		owners[account] = claim{owner: who.id}
	}
	p.add.Subjects = int64(len(accounts))
	return nil
}

// take gives the orders their ids and owners and leaves out those of forgotten
// people.
func (r *run) take(p *plan, sales []collect.Sale, owners map[string]claim) ([]collect.Sale, error) {
	kept := make([]collect.Sale, 0, len(sales))
	for _, s := range sales {
		who := owners[s.Customer.Reveal()] // to find the claim made above
		if who.forgotten {
			p.add.Suppressed++
			continue
		}
		var err error
		if s.Order.ID, err = thimble.NewID(r.rand); err != nil {
			return nil, err
		}
		s.Order.Subject = who.owner
		p.count(s)
		if p.add.Subjects > 0 && p.makes[s.Customer.Reveal()] != nil { // to tell whether we met them just now
			p.reside(s.Order)
		}
		kept = append(kept, s)
	}
	return kept, nil
}

func (p *plan) count(s collect.Sale) {
	p.add.Orders++
	if s.Order.Return {
		p.add.Returns++
	}
	if s.Order.Subject.IsZero() {
		p.add.Guests++
	}
	if s.Countryless {
		p.add.NoCountry++
	}
}

// reside takes the country of the order by which we met a person as evidence of
// where they live. Later orders do not touch it: what the person declared since
// must not fall to a delivery address.
func (p *plan) reside(o order.Order) {
	if _, had := p.residences[o.Subject]; !had && o.Country != "" {
		p.residences[o.Subject] = subject.Residence{Country: o.Country, Evidence: "order", At: o.PlacedAt}
	}
}
