package lists

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/content"
)

// A Kind is what a list is made from.
type Kind string

// The kinds. All but ForYou and Recent are the same for everybody who asks the same.
const (
	ForYou   Kind = "for-you"
	Recent   Kind = "recent"          // what the person looked at, the latest first
	GoesWith Kind = "goes-with"       // what the buyers of an item buy
	Together Kind = "bought-together" // what goes with all of a basket
	Popular  Kind = "popular"
	Trending Kind = "trending"
	Season   Kind = "season"  // popular at this time a year ago
	Similar  Kind = "similar" // alike by what the catalogue says
	Next     Kind = "next"    // from the items that a session looked at
)

// Kinds are all of them.
var Kinds = []Kind{ForYou, Recent, GoesWith, Together, Popular, Trending, Season, Similar, Next}

// Own reports whether a list of the kind is about a person.
func (k Kind) Own() bool { return k == ForYou || k == Recent }

// MaxSession is how many items of a session or basket an Ask has.
const MaxSession = content.MaxSeen

// An Ask asks for a list.
type Ask struct {
	Kind      Kind
	Actor     gate.Actor
	Subject   thimble.SubjectID // of ForYou and Recent: the others are about nobody
	Item      thimble.ItemID    // of GoesWith and Similar
	Session   []thimble.ItemID  // of Next and Together; the last one last. It is not kept
	Country   string            // of Popular: what is bought there, ISO 3166-1 alpha-2; "" is everywhere
	Placement string
	N         int
	Filter    arrange.Filter
	GrownUp   bool // the caller vouches for the reader's age
}

// Make makes a list.
func (s *Shop) Make(ctx context.Context, a Ask) (List, error) {
	if err := a.check(); err != nil {
		return List{}, err
	}
	switch a.Kind {
	case ForYou:
		return s.forYou(ctx, a)
	case Recent:
		return s.recent(ctx, a)
	}
	return s.shared(ctx, a)
}

func (a Ask) check() error {
	about := map[Kind]bool{GoesWith: a.Item != "", Similar: a.Item != "", Together: a.Item != "" || len(a.Session) > 0, Next: len(a.Session) > 0, ForYou: !a.Subject.IsZero(), Recent: !a.Subject.IsZero()}
	needs, known := about[a.Kind]
	switch {
	case !slices.Contains(Kinds, a.Kind):
		return fmt.Errorf("recommend: the list %q is not known: %w", a.Kind, thimble.ErrInvalid)
	case known && !needs:
		return fmt.Errorf("recommend: the list %q lacks what it is about: %w", a.Kind, thimble.ErrInvalid)
	case !a.Kind.Own() && !a.Subject.IsZero():
		return fmt.Errorf("recommend: the list %q uses nothing about a person: %w", a.Kind, thimble.ErrInvalid)
	case a.Country != "" && a.Kind != Popular:
		return fmt.Errorf("recommend: the list %q is of no place: %w", a.Kind, thimble.ErrInvalid)
	case len(a.Session) > MaxSession:
		return fmt.Errorf("recommend: a session has at most %d items: %w", MaxSession, thimble.ErrInvalid)
	}
	return nil
}

const nobody = " Nothing about you was used."

// surplus is how many more candidates than entries a list is arranged from.
func surplus(n int) int { return 4*n + 20 }

// A pick is what a kind found: candidates and, for each, what a page says of it.
type pick struct {
	why   string
	model int64
	all   []arrange.Candidate
	notes map[thimble.ItemID]Entry
}

func (p *pick) add(c arrange.Candidate, note Entry) {
	p.all = append(p.all, c)
	p.notes[c.Product.ID] = note
}

// shared makes a list that is the same for everybody.
func (s *Shop) shared(ctx context.Context, a Ask) (List, error) {
	h, err := s.goods(ctx)
	if err != nil {
		return List{}, err
	}
	rules, err := s.rules(ctx)
	if err != nil {
		return List{}, err
	}
	q := a.request(s)
	keeps := func(id thimble.ItemID) bool {
		rule := rules.Keeps(h.candidate(id, 0), q)
		if rule != "" {
			q.Left[rule]++
		}
		return rule != ""
	}
	p := &pick{notes: map[thimble.ItemID]Entry{}}
	switch a.Kind {
	case Popular, Season, Trending:
		there := a.Country != "" && s.local(ctx, h, p, a, keeps)
		if !there {
			clear(q.Left) // the filters count anew, for the list of all places
			h.counted(p, a, keeps)
		}
		if a.Country != "" && !there {
			p.why = notLocal + p.why
		}
	case Similar:
		h.similar(p, []thimble.ItemID{a.Item}, a.N, keeps)
		p.why = "What is most like it, by what the catalogue says of both." + nobody
	case Next:
		s.next(ctx, h, p, a, keeps)
	default:
		s.together(ctx, h, p, a, keeps)
	}
	for _, id := range rules.Running(q) {
		if _, there := p.notes[id]; !there && !keeps(id) && h.has(id) {
			p.add(h.candidate(id, 0), Entry{})
		}
	}
	return arranged(rules, p, q, a.Kind), nil
}

func (s *Shop) rules(ctx context.Context) (arrange.Rules, error) {
	if s.Rules == nil {
		return arrange.Rules{}, nil
	}
	return s.Rules(ctx)
}

// request is what the rules are asked for a list.
func (a Ask) request(s *Shop) arrange.Request {
	q := arrange.Request{K: a.N, Now: s.Now(), Placement: a.Placement, Filter: a.Filter, GrownUp: a.GrownUp, Seen: map[thimble.ItemID]bool{}, Left: map[string]int{}}
	for _, id := range a.about() {
		q.Seen[id] = true
	}
	return q
}

// about are the items that a list is about.
func (a Ask) about() []thimble.ItemID {
	if a.Item != "" {
		return append(slices.Clone(a.Session), a.Item)
	}
	return a.Session
}

// arranged is the list that the rules leave.
func arranged(rules arrange.Rules, p *pick, q arrange.Request, kind Kind) List {
	result := rules.Arrange(p.all, q)
	list := List{Kind: kind, Why: p.why, Model: p.model, Rules: rules.Version()}
	for _, rule := range result.Fired() {
		list.Applied = append(list.Applied, arrange.Words(rule))
	}
	for _, e := range result.Entries {
		entry := p.notes[e.Product.ID]
		entry.Product, entry.Score, entry.Moved, entry.Because, entry.Campaign = e.Product, e.Score, e.Moved, e.Because, e.Campaign
		for i, b := range e.Boosts { // they have the first words
			entry.Boosts = append(entry.Boosts, Boost{e.Because[i], b.Share})
		}
		if e.Campaign != "" {
			entry.Why = e.Campaign
		}
		list.Entries = append(list.Entries, entry)
	}
	if result.Empty != "" {
		list.Why, list.Empty = result.Empty+nobody, result.Empty
	}
	return list
}

// counted are the lists that counts of orders make.
func (h *shelf) counted(p *pick, a Ask, keeps func(thimble.ItemID) bool) {
	ranked, said := h.popular, "In %s lately"
	p.why = "What most orders of the last 30 days contained." + nobody
	full := func(id thimble.ItemID) bool { return len(p.all) == surplus(a.N) || keeps(id) } // the best, and no more
	switch a.Kind {
	case Trending:
		p.why = "What is ordered more often in the last 7 days than in the four weeks before." + nobody
		for _, t := range h.trending {
			if full(t.item) {
				continue
			}
			why := fmt.Sprintf("In %s this week, and %d in the four weeks before", orders(t.recent), t.prior)
			p.add(h.candidate(t.item, t.score()), Entry{Orders: t.recent, Why: why})
		}
		return
	case Season:
		ranked, said = h.season, "In %s at this time a year ago"
		p.why = "What was ordered most at this time a year ago." + nobody
	}
	for _, r := range ranked {
		if full(r.Item) {
			continue
		}
		p.add(h.candidate(r.Item, r.Orders), Entry{Orders: r.Orders, Why: fmt.Sprintf(said, orders(r.Orders))})
	}
}

func orders(n int64) string {
	if n == 1 {
		return "1 order"
	}
	return fmt.Sprint(n, " orders")
}

// similar adds what is like items by the catalogue.
func (h *shelf) similar(p *pick, items []thimble.ItemID, n int, keeps func(thimble.ItemID) bool) {
	had := func(id thimble.ItemID) bool { _, ok := p.notes[id]; return ok || keeps(id) }
	for _, r := range h.alike.Rank(items, recommend.Query{K: surplus(n), Exclude: had}) {
		note := Entry{Alike: make([]Likeness, len(r.Terms))}
		for i, t := range r.Terms {
			note.Alike[i] = Likeness{Because: named(h.products, t.Because), Field: t.Field.String(), Value: t.Value, Share: t.Share}
		}
		note.Why = "Like " + named(h.products, r.Terms[0].Because).Name
		if words := content.Words(r.Terms); words != "" {
			note.Why += ": " + words
		}
		p.add(h.candidate(r.Item, r.Score), note)
	}
}

// ranked adds what the model ranks for items, and reports how many.
func (s *Shop) ranked(ctx context.Context, h *shelf, p *pick, items []thimble.ItemID, n int, verb string, keeps func(thimble.ItemID) bool) {
	history := make([]thimble.Interaction, len(items))
	for i, id := range items {
		history[i].Item = id
	}
	found, version := s.neighbours(ctx, history, recommend.Query{K: surplus(n), Exclude: keeps})
	for _, r := range found {
		note := Entry{}
		for _, t := range r.Terms {
			note.Terms = append(note.Terms, Term{Because: named(h.products, t.Item), Share: t.Share})
		}
		note.Why = Because(verb, note.Terms)
		p.add(h.candidate(r.Item, r.Score), note)
	}
	p.model = version
}

// neighbours asks the model that serves, as it may be shown now.
func (s *Shop) neighbours(ctx context.Context, history []thimble.Interaction, q recommend.Query) ([]recommend.Ranked, int64) {
	now, err := s.shows(ctx)
	if err != nil {
		s.Log.WarnContext(ctx, "it is not known what may still be shown", slog.String("cause", err.Error()))
	}
	if err != nil || now == nil {
		return nil, 0
	}
	keeps := q.Exclude
	q.Exclude = func(id thimble.ItemID) bool { return now.stale[id] || keeps != nil && keeps(id) }
	return now.model.ForYou(history, q), now.version.Number
}

// together is what goes with an item or a basket; for what nobody bought yet, what is
// like it.
func (s *Shop) together(ctx context.Context, h *shelf, p *pick, a Ask, keeps func(thimble.ItemID) bool) {
	s.ranked(ctx, h, p, a.about(), a.N, "Often bought with", keeps)
	p.why = "Learned from the orders of everyone who allows it." + nobody
	if len(p.all) == 0 {
		h.similar(p, a.about(), a.N, keeps)
		p.why, p.model = "Nothing was learned about it yet. These are most like it, by what the catalogue says."+nobody, 0
	}
}

// next is what follows on a session. Where the model has nothing, what is like the
// session's items.
func (s *Shop) next(ctx context.Context, h *shelf, p *pick, a Ask, keeps func(thimble.ItemID) bool) {
	s.ranked(ctx, h, p, a.Session, a.N, "Because you looked at", keeps)
	p.why = "Made from what was looked at just now, for this answer only: it is not kept, and nobody is asked who it was."
	if len(p.all) == 0 {
		h.similar(p, a.Session, a.N, keeps)
		p.model = 0
	}
}

// Because says in words which past items a product is shown for, the largest shares
// first.
func Because(verb string, terms []Term) string {
	var names []string
	for _, t := range terms {
		if t.Share > 0 && len(names) < 2 {
			names = append(names, t.Because.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return verb + " " + strings.Join(names, " and ")
}
