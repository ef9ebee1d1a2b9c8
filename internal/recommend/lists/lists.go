package lists

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
	"thimble/internal/registry/registrydb"
)

// A List is what a page shows, with how it came about.
type List struct {
	Personal bool          // made from the person's own history
	Why      string        // one sentence: why it is personal, or why not
	Verdict  *gate.Verdict // the gate's answer; nil when nobody was asked about
	Decision thimble.ID    // of a personal list
	Model    int64         // the version; 0 for the popular list
	Entries  []Entry
	Kind     Kind     // "" for you
	Rules    string   // the version of the shop's rules that arranged it
	Applied  []string // what they did, in words
	Empty    string   // why there is nothing to show, as far as the rules go; "" when there is
}

// An Entry is one item of a list.
type Entry struct {
	Product *catalog.Product // shared by lists: not to be changed
	Score   int64
	Terms   []Term    // of a personal list: all of them, what speaks for it first
	Last    time.Time // of a list of what was seen: when
	Orders  int64     // of the popular list: how many orders contained it

	Why      string   // in a few words, for a page
	Moved    int64    // what the shop's boosts added to the score, or took from it
	Boosts   []Boost  // the part of it that each has
	Because  []string // the words of the shop's rules that brought it here
	Campaign string   // its name: the place is held by it, and not won by the score
	Alike    []Likeness
}

// A Boost is what one rule of the shop added to a score, or took from it.
type Boost struct {
	Words string
	Share int64
}

// A Likeness is the share that one field which two products have in common has in a
// score.
type Likeness struct {
	Because *catalog.Product
	Field   string
	Value   string
	Share   int64
}

// A Term is the share that one past item has in the score.
type Term struct {
	Because  *catalog.Product
	Share    int64
	Did      taste.Did // what the person did with it; "" when a record does not say
	Unwanted bool      // the person wants less of it, so that it speaks against
}

// Reasons are the terms of an entry as words need them.
func (e Entry) Reasons() []taste.Reason {
	all := make([]taste.Reason, len(e.Terms))
	for i, t := range e.Terms {
		all[i] = taste.Reason{Name: t.Because.Name, Did: t.Did, Share: t.Share, Unwanted: t.Unwanted}
	}
	return all
}

// popularDays is the window of the popular list, counted back from the last sale.
const popularDays = 30

// ForYou returns a list of n items for a person on behalf of an actor. A person
// who does not permit it, and one without a history, get the popular list.
func (s *Shop) ForYou(ctx context.Context, a gate.Actor, who thimble.SubjectID, placement string, n int) (List, error) {
	return s.Make(ctx, Ask{Kind: ForYou, Actor: a, Subject: who, Placement: placement, N: n})
}

func (s *Shop) forYou(ctx context.Context, a Ask) (List, error) {
	request := personal(a.Actor, a.Subject)
	grant, verdicts, err := s.open(ctx, request, histories()...)
	if denial, ok := errors.AsType[*gate.Denial](err); ok {
		return s.denied(ctx, request, &denial.Verdict, a)
	}
	if err != nil {
		return List{}, fmt.Errorf("recommend: asking for a list: %w", err)
	}
	returns, err := s.returns(ctx, request)
	if err != nil {
		return List{}, err
	}
	past, err := s.history(ctx, grant, verdicts, returns)
	if gone(ctx, grant, err) {
		return s.instead(ctx, a, changed)
	}
	if err != nil {
		return List{}, fmt.Errorf("recommend: reading a history: %w", err)
	}
	now, why, err := s.ready(ctx, grant, past)
	if err != nil {
		return List{}, err
	}
	if why != "" {
		return s.impersonal(ctx, grant, a, why)
	}
	return s.choose(ctx, grant, now, past, a)
}

// ready returns the model that a list for somebody is made with, or why none can be.
func (s *Shop) ready(ctx context.Context, g reader, p past) (now *shown, why string, err error) {
	if now, err = s.shows(ctx); err != nil {
		return nil, "", err
	}
	switch {
	case len(p.history) == 0 && p.said.Learned():
		return nil, forgotten, nil
	case len(p.history) == 0:
		return nil, "Not personal, because there is nothing you bought or looked at to learn your taste from yet.", nil
	case now == nil && s.live.Load() != nil:
		return nil, forgetting, nil
	case now == nil:
		return nil, "Not personal, because nothing was learned yet.", nil
	}
	wrong, err := s.overturned(ctx, g, now.version)
	if wrong {
		why = reviewed
	}
	return now, why, err
}

// Why a list is not personal although it is allowed, because of what the person said.
const (
	forgotten   = "Not personal, because you had everything forgotten that it could be made from."
	nothingLeft = "Not personal, because what you said about your lists leaves nothing to show."
)

const reviewed = "Not personal, because we reviewed such a list at your wish and found it wrong. You get lists again when the program has learned anew."

// overturned reports whether a review found a list that this model made for the person
// wrong: the model is not asked about them again.
func (s *Shop) overturned(ctx context.Context, g reader, v registrydb.Version) (bool, error) {
	for _, who := range g.Members() {
		if wrong, err := s.Decisions.Overturned(ctx, who, capability, v.Hash[:]); err != nil || wrong {
			return wrong, err
		}
	}
	return false, nil
}

// A list that nobody could prove must not leave.
const unrecorded = "Not personal, because it cannot be recorded right now."

const changed = "Not personal, because your choices have just changed."

// gone reports whether an error is that of a grant that died in use, and not of
// data that cannot be opened by anybody. Nothing of what the grant opened is shown
// then.
func gone(ctx context.Context, g *gate.Grant, err error) bool {
	if (errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound)) && g.Live(ctx) != nil {
		g.Drop(ctx)
		return true
	}
	return false
}

// impersonal is the popular list for a person who permits a personal one.
func (s *Shop) impersonal(ctx context.Context, g reader, a Ask, why string) (List, error) {
	list, err := s.instead(ctx, a, why)
	verdict := g.Verdict()
	list.Verdict = &verdict
	return list, err
}

// instead is the popular list for who asked for one of their own: what they asked to be
// left out is left out of it too.
func (s *Shop) instead(ctx context.Context, a Ask, why string) (List, error) {
	list, err := s.shared(ctx, Ask{Kind: Popular, Placement: a.Placement, N: a.N, Filter: a.Filter, GrownUp: a.GrownUp})
	list.Why = why
	if list.Empty != "" {
		list.Why += " " + list.Empty
	}
	return list, err
}

// forgetting is why a list is not personal while what knew somebody who has just left is
// solved again.
const forgetting = "Not personal, because the program is just forgetting somebody. Look again in a moment."

func (s *Shop) decide(ctx context.Context, g *gate.Grant, version registrydb.Version, p past, v *sieve, all []placed, a Ask, drawn *decision.Propensity) (List, error) {
	verdict := g.Verdict()
	r := s.record(g, version, p, v, all, a.Placement)
	r.Propensity = drawn
	id, err := s.Decisions.Keep(ctx, r, verdict.Policy, verdict.Epoch)
	if gone(ctx, g, err) {
		return s.instead(ctx, a, changed)
	}
	if errors.Is(err, thimble.ErrUnavailable) { // such as a full disk
		return s.impersonal(ctx, g, a, unrecorded)
	}
	if err != nil {
		return List{}, err
	}
	list, err := s.told(ctx, r, p, v, all)
	if err != nil {
		return List{}, err
	}
	list.Decision, list.Verdict = id, &verdict
	// The database was asked in the transaction that kept it, and whoever shows the list asks
	// again when it leaves the process. What has changed by now gives a page with the popular
	// list rather than a refused one.
	if err := g.Holds(ctx); err != nil {
		g.Drop(ctx)
		return s.instead(ctx, a, changed)
	}
	return list, nil
}

// told puts a record into words, with what was done with each reason and what the rules did.
func (s *Shop) told(ctx context.Context, r decision.Record, p past, v *sieve, all []placed) (List, error) {
	list, err := s.Describe(ctx, r)
	if err != nil {
		return List{}, err
	}
	v.tell(&list, all)
	for _, e := range list.Entries {
		for i := range e.Terms {
			e.Terms[i].Did = didOf[p.did[e.Terms[i].Because.ID]]
		}
	}
	return list, nil
}

// Describe puts a record into the words of the catalogue, with all of its reasons.
func (s *Shop) Describe(ctx context.Context, r decision.Record) (List, error) {
	n := len(r.Results)
	for _, res := range r.Results {
		n += len(res.Terms)
	}
	ids := make([]thimble.ItemID, 0, n)
	for _, res := range r.Results {
		ids = append(ids, res.Item)
		for _, t := range res.Terms {
			ids = append(ids, t.Because)
		}
	}
	products, err := s.known(ctx, ids)
	if err != nil {
		return List{}, err
	}
	list := List{Personal: true, Why: madeFrom(r.Inputs), Model: r.Model.Version, Entries: make([]Entry, 0, len(r.Results))}
	for _, res := range r.Results {
		e := Entry{Product: named(products, res.Item), Score: res.Score, Moved: res.Moved, Campaign: res.Held, Why: res.Held}
		for _, b := range res.Boosts {
			e.Boosts = append(e.Boosts, Boost{r.WordsOf(b.Boost), b.Share})
			e.Because = append(e.Because, r.WordsOf(b.Boost))
		}
		e.Terms = make([]Term, 0, len(res.Terms))
		for _, t := range res.Terms {
			e.Terms = append(e.Terms, Term{Because: named(products, t.Because), Share: t.Share, Unwanted: t.Value < 0})
		}
		list.Entries = append(list.Entries, e)
	}
	return list, nil
}

// madeFrom says what a list was made from.
func madeFrom(inputs []decision.Input) string {
	bought := slices.ContainsFunc(inputs, func(i decision.Input) bool { return i.Category == thimble.PurchaseHistory })
	looked := slices.ContainsFunc(inputs, func(i decision.Input) bool { return i.Category == Browsing })
	switch {
	case bought && looked:
		return "Made from what you bought and looked at, because you allow it."
	case looked:
		return "Made from what you looked at, because you allow it."
	}
	return "Made from what you bought, because you allow it."
}

// named returns the product, or one that has only its number when the catalogue
// no longer knows it.
func named(products map[thimble.ItemID]*catalog.Product, id thimble.ItemID) *catalog.Product {
	if p, ok := products[id]; ok {
		return p
	}
	return &catalog.Product{ID: id, Name: string(id)}
}

// Popular returns the items that most orders of the last 30 days of sales
// contained. Nothing about any person is used.
func (s *Shop) Popular(ctx context.Context, n int) (List, error) {
	return s.Make(ctx, Ask{Kind: Popular, N: n})
}

// GoesWith returns n items that are bought by the same people as the given one.
// Nothing about the reader is used.
func (s *Shop) GoesWith(ctx context.Context, item thimble.ItemID, n int) (List, error) {
	now, err := s.shows(ctx)
	switch {
	case err != nil:
		return List{}, err
	case now == nil && s.live.Load() != nil:
		return List{Why: "The program is just forgetting somebody. Look again in a moment."}, nil
	case now == nil:
		return List{Why: "Nothing was learned yet."}, nil
	}
	ranked := now.model.GoesWith(item, recommend.Query{K: n, Exclude: func(id thimble.ItemID) bool { return id == item || now.stale[id] }})
	ids := make([]thimble.ItemID, 0, len(ranked))
	for _, r := range ranked {
		ids = append(ids, r.Item)
	}
	products, err := s.asked(ctx, ids)
	if err != nil {
		return List{}, err
	}
	list := List{Why: "Learned from the orders of everyone who allows it. Nothing about you was used.", Model: now.version.Number}
	for _, r := range ranked {
		list.Entries = append(list.Entries, Entry{Product: named(products, r.Item), Score: r.Score})
	}
	return list, nil
}
