package gate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/datamap"
	"thimble/internal/policy"
)

func mustDoor(t testing.TB, g *Gate, uses ...DoorUse) *Door {
	t.Helper()
	d, err := g.Door(uses...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func permits(t testing.TB, d *Door, who thimble.SubjectID) Permission {
	t.Helper()
	p, err := d.Permits(context.Background(), who)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTheDoorSaysOfEachPairWhatTheJudgeSays draws laws, choices and instants, and holds
// each pair of a door against [Judge].
func TestTheDoorSaysOfEachPairWhatTheJudgeSays(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, seed))
	total, allowed, held, stored := times(40_000, 1_000_000), 0, 0, 0
	for n := 0; n < total; {
		at := now
		w := newWorld(someLaw(r, n))
		m := NewMoves()
		g := w.gate(m, func() time.Time { return at })
		uses := []DoorUse{}
		for range 8 {
			u := DoorUse{Category: pick(r, append(someCategories, "user.social", "system.operations", "user.behavior.browsing_history"))}
			for range 1 + r.IntN(4) {
				u.Purposes = append(u.Purposes, pick(r, somePurposes))
			}
			uses = append(uses, u)
		}
		d := mustDoor(t, g, uses...)
		for range 60 {
			who := pick(r, []thimble.SubjectID{ada, bob, {}})
			switch r.IntN(10) {
			case 0:
				s := consent.Standing{Purpose: pick(r, somePurposes), State: pick(r, someStates), Seq: int64(n), At: at}
				if r.IntN(2) == 0 {
					s.Expires = at.Add(time.Duration(r.IntN(5)-1) * time.Minute)
				}
				who = pick(r, []thimble.SubjectID{ada, bob})
				w.says(who, s)
				w.commit(who, func(p *resident) { p.restricted = r.IntN(6) == 0 })
				m.Move(who)
			case 1:
				at = at.Add(time.Duration(r.IntN(90)) * time.Second)
			case 2:
				w.law, w.ends = someLaw(r, n), at.Add(time.Duration(1+r.IntN(3))*time.Minute)
				w.law.(*policy.Pack).Version = fmt.Sprint(n)
				m.Move(thimble.SubjectID{})
			default:
				if p, ok := d.shard(who).held[who]; ok && d.Holds(who, &p) {
					held++
				}
				got, pairs := permits(t, d, who), 0
				for i, u := range uses {
					for _, p := range u.Purposes {
						q := Request{Actor: machine, Subject: who, Purpose: p, Categories: []thimble.Category{u.Category}}
						v := naive(w, g, q, at)
						if who.IsZero() {
							v = Judge(q, w.law, Facts{Known: true}, at)
						}
						want := v.Allowed
						if r := w.people[who]; r != nil && r.restricted && storedAllTheSame(p, u.Category) {
							want = v.Mode == policy.Allow // an order is stored all the same
							stored++
						}
						want = want && datamap.Refuse(u.Category) == nil
						if got.Pairs.has(pairs) != want {
							t.Fatalf("seed %d, %d: use %d %s for %s: %v, want %v (%s)", seed, n, i, u.Category, p, !want, want, v.Why)
						}
						if want {
							allowed++
						}
						pairs++
						n++
					}
				}
			}
		}
	}
	if stored == 0 || allowed < total/50 || held < total/500 {
		t.Errorf("%d pairs were permitted and %d times the answer was held: the test does not reach what it is for", allowed, held)
	}
	t.Logf("seed %d: %d pairs, %d permitted, %d answers held", seed, total, allowed, held)
}

var training = DoorUse{Category: thimble.PurchaseHistory, Purposes: []thimble.Purpose{thimble.TrainAISystem}}

// take is one taker of events: it asks at the door, works, and writes while what it was
// told holds.
func (a *arena) take(d *Door) func(context.Context) {
	return func(ctx context.Context) {
		who := a.someone()
		for range tries {
			if d.Ready(ctx) != nil {
				return
			}
			p, err := d.Permits(ctx, who)
			a.wait("sealing")
			if err != nil || d.Mask(p.Pairs) == 0 {
				return
			}
			if ran, _ := d.Write(ctx, []Judged{{who, &p}}, a.leaves(who)); ran {
				return
			}
		}
	}
}

// TestNothingIsTakenAfterAnAnsweredWithdrawal: collection.md, goal 5. Once a withdrawal was
// answered nothing is written by what was permitted before, whenever its taker began.
func TestNothingIsTakenAfterAnAnsweredWithdrawal(t *testing.T) {
	const perWorld, takers = 50, 10
	total, uses := times(100_000, 1_000_000), 0
	for seed := uint64(1); int(seed)*perWorld*takers <= total; seed++ {
		synctest.Test(t, func(t *testing.T) {
			a := newArena(seed)
			d := mustDoor(t, a.gate, training)
			for n := range perWorld {
				actors := []func(context.Context){a.write, a.withdraw, a.withdraw}
				for range takers {
					actors = append(actors, a.take(d))
				}
				if n%4 == 0 {
					actors = append(actors, a.changePack)
				}
				a.round(actors...)
				if a.late > 0 {
					t.Fatalf("seed %d, round %d: %d events taken after an answered change", seed, n, a.late)
				}
			}
			uses += a.uses
		})
		if t.Failed() {
			return
		}
	}
	if uses < total/20 {
		t.Errorf("only %d of %d events were taken: the test does not reach what it is for", uses, total)
	}
	t.Logf("%d events, %d taken, none after an answered change", total, uses)
}

// A change is answered when what is being written about the person has been, or was
// told to stop and has; about others it is not waited for.
func TestAChangeWaitsForWhatIsBeingWrittenAndThenStopsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(openLaw), NewMoves()
		d := mustDoor(t, w.gate(m, nil), training)
		w.says(ada, given(thimble.TrainAISystem))
		w.says(bob, given(thimble.TrainAISystem))
		p, q := permits(t, d, ada), permits(t, d, bob)
		written := make(chan error)
		var over atomic.Bool
		go func() {
			_, err := d.Write(t.Context(), []Judged{{ada, &p}, {bob, &q}}, func(ctx context.Context) error {
				<-ctx.Done()
				over.Store(true)
				return ctx.Err()
			})
			written <- err
		}()
		synctest.Wait()
		if err := m.Drain(t.Context(), thimble.SubjectID{3}); err != nil {
			t.Errorf("somebody else's change: %v", err)
		}
		m.Move(bob)
		if err := m.Drain(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
		if !over.Load() {
			t.Error("the change was answered while something was being written")
		}
		if err := <-written; !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("what was told to stop: %v, want unavailable", err)
		}
		ran, err := d.Write(t.Context(), []Judged{{ada, &p}, {bob, &q}}, func(context.Context) error { t.Error("it was written"); return nil })
		if ran || err != nil {
			t.Errorf("after the change: ran %v, %v", ran, err)
		}
	})
}

// TestTheCheckerSeesATakerThatKeepsAnOldAnswer shows that the test above can fail.
func TestTheCheckerSeesATakerThatKeepsAnOldAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArena(1)
		old := map[thimble.SubjectID]bool{}
		careless := func(context.Context) {
			who := a.someone()
			a.verdict.Lock()
			defer a.verdict.Unlock()
			a.world.mu.Lock()
			defer a.world.mu.Unlock()
			if _, ok := old[who]; !ok {
				old[who] = a.people[who].said[thimble.TrainAISystem].State.Permits()
			}
			if old[who] && a.answered[who] {
				a.late++
			}
		}
		for range 400 {
			a.round(a.write, careless, careless, a.withdraw, a.withdraw)
		}
		if a.late == 0 {
			t.Error("400 rounds of a careless taker, and nothing was seen")
		}
	})
}

func TestADoorIsClosedWhileNothingIsKnown(t *testing.T) {
	w := newWorld(openLaw)
	m := NewMoves()
	d := mustDoor(t, w.gate(m, nil), training)
	if err := d.Ready(t.Context()); err != nil {
		t.Fatalf("an open door: %v", err)
	}
	w.silent = true
	if err := d.Ready(t.Context()); !errors.Is(err, thimble.ErrDenied) || !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("while the ledger is silent: %v, want denied for now", err)
	}
	w.silent = false
	m.Under(noLease{})
	if err := d.Ready(t.Context()); !errors.Is(err, thimble.ErrDenied) || !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("without a lease: %v, want denied for now", err)
	}
}

func TestAPermissionEndsWithAMoveAndWithItsTime(t *testing.T) {
	w, m, at := newWorld(openLaw), NewMoves(), now
	d := mustDoor(t, w.gate(m, func() time.Time { return at }), training)
	yes := given(thimble.TrainAISystem)
	yes.Expires = now.Add(time.Hour)
	w.says(ada, yes)
	p := permits(t, d, ada)
	if d.Mask(p.Pairs) != 1 || !p.Known || !d.Holds(ada, &p) {
		t.Fatalf("a yes permits %+v", p)
	}
	at = now.Add(time.Hour)
	if d.Holds(ada, &p) || d.Mask(permits(t, d, ada).Pairs) != 0 {
		t.Error("a yes that ran out still permits")
	}
	at = now
	p = permits(t, d, ada)
	m.Move(bob)
	if !d.Holds(ada, &p) {
		t.Error("somebody else's move ended the permission")
	}
	m.Move(ada)
	if d.Holds(ada, &p) {
		t.Error("the permission outlived the person's move")
	}
	p = permits(t, d, ada)
	m.Move(thimble.SubjectID{})
	if d.Holds(ada, &p) {
		t.Error("the permission outlived everybody's move")
	}
	if p := permits(t, d, bob); p.Known || d.Mask(p.Pairs) != 0 {
		t.Errorf("somebody who is not there permits %+v", p)
	}
}

// Of however many strangers are asked about at once, a door reads few at a time; whoever
// waits may leave.
func TestADoorReadsFewPeopleAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(openLaw)
		var reading atomic.Int64
		turn := make(chan struct{})
		w.pause = func(point string) {
			if point == "person" {
				reading.Add(1)
				<-turn
			}
		}
		d := mustDoor(t, w.gate(NewMoves(), nil), training)
		const asked = 10 * readAtOnce
		left, leave := context.WithCancel(t.Context())
		answers := make(chan error, asked+1)
		ask := func(ctx context.Context, n int) {
			_, err := d.Permits(ctx, thimble.SubjectID{byte(n), byte(n >> 8), 15: 1})
			answers <- err
		}
		for n := range asked {
			go ask(t.Context(), n)
		}
		synctest.Wait()
		go ask(left, asked)
		synctest.Wait()
		if n := reading.Load(); n != readAtOnce {
			t.Errorf("%d people are read at once, want %d", n, readAtOnce)
		}
		leave()
		if err := <-answers; !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("who left while waiting: %v, want unavailable", err)
		}
		close(turn)
		for range asked {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestADoorHasBounds(t *testing.T) {
	w := newWorld(openLaw)
	g := w.gate(NewMoves(), nil)
	many := DoorUse{Category: thimble.PurchaseHistory, Purposes: make([]thimble.Purpose, MaxPairs)}
	if _, err := g.Door(many, training); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("%d pairs: %v, want invalid", MaxPairs+1, err)
	}
	if _, err := g.Door(make([]DoorUse, 64)...); err != nil {
		t.Errorf("64 uses: %v", err)
	}
	d := mustDoor(t, g, training)
	d.limit = 10
	for i := range 3000 {
		who := thimble.SubjectID{byte(i), byte(i >> 8), 8: byte(i), 9: 1}
		w.says(who, given(thimble.TrainAISystem))
		if d.Mask(permits(t, d, who).Pairs) != 1 {
			t.Fatal("a yes does not permit")
		}
	}
	for i := range d.shards {
		if n := len(d.shards[i].held); n > d.limit {
			t.Fatalf("a shard holds %d, at most %d were expected", n, d.limit)
		}
	}
}

func TestAnAnswerAtTheDoorTakesNoMemory(t *testing.T) {
	w := newWorld(openLaw)
	w.says(ada, given(thimble.TrainAISystem))
	d := mustDoor(t, w.gate(NewMoves(), nil), training)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = d.Permits(ctx, ada) }); n != 0 && !raced {
		t.Errorf("an answer makes %v allocations, want none", n)
	}
}

// BenchmarkDoor is what is permitted of one of 20,000 people.
func BenchmarkDoor(b *testing.B) {
	w := newWorld(openLaw)
	d := mustDoor(b, w.gate(NewMoves(), nil), training)
	ids := make([]thimble.SubjectID, 20_000)
	for i := range ids {
		ids[i] = thimble.SubjectID{byte(i), byte(i >> 8), 8: byte(i * 7), 15: 1}
		w.says(ids[i], given(thimble.TrainAISystem))
	}
	ctx, i := context.Background(), 0
	b.ReportAllocs()
	for b.Loop() {
		if p, err := d.Permits(ctx, ids[i%len(ids)]); err != nil || d.Mask(p.Pairs) != 1 {
			b.Fatal(err)
		}
		i++
	}
}
