package collectdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

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
	makes      map[key]*person                         // by what names them
	needs      []*person                               // made by a batch before
	owners     []thimble.SubjectID                     // that are there when this is written
	residences map[thimble.SubjectID]subject.Residence // of those who are new
	newcomers  []subjectdb.Newcomer
	orders     []orderdb.Draft
	products   []catalog.Product
	demand     []catalog.Demand
	add        collect.Counts
}

// Plan implements [collect.Run].
func (r *run) Plan(ctx context.Context, b collect.Batch) (func(context.Context) error, error) {
	if r.kind != collect.Orders {
		// Who is who is decided against what the batch before has written.
		return func(ctx context.Context) error { return r.saveRows(ctx, b) }, nil
	}
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

// rejected is what a batch adds to the counts whatever becomes of its rows.
func rejected(b collect.Batch) collect.Counts {
	c := collect.Counts{Rows: b.Rows(), Rejected: int64(len(b.Rejects)), Reasons: map[collect.Reason]int64{}}
	for _, reject := range b.Rejects {
		c.Reasons[reject.Reason]++
	}
	return c
}

func (r *run) plan(ctx context.Context, b collect.Batch) (*plan, error) {
	p := &plan{batch: b, makes: map[key]*person{}, residences: map[thimble.SubjectID]subject.Residence{}}
	p.add = rejected(b)
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
	for _, d := range p.drafts {
		var home *subject.Residence
		if at, ok := p.residences[d.ID]; ok {
			home = &at
		}
		n, err := r.parts.People.Newcomer(ctx, d, nil, home, nil)
		if err != nil {
			return nil, err
		}
		p.newcomers = append(p.newcomers, n)
	}
	p.products, p.demand = collect.Sold(kept), collect.Demand(kept)
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
	// since is when the owner came to be known, whose name somebody had who was forgotten:
	// what is of before is not theirs. Zero: nobody was.
	since time.Time
}

// A key is by what a source names a person, to be a key of maps. Its value is revealed
// to be compared with others, and goes nowhere.
type key struct {
	kind  subject.Kind
	value string
}

func keyOf(id subject.Identifier) key { return key{id.Kind, id.Value.Reveal()} } // to be compared

// owners finds or drafts the subject of each customer. Of one that the door does not
// let in only this much is asked: whether their person was forgotten.
func (r *run) owners(ctx context.Context, p *plan, sales []collect.Sale) (map[key]claim, error) {
	owners := map[key]claim{}
	var unknown, hidden []key
	beside := map[key][]key{}
	r.mu.Lock()
	for _, s := range sales {
		who := keyOf(s.Customer)
		if s.Beside.Kind != "" {
			beside[who] = append(beside[who], keyOf(s.Beside))
		}
		if _, had := owners[who]; had || who.value == "" {
			continue
		}
		owners[who] = claim{}
		// A batch that is planned anew may find people of a later one: those must
		// wait for it, and not it for them.
		if known := r.coming[who]; known != nil && known.line <= p.batch.From && !s.Anonymous {
			owners[who] = claim{owner: known.id}
			p.needs, p.owners = append(p.needs, known), append(p.owners, known.id)
			continue
		}
		if s.Anonymous {
			hidden = append(hidden, who)
			continue
		}
		unknown = append(unknown, who)
	}
	r.mu.Unlock()
	unknown, err := r.find(ctx, p, owners, unknown)
	if err != nil {
		return nil, err
	}
	if _, err = r.forgotten(ctx, owners, hidden, beside); err != nil {
		return nil, err
	}
	if unknown, err = r.forgotten(ctx, owners, unknown, beside); err != nil {
		return nil, err
	}
	return owners, r.draft(ctx, p, owners, unknown)
}

func identifiers(keys []key) []subject.Identifier {
	ids := make([]subject.Identifier, len(keys))
	for i, k := range keys {
		ids[i] = subject.Identifier{Kind: k.kind, Value: thimble.Hide(k.value)}
	}
	return ids
}

// find notes the customers that have a subject and returns the others.
func (r *run) find(ctx context.Context, p *plan, owners map[key]claim, keys []key) ([]key, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := r.parts.People.FindAll(ctx, identifiers(keys))
	if err != nil {
		return nil, err
	}
	var unknown []key
	for i, k := range keys {
		if found[i].IsZero() {
			unknown = append(unknown, k)
			continue
		}
		owners[k] = claim{owner: found[i]}
		p.owners = append(p.owners, found[i])
	}
	return unknown, r.cameBack(ctx, owners, keys)
}

// cameBack notes since when those are known whose name somebody had who was forgotten.
func (r *run) cameBack(ctx context.Context, owners map[key]claim, keys []key) error {
	known := slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return owners[k].owner.IsZero() })
	if len(known) == 0 {
		return nil
	}
	suppressed, err := r.parts.People.Suppressed(ctx, identifiers(known))
	if err != nil {
		return err
	}
	var back []thimble.SubjectID
	for i, k := range known {
		if suppressed[i] {
			back = append(back, owners[k].owner)
		}
	}
	if len(back) == 0 {
		return nil
	}
	held, err := r.parts.People.Held(ctx, back)
	for i, k := range known {
		if c := owners[k]; suppressed[i] {
			c.since = held[c.owner].Since
			owners[k] = c
		}
	}
	return err
}

// forgotten notes the customers whose person was forgotten, by what the source names
// them or by what it says beside, and returns the others.
func (r *run) forgotten(ctx context.Context, owners map[key]claim, keys []key, beside map[key][]key) ([]key, error) {
	var asked, of []key
	for _, k := range keys {
		for _, one := range append([]key{k}, beside[k]...) {
			asked, of = append(asked, one), append(of, k)
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	suppressed, err := r.parts.People.Suppressed(ctx, identifiers(asked))
	if err != nil {
		return nil, err
	}
	for i, k := range of {
		if suppressed[i] {
			owners[k] = claim{forgotten: true}
		}
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return owners[k].forgotten }), nil
}

func (r *run) draft(ctx context.Context, p *plan, owners map[key]claim, keys []key) error {
	if len(keys) == 0 {
		return nil
	}
	var err error
	if p.drafts, err = r.parts.People.Draft(ctx, identifiers(keys)); err != nil {
		return err
	}
	for i, k := range keys {
		who := &person{id: p.drafts[i].ID, line: p.batch.To}
		p.makes[k] = who
		owners[k] = claim{owner: who.id}
	}
	p.add.Subjects = int64(len(keys))
	return nil
}

// take gives the orders their ids and owners and leaves out those of forgotten
// people.
func (r *run) take(p *plan, sales []collect.Sale, owners map[key]claim) ([]collect.Sale, error) {
	kept := make([]collect.Sale, 0, len(sales))
	for _, s := range sales {
		who := owners[keyOf(s.Customer)]
		if who.forgotten || ofBefore(s.Order.PlacedAt, who.since) {
			p.add.Suppressed++
			continue
		}
		var err error
		if s.Order.ID, err = thimble.NewID(r.rand); err != nil {
			return nil, err
		}
		s.Order.Subject = who.owner
		p.count(s)
		if p.add.Subjects > 0 && p.makes[keyOf(s.Customer)] != nil {
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
