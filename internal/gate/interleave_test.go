package gate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thimble"
	"thimble/internal/policy"
)

// An arena is the real gate over a world in memory, in a bubble of fake time: each
// point at which processes interleave takes a time drawn from a seed, so that the
// bubble's clock makes the interleaving.
type arena struct {
	*world
	moves *Moves
	gate  *Gate

	rnd      sync.Mutex
	r        *rand.Rand
	verdict  sync.Mutex
	answered map[thimble.SubjectID]bool // a no was answered, and no yes committed since
	banned   bool                       // a law that prohibits was answered, and no other committed since
	late     int                        // uses after that
	uses     int
}

var (
	openLaw = law("open", []policy.Rule{{Use: thimble.TrainAISystem, Mode: policy.OptIn, Basis: "consent", Source: policy.Source{Cite: "c"}}})
	banLaw  = law("ban", nil)
	crowd   = []thimble.SubjectID{ada, bob, {3}}
)

func newArena(seed uint64) *arena {
	a := &arena{world: newWorld(openLaw), moves: NewMoves(), r: rand.New(rand.NewPCG(seed, 1)), answered: map[thimble.SubjectID]bool{}}
	a.moves.pause, a.world.pause = a.wait, a.wait
	a.gate = a.world.gate(a.moves, nil)
	for _, who := range crowd {
		a.says(who, given(thimble.TrainAISystem))
	}
	return a
}

func (a *arena) draw(n int) int {
	a.rnd.Lock()
	defer a.rnd.Unlock()
	return a.r.IntN(n)
}

func (a *arena) wait(string) { time.Sleep(time.Duration(a.draw(40))) }

func (a *arena) someone() thimble.SubjectID { return crowd[a.draw(len(crowd))] }

// settle is what a change does after its commit.
func (a *arena) settle(who thimble.SubjectID) {
	a.wait("committed")
	a.moves.Move(who)
	if err := a.moves.Drain(context.Background(), who); err != nil {
		panic(err)
	}
}

func (a *arena) write(context.Context) {
	who := a.someone()
	a.verdict.Lock()
	a.says(who, given(thimble.TrainAISystem))
	a.answered[who] = false
	a.verdict.Unlock()
	a.settle(who)
}

func (a *arena) withdraw(context.Context) {
	who := a.someone()
	a.says(who, withdrawn(thimble.TrainAISystem))
	a.settle(who)
	a.verdict.Lock()
	defer a.verdict.Unlock()
	a.world.mu.Lock()
	defer a.world.mu.Unlock()
	a.answered[who] = !a.people[who].said[thimble.TrainAISystem].State.Permits()
}

func (a *arena) changePack(context.Context) {
	for _, l := range []*policy.Pack{banLaw, openLaw} {
		a.verdict.Lock()
		a.world.mu.Lock()
		a.law, a.banned = l, false
		a.world.mu.Unlock()
		a.verdict.Unlock()
		a.settle(thimble.SubjectID{})
		a.verdict.Lock()
		a.world.mu.Lock()
		a.banned = a.law == banLaw
		a.world.mu.Unlock()
		a.verdict.Unlock()
		a.wait("between packs")
	}
}

// used is where output about somebody has left.
func (a *arena) used(who ...thimble.SubjectID) {
	a.verdict.Lock()
	defer a.verdict.Unlock()
	for _, s := range who {
		a.uses++
		if a.answered[s] || a.banned {
			a.late++
		}
	}
}

func (a *arena) leaves(who ...thimble.SubjectID) func(context.Context) error {
	return func(context.Context) error {
		a.wait("leaving")
		a.used(who...)
		return nil
	}
}

func (a *arena) read(ctx context.Context) {
	who := a.someone()
	g, err := a.gate.Open(ctx, asking(who, thimble.TrainAISystem))
	if err != nil {
		return
	}
	a.wait("working")
	_ = g.Output(ctx, a.leaves(who)) // a refusal is an answer
}

func (a *arena) export(ctx context.Context) {
	ctx, sink := WithSink(ctx)
	var all []thimble.SubjectID
	for _, who := range crowd[:2] {
		if _, err := a.gate.Open(ctx, asking(who, thimble.TrainAISystem)); err == nil {
			all = append(all, who)
		}
	}
	a.wait("working")
	_ = sink.Output(ctx, a.leaves(all...))
}

func (a *arena) train(ctx context.Context) {
	cohort := a.gate.Cohort(machine, thimble.TrainAISystem, purchases...)
	learned := map[thimble.SubjectID]bool{}
	for g, err := range a.gate.Scan(ctx, machine, thimble.TrainAISystem, purchases...) {
		if err != nil {
			return
		}
		learned[g.Subject()] = true
		cohort.Add(g)
	}
	a.wait("training")
	without := func(_ context.Context, left []thimble.SubjectID) error {
		for _, who := range left {
			delete(learned, who)
		}
		a.wait("training again")
		return nil
	}
	_ = cohort.Publish(ctx, without, func(ctx context.Context) error {
		var all []thimble.SubjectID
		for who := range learned {
			all = append(all, who)
		}
		return a.leaves(all...)(ctx)
	})
}

// round lets everybody do something at once.
func (a *arena) round(actors ...func(context.Context)) {
	var wg sync.WaitGroup
	for _, act := range actors {
		wg.Go(func() {
			a.wait("starting")
			act(context.Background())
		})
	}
	wg.Wait()
}

// TestNoUseAfterAnAnsweredChangeInSeededInterleavings is privacy case 9 on the real
// code: writer, readers, trainer, exporter, withdrawers and a change of packs.
func TestNoUseAfterAnAnsweredChangeInSeededInterleavings(t *testing.T) {
	const perWorld = 50
	total, uses := times(20_000, 1_000_000), 0
	for seed := uint64(1); int(seed)*perWorld <= total; seed++ {
		synctest.Test(t, func(t *testing.T) {
			a := newArena(seed)
			for n := range perWorld {
				actors := []func(context.Context){a.write, a.read, a.read, a.export, a.train, a.withdraw, a.withdraw}
				if n%4 == 0 {
					actors = append(actors, a.changePack)
				}
				a.round(actors...)
				if a.late > 0 {
					t.Fatalf("seed %d, round %d: %d uses after an answered change", seed, n, a.late)
				}
			}
			uses += a.uses
		})
		if t.Failed() {
			return
		}
	}
	if uses < total/2 {
		t.Errorf("only %d uses in %d interleavings: the test does not reach what it is for", uses, total)
	}
	t.Logf("seeds 1 to %d: %d interleavings, %d uses, none after an answered change", total/perWorld, total, uses)
}

// TestTheCheckerSeesAUseThatDoesNotAsk shows that the test above can fail: a reader
// that does not ask the gate again is caught.
func TestTheCheckerSeesAUseThatDoesNotAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArena(1)
		careless := func(ctx context.Context) {
			who := a.someone()
			if _, err := a.gate.Open(ctx, asking(who, thimble.TrainAISystem)); err == nil {
				a.wait("working")
				_ = a.leaves(who)(ctx)
			}
		}
		for range 400 {
			a.round(a.write, careless, careless, a.withdraw, a.withdraw)
		}
		if a.late == 0 {
			t.Error("400 interleavings of a careless reader, and nothing was seen")
		}
	})
}

// Privacy cases 6 and 7: a grant is made by the gate, for one moment.
func TestAGrantIsNotForgedNorUsedAgainLater(t *testing.T) {
	w := newWorld(pack(t))
	at := now
	m := NewMoves()
	g := w.gate(m, func() time.Time { return at })
	s := given(thimble.TrainAISystem)
	s.Expires = at.Add(time.Hour)
	w.says(ada, s)
	leave := func(context.Context) error { t.Error("something left"); return nil }
	open := func() *Grant {
		t.Helper()
		grant, err := g.Open(t.Context(), asking(ada, thimble.TrainAISystem))
		if err != nil {
			t.Fatal(err)
		}
		return grant
	}
	cell := thimble.Cell{Owner: ada, Category: thimble.PurchaseHistory}
	refused := func(name string, grant *Grant) {
		t.Helper()
		_, opened := grant.Open(t.Context(), cell, nil)
		for what, err := range map[string]error{"open": opened, "output": grant.Output(t.Context(), leave), "live": grant.Live(t.Context())} {
			if kind := fmt.Sprint(err); !isDenied(err) {
				t.Errorf("%s, %s: %s, want a denial", name, what, kind)
			}
		}
	}

	refused("forged", &Grant{})

	replayed := open()
	m.Move(ada)
	refused("replayed after a move", replayed)

	expired := open()
	at = at.Add(time.Hour)
	refused("after the consent has ended by itself", expired)

	at = now
	lapsed := open()
	m.Under(noLease{})
	refused("after the lease was lost", lapsed)
	if v, err := g.Decide(t.Context(), asking(ada, thimble.TrainAISystem)); err != nil || v.Allowed || v.Why != whyLapsed {
		t.Errorf("without a lease: %+v, %v", v, err)
	}
}
