package lists

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
)

// A Journal is the log of what people did with products. Each entry has a place in it for
// ever, so that a version can say up to which it has learned.
type Journal interface {
	// Last is the last place.
	Last(ctx context.Context) (int64, error)
	// Came returns whose deeds came in behind a place, and up to which place that is: until,
	// or less when more people than most came.
	Came(ctx context.Context, behind, until int64, most int) (who []thimble.SubjectID, reached int64, err error)
	// Walk calls f with what was done up to a place, in the order in which it came in: by
	// some subjects, or with nil by everybody. It is opened by the grants that open returns;
	// nil is none.
	Walk(ctx context.Context, until int64, of []thimble.SubjectID, open func(ctx context.Context, who thimble.SubjectID) (thimble.Grant, error), f func(Act) error) error
}

// An Act is that somebody did something with a product.
type Act struct {
	Who   thimble.SubjectID
	Place int64
	Came  time.Time // when it came in, by the shop's clock
	Item  thimble.ItemID
	Deed  Deed
	At    time.Time // when it was done
}

// A lesson is what somebody did with a product until one end of data, behind the end before. There
// is one for each person and product that were met, so that it is small: 16 bytes.
type lesson struct {
	item        uint32 // by number in the course
	at          uint32 // as in an interest
	first, last uint16
	end         uint8 // which of the ends
	cart, wish  bool
}

// interest is the lesson with the product's name.
func (l lesson) interest(names *shelfmarks) recommend.Interest {
	return recommend.Interest{Item: names.of[l.item], First: l.first, Last: l.last, Cart: l.cart, Wish: l.wish, At: l.at}
}

func lessonOf(i recommend.Interest, item uint32, end uint8) lesson {
	return lesson{item: item, at: i.At, first: i.First, last: i.Last, end: end, cart: i.Cart, wish: i.Wish}
}

// shelfmarks are the numbers of the products of a course, in the order in which they were met.
type shelfmarks struct {
	numbers map[thimble.ItemID]uint32
	of      []thimble.ItemID
}

func (m *shelfmarks) number(id thimble.ItemID) uint32 {
	n, ok := m.numbers[id]
	if !ok {
		if m.numbers == nil {
			m.numbers = map[thimble.ItemID]uint32{}
		}
		n = uint32(len(m.of))
		m.numbers[id], m.of = n, append(m.of, id)
	}
	return n
}

// A doing is what somebody did.
type doing struct {
	ends    []int64 // of data, ascending
	lessons []lesson
	names   *shelfmarks
	deeds   []int32 // by end, how many deeds there are behind the end before
}

// mostDeeds is how many deeds of one person are learned from. Who has done more by the end
// of what a version learns is a program, and nothing of what it did is learned from; how
// many there are depends on no clock and no list of products.
const mostDeeds = 10_000

// A course is what people did with products, until some ends: for sets that end there.
type course struct {
	shop *Shop
	ends []int64 // ascending
	// before, when not zero, is from when on nothing that was done counts.
	before time.Time
	known  func(thimble.ItemID) bool
	names  shelfmarks
	of     map[thimble.SubjectID]*doing
	met    map[thimble.SubjectID]*listener // by the subject of an entry
}

// A listener is by which grant a subject's deeds are learned from.
type listener struct {
	grant  *gate.Grant       // nil: they are not
	person thimble.SubjectID // whose they are: the canonical subject
	since  time.Time         // what came in before that is not
}

// mostListeners bounds how many grants are held at once. Past it all are dropped, and asked for again.
const mostListeners = 50_000

// interested returns a recipe for a new version, by which it learns from deeds where there is
// a journal, and the place until which it does.
func (s *Shop) interested(ctx context.Context, r recommend.Recipe) (recommend.Recipe, int64, error) {
	if s.Journal == nil {
		return r, 0, nil
	}
	if r.InterestFrom == 0 {
		r = r.Interested()
	}
	last, err := s.Journal.Last(ctx)
	return r, last, err
}

// lessons reads what may be learned of what some people did, or with nil everybody, for some
// sets. Of who permits that, an entry counts if it came in since they do: a yes to learning
// is of what follows it, whatever was kept for other purposes before.
func (s *Shop) lessons(ctx context.Context, of []thimble.SubjectID, sets ...*set) (*course, error) {
	return s.lessonsBefore(ctx, time.Time{}, of, sets...)
}

// lessonsBefore is lessons of what was done before an instant; the zero time is no bound.
func (s *Shop) lessonsBefore(ctx context.Context, before time.Time, of []thimble.SubjectID, sets ...*set) (*course, error) {
	c := &course{shop: s, before: before, of: map[thimble.SubjectID]*doing{}, met: map[thimble.SubjectID]*listener{}}
	var from []*set
	for _, one := range sets {
		if s.Journal != nil && one.rule.InterestFrom > 0 && one.events > 0 {
			from, c.ends = append(from, one), append(c.ends, one.events)
		}
	}
	if len(from) == 0 || of != nil && len(of) == 0 {
		return c, nil
	}
	slices.Sort(c.ends)
	c.ends = slices.Compact(c.ends)
	c.known = func(id thimble.ItemID) bool {
		return slices.ContainsFunc(from, func(s *set) bool { return s.known[id] })
	}
	err := s.Journal.Walk(ctx, c.ends[len(c.ends)-1], of, c.open, func(a Act) error { c.add(a); return nil })
	if err != nil {
		return nil, fmt.Errorf("recommend: reading what was done with products: %w", err)
	}
	clear(c.met)
	return c, nil
}

// open returns the grant by which a subject's deeds are learned from.
func (c *course) open(ctx context.Context, who thimble.SubjectID) (thimble.Grant, error) {
	l := c.met[who]
	if l == nil || l.grant != nil && l.grant.Holds(ctx) != nil {
		if len(c.met) >= mostListeners {
			clear(c.met)
		}
		var err error
		if l, err = c.shop.listens(ctx, who); err != nil {
			return nil, err
		}
		c.met[who] = l
	}
	if l.grant == nil {
		return nil, nil
	}
	return l.grant, nil
}

func (s *Shop) listens(ctx context.Context, who thimble.SubjectID) (*listener, error) {
	r := trains(who)
	r.Categories = []thimble.Category{Browsing}
	grant, err := s.Gate.Open(ctx, r)
	if errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) {
		return &listener{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("recommend: asking whether deeds may be learned from: %w", err)
	}
	standing, err := s.Gate.Consent(ctx, r)
	if err != nil {
		return nil, err
	}
	if !standing.State.Permits() {
		return &listener{}, nil // without a yes there is no day from which on
	}
	return &listener{grant, grant.Subject(), standing.At}, nil
}

func (c *course) add(a Act) {
	l := c.met[a.Who]
	if a.Came.Before(l.since) || a.Item == "" || !c.before.IsZero() && !a.At.Before(c.before) {
		return
	}
	var i recommend.Interest
	switch a.Deed {
	case Looked:
		i = recommend.Looked(a.Item, a.At)
	case PutInCart:
		i = recommend.Carted(a.Item, a.At)
	case WishedFor:
		i = recommend.Wished(a.Item, a.At)
	default:
		return // what was bought and came back the orders say
	}
	end, _ := slices.BinarySearch(c.ends, a.Place)
	d := c.of[l.person]
	if d == nil {
		d = &doing{ends: c.ends, names: &c.names, deeds: make([]int32, len(c.ends))}
		c.of[l.person] = d
	}
	d.deeds[end]++
	if d.until(end) <= mostDeeds && c.known(a.Item) {
		d.add(lessonOf(i, c.names.number(a.Item), uint8(end)))
	}
}

// take returns what a person did, which the course has no more.
func (c *course) take(who thimble.SubjectID) *doing {
	d := c.of[who]
	delete(c.of, who)
	return d
}

// until is how many deeds there are until an end.
func (d *doing) until(end int) (n int32) {
	for _, k := range d.deeds[:end+1] {
		n += k
	}
	return n
}

// add puts a lesson to those of the same product and end.
func (d *doing) add(l lesson) {
	for i := range d.lessons {
		if had := &d.lessons[i]; had.end == l.end && had.item == l.item {
			*had = lessonOf(had.interest(d.names).Join(l.interest(d.names)), l.item, l.end)
			return
		}
	}
	d.lessons = append(d.lessons, l)
}

// interests are what somebody did until the end of a set, each product once; nothing of a
// program.
func (s *set) interests(d *doing) (all []recommend.Interest) {
	if d == nil || s.rule.InterestFrom == 0 {
		return nil
	}
	end, there := slices.BinarySearch(d.ends, s.events)
	if !there || d.until(end) > mostDeeds {
		return nil
	}
	at := map[uint32]int{}
	for _, l := range d.lessons {
		one := l.interest(d.names)
		if int(l.end) > end || !s.known[one.Item] {
			continue
		}
		i, met := at[l.item]
		if !met {
			at[l.item] = len(all)
			all = append(all, one)
			continue
		}
		all[i] = all[i].Join(one)
	}
	return all
}

// unlearned takes what a person wants forgotten out of what they did.
func (s *Shop) unlearned(ctx context.Context, state taste.State, d *doing) (*doing, error) {
	if d == nil || !state.Learned() {
		return d, nil
	}
	categories, err := s.categories(ctx, state, func(yield func(thimble.ItemID)) {
		for _, l := range d.lessons {
			yield(d.names.of[l.item])
		}
	})
	if err != nil {
		return nil, err
	}
	out := *d
	out.lessons = slices.DeleteFunc(slices.Clone(d.lessons), func(l lesson) bool { return state.Forgets(d.names.of[l.item], categories(d.names.of[l.item])) })
	return &out, nil
}
