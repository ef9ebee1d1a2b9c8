package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"thimble/internal/policy/calendar"
)

// A Shop is what thresholds and seats ask about the shop.
type Shop struct {
	Establishment []string
	Facts         map[string]int64
}

// A Layer is the packs that an installation had on a day.
type Layer struct {
	Library *Library
	On      calendar.Date
}

// A Regime is the law as an installation applies it: that of its packs, with what of
// its older packs and of earlier days has not been let go yet. What tightens applies
// at once; what loosens waits until it is accepted. It is safe for concurrent use.
type Regime struct {
	library *Library
	shop    Shop

	mu       sync.RWMutex
	layers   []Layer // the oldest first; none: there is nothing to wait for
	accepted map[string]bool
	memo     map[string]folded
}

type folded struct {
	law     *Law
	pending []Change
}

// NewRegime returns the regime of a library. Layers are what applied before, accepted
// the IDs of the changes that may loosen it.
func NewRegime(l *Library, shop Shop, layers []Layer, accepted ...string) *Regime {
	r := &Regime{library: l, shop: shop}
	r.Stand(layers, accepted...)
	return r
}

// Stand replaces layers and acceptances, as when somebody has accepted.
func (r *Regime) Stand(layers []Layer, accepted ...string) {
	yes := map[string]bool{}
	for _, id := range accepted {
		yes[id] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layers, r.accepted, r.memo = slices.Clone(layers), yes, map[string]folded{}
}

// Library returns the packs of today.
func (r *Regime) Library() *Library { return r.library }

// Shop returns what is known of the shop.
func (r *Regime) Shop() Shop { return r.shop }

// ID names a change for its acceptance: what changes, from what to what, and by whose
// word. The same value may change in another law without a yes of its own.
func (c Change) ID() string {
	bare := func(ref string) string { return strings.ReplaceAll(ref, "~waiting", "") }
	text, _ := json.Marshal([]string{c.Dim, c.Key, c.From, c.To, bare(c.Before.Pack), c.Before.Cite, bare(c.After.Pack), c.After.Cite}) // strings always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Law returns the law that applies, with the shop's own seat and facts where the
// question names none.
func (r *Regime) Law(q Question) (*Law, error) {
	f, err := r.fold(q)
	return f.law, err
}

// fold lays each layer's law over the one before.
func (r *Regime) fold(q Question) (folded, error) {
	if q.Establishment == nil {
		q.Establishment = r.shop.Establishment
	}
	if q.Facts == nil {
		q.Facts = r.shop.Facts
	}
	now, err := r.library.Law(q)
	if err != nil {
		return folded{}, err
	}
	r.mu.RLock()
	layers, accepted, memo := r.layers, r.accepted, r.memo
	key := q.memo()
	f, known := memo[key]
	r.mu.RUnlock()
	if known || len(layers) == 0 {
		if !known {
			f.law = now
		}
		return f, nil
	}
	if f, err = lay(layers, now, q, func(c Change) bool { return accepted[c.ID()] }); err != nil {
		return f, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(memo) >= remembered {
		clear(memo)
	}
	memo[key] = f // of these layers: after a change nobody looks into this map
	return f, nil
}

func lay(layers []Layer, now *Law, q Question, yes func(Change) bool) (f folded, err error) {
	asked := q.instant()
	before := q // the same people on an earlier day
	before.At, before.Residences = time.Time{}, q.current()
	for _, l := range layers {
		if l.On.Start(time.UTC).After(asked) {
			break // a question about the past: this was not yet
		}
		before.On = l.On
		then, err := l.Library.Law(before)
		if err != nil {
			return f, err
		}
		if f.law == nil {
			f.law = then
			continue
		}
		f.law, _ = Accept(f.law, then, yes)
	}
	if f.law == nil {
		return folded{law: now}, nil
	}
	f.law, f.pending = Accept(f.law, now, yes)
	return f, nil
}

// current returns the residences that count when the question is asked, without
// their times.
func (q Question) current() (all []Residence) {
	lives, hints := q.places()
	for _, p := range lives {
		all = append(all, Residence{Place: p, Evidence: Declared})
	}
	for _, p := range hints {
		all = append(all, Residence{Place: p, Evidence: IP})
	}
	return all
}

// A Waiting is a change that loosens and waits, with where: "" is residence unknown.
type Waiting struct {
	Change
	Places []string
}

// places are all that the packs of today or of a layer know, and the unknown one.
func (r *Regime) places() []string {
	all := append([]string{""}, r.library.Places()...)
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.layers {
		all = append(all, l.Library.Places()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// question is that of somebody in a place on a day.
func question(place string, on calendar.Date) Question {
	q := Question{On: on}
	if place != "" {
		q.Residences = []Residence{{Place: place, Evidence: Declared}}
	}
	return q
}

// Pending returns what waits to be accepted, over all places.
func (r *Regime) Pending(on calendar.Date) ([]Waiting, error) {
	return r.gather(on, func(f folded) []Change { return f.pending })
}

// Tightened returns what is stricter on a day than in the oldest law that still
// counts. It applies already.
func (r *Regime) Tightened(on calendar.Date) ([]Waiting, error) {
	r.mu.RLock()
	layers := r.layers
	r.mu.RUnlock()
	if len(layers) == 0 {
		return nil, nil
	}
	var all []Waiting
	at := map[string]int{}
	for _, place := range r.places() {
		q := question(place, on)
		q.Establishment, q.Facts = r.shop.Establishment, r.shop.Facts
		now, err := r.library.Law(q)
		if err != nil {
			return nil, err
		}
		q.On = layers[0].On
		then, err := layers[0].Library.Law(q)
		if err != nil {
			return nil, err
		}
		strict := slices.DeleteFunc(Diff(then, now), func(c Change) bool { return c.Loosens })
		all = addWaiting(all, at, place, strict)
	}
	return all, nil
}

func (r *Regime) gather(on calendar.Date, of func(folded) []Change) (all []Waiting, err error) {
	at := map[string]int{}
	for _, place := range r.places() {
		f, err := r.fold(question(place, on))
		if err != nil {
			return nil, err
		}
		all = addWaiting(all, at, place, of(f))
	}
	return all, nil
}

func addWaiting(all []Waiting, at map[string]int, place string, changes []Change) []Waiting {
	for _, c := range changes {
		id := c.ID()
		i, seen := at[id]
		if !seen {
			i, at[id] = len(all), len(all)
			all = append(all, Waiting{Change: c})
		}
		all[i].Places = append(all[i].Places, place)
	}
	return all
}

// Marks stand for the law of a day over all places.
type Marks struct {
	Packs   [32]byte // of the library
	Law     [32]byte // of what the packs say
	Applied [32]byte // of what applies: more than the packs say while anything waits
}

// Marks returns the marks of a day. Which pack a value comes from is not in Law and
// Applied: that is for Packs.
func (r *Regime) Marks(on calendar.Date) (m Marks, err error) {
	m.Packs = r.library.Hash()
	said, applied := sha256.New(), sha256.New()
	for _, place := range r.places() {
		q := question(place, on)
		f, err := r.fold(q)
		if err != nil {
			return m, err
		}
		q.Establishment, q.Facts = r.shop.Establishment, r.shop.Facts
		now, err := r.library.Law(q)
		if err != nil {
			return m, err
		}
		now.write(said, place)
		f.law.write(applied, place)
	}
	m.Law, m.Applied = [32]byte(said.Sum(nil)), [32]byte(applied.Sum(nil))
	return m, nil
}

// write appends what the law asks to a hash: for each key the values that no other
// covers, since which of two clocks ends first depends on the day.
func (l *Law) write(h interface{ Write([]byte) (int, error) }, place string) {
	fmt.Fprintf(h, "place %q\n", place)
	for _, v := range l.Values() {
		if v.atoms[0].span.Unit == "" {
			fmt.Fprintf(h, "%q %q %q\n", v.Dim, v.Key, v.Text)
			continue
		}
		var counts []string
		for _, a := range v.atoms {
			text := a.Text + " " + a.how
			if !slices.ContainsFunc(v.atoms, func(b *Atom) bool { return b.Text+" "+b.how != text && b.covers(a) && !a.covers(b) }) {
				counts = append(counts, text)
			}
		}
		slices.Sort(counts)
		fmt.Fprintf(h, "%q %q %q\n", v.Dim, v.Key, slices.Compact(counts))
	}
}
