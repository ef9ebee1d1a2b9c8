package lists

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/recommend"
)

// A book is a journal and orders at once, of people and products that are numbers.
type book struct {
	rng    *rand.Rand
	acts   []Act // in the order in which they came in
	orders map[thimble.SubjectID][]recorded
	place  int64
	gone   map[thimble.SubjectID]bool
}

const bookItems = 24

var bookDay = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func bookPerson(n int) (who thimble.SubjectID) {
	who[0], who[15] = byte(n+1), 7
	return who
}

func bookItem(n int) thimble.ItemID { return thimble.ItemID(fmt.Sprintf("I%02d", n)) }

// set is what a version learns until the end, of some people: read in one go.
func (b *book) set(rule recommend.Recipe, who []thimble.SubjectID) *set {
	var items []thimble.ItemID
	for i := range bookItems {
		items = append(items, bookItem(i))
	}
	s := newSet(items, b.place, b.place, rule)
	c := b.course(nil, s)
	for _, one := range who {
		if err := s.add(one, b.orders[one], c.take(one)); err != nil {
			panic(err)
		}
	}
	return s
}

// course is what people did until the ends of sets; of nil, everybody.
func (b *book) course(of []thimble.SubjectID, sets ...*set) *course {
	c := &course{of: map[thimble.SubjectID]*doing{}, met: map[thimble.SubjectID]*listener{}, known: func(id thimble.ItemID) bool { return sets[0].known[id] }}
	for _, s := range sets {
		c.ends = append(c.ends, s.events)
	}
	slices.Sort(c.ends)
	c.ends = slices.Compact(c.ends)
	for _, a := range b.acts {
		if a.Place <= c.ends[len(c.ends)-1] && !b.gone[a.Who] && (of == nil || slices.Contains(of, a.Who)) {
			c.met[a.Who] = &listener{person: a.Who}
			c.add(a)
		}
	}
	return c
}

// step changes something and says of whom.
func (b *book) step() thimble.SubjectID {
	who := bookPerson(b.rng.IntN(20))
	b.place++
	switch kind := b.rng.IntN(10); kind {
	case 0: // everything of somebody goes
		b.gone[who] = true
		delete(b.orders, who)
		b.acts = slices.DeleteFunc(b.acts, func(a Act) bool { return a.Who == who })
	case 1: // what they did with one product goes
		item := bookItem(b.rng.IntN(bookItems))
		b.acts = slices.DeleteFunc(b.acts, func(a Act) bool { return a.Who == who && a.Item == item })
	case 2: // it came in in another order
		places := make([]int64, len(b.acts))
		for i, a := range b.acts {
			places[i] = a.Place
		}
		b.rng.Shuffle(len(b.acts), func(i, j int) { b.acts[i], b.acts[j] = b.acts[j], b.acts[i] })
		for i := range b.acts {
			b.acts[i].Place = places[i]
		}
	case 3: // something came in twice
		if len(b.acts) > 0 {
			again := b.acts[b.rng.IntN(len(b.acts))]
			again.Place = b.place
			b.acts = append(b.acts, again)
			return again.Who
		}
	case 4, 5: // an order, or that it came back
		o := order.Order{PlacedAt: bookDay.Add(time.Duration(b.rng.IntN(90*24)) * time.Hour), Return: b.rng.IntN(3) == 0}
		for range 1 + b.rng.IntN(3) {
			o.Lines = append(o.Lines, order.Line{Item: bookItem(b.rng.IntN(bookItems)), Units: 1})
		}
		b.orders[who] = append(b.orders[who], recorded{o, b.place})
		b.gone[who] = false
	default: // some deeds, of now and of long ago
		for range 1 + b.rng.IntN(4) {
			b.acts = append(b.acts, Act{Who: who, Place: b.place, Item: bookItem(b.rng.IntN(bookItems)), Deed: Deed(1 + b.rng.IntN(5)), At: bookDay.Add(time.Duration(b.rng.IntN(90*24)) * time.Hour)})
		}
		b.gone[who] = false
	}
	return who
}

// Whatever comes in, in whatever order, late or twice, and whoever or whatever goes: the
// model that follows it step by step is, byte for byte, what a training on what is there
// until that place gives. THIMBLE_SOAK=1 makes 10,000 steps.
func TestNoSequenceOfDeedsLeavesATrace(t *testing.T) {
	const seed = 20261130
	steps := 400
	if os.Getenv("THIMBLE_SOAK") != "" {
		steps = 10_000
	}
	t.Logf("seed %d, %d steps", seed, steps)
	b := &book{rng: rand.New(rand.NewPCG(seed, 2)), orders: map[thimble.SubjectID][]recorded{}, gone: map[thimble.SubjectID]bool{}}
	rule := recommend.DefaultRecipe().Interested().Decayed(recommend.Month(bookDay)+3, 2)
	rule.InterestCap, rule.HistoryCap = 6, 12
	rule = rule.Bounded(20, 99)
	people := make([]thimble.SubjectID, 20)
	for i := range people {
		people[i] = bookPerson(i)
	}
	of := b.set(rule, people)
	m, err := recommend.Train(t.Context(), rule, of.data, nil)
	if err != nil {
		t.Fatal(err)
	}
	learned := 0
	for step := range steps {
		ended := of.events
		who := b.step()
		of.through, of.events = b.place, b.place
		before := &set{known: of.known, rule: rule, events: ended} // as taking in reads for both ends
		p := &anew{who: who, orders: b.orders[who], did: b.course([]thimble.SubjectID{who}, of, before).take(who)}
		m2, _, err := m.Update(t.Context(), of.data, of.changes(p))
		if err != nil {
			t.Fatal(err)
		}
		of.note(p)
		m = m2
		b.rng.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
		fresh := b.set(rule, people)
		want, err := recommend.Train(t.Context(), rule, fresh.data, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := m.MarshalBinary()
		anew, _ := want.MarshalBinary()
		if !bytes.Equal(got, anew) {
			t.Fatalf("step %d: the model that followed is not what a training gives", step)
		}
		if !of.same(fresh) {
			t.Fatalf("step %d: what was learned from is not the same", step)
		}
		learned = max(learned, of.data.Interactions())
	}
	if learned < 60 {
		t.Errorf("at most %d interactions were learned from: nothing was tried", learned)
	}
}

func TestOfAProgramNothingIsLearnedFromItsFloodOn(t *testing.T) {
	b := &book{rng: rand.New(rand.NewPCG(1, 1)), orders: map[thimble.SubjectID][]recorded{}, gone: map[thimble.SubjectID]bool{}}
	who := bookPerson(1)
	for i := range mostDeeds + 1 {
		b.acts = append(b.acts, Act{Who: who, Place: int64(1 + i/1000), Item: bookItem(i % bookItems), Deed: PutInCart, At: bookDay})
	}
	rule := recommend.DefaultRecipe().Interested()
	for _, c := range []struct{ place, items int64 }{{10, bookItems}, {11, 0}} {
		b.place = c.place
		if got := b.set(rule, []thimble.SubjectID{who}).data.Interactions(); got != int(c.items) {
			t.Errorf("until place %d: %d items, want %d", c.place, got, c.items)
		}
	}
}
