package gate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
)

var (
	somePurposes   = []thimble.Purpose{thimble.EssentialService, thimble.SupportOperations, thimble.PersonalizeContent, thimble.TrainAISystem, "personalize", "personalize.ads", "resell", "", thimble.SensitiveBeyond}
	someCategories = []thimble.Category{thimble.PurchaseHistory, "user", "user.biometric", "user.biometric.health", "user.biometric.health.scan", "user.social", "user.biometricx", ""}
	someModes      = []policy.Mode{policy.Allow, policy.Notice, policy.OptOut, policy.OptIn, policy.OptInExplicit, policy.Prohibited}
	someStates     = []consent.State{consent.Given, consent.Refused, consent.Withdrawn}
)

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

func someLaw(r *rand.Rand, id int) *policy.Pack {
	p := law(fmt.Sprint("law", id), nil)
	for _, use := range somePurposes {
		if use != "" && r.IntN(3) > 0 {
			p.Purposes = append(p.Purposes, policy.Rule{Use: use, Mode: pick(r, someModes), Basis: fmt.Sprint("basis ", r.IntN(3)), Source: policy.Source{Cite: fmt.Sprint("cite ", r.IntN(99))}})
		}
	}
	for _, c := range someCategories {
		if c != "" && r.IntN(3) == 0 {
			p.Sensitive = append(p.Sensitive, policy.Sensitive{Category: c, Mode: pick(r, someModes), Source: policy.Source{Cite: fmt.Sprint("sensitive ", r.IntN(99))}})
		}
	}
	return p
}

func someRequest(r *rand.Rand, who thimble.SubjectID) Request {
	q := Request{Actor: Actor{Kind: pick(r, []Kind{Customer, Machine, Machine, Client, ""}), Self: pick(r, []thimble.SubjectID{ada, bob})}, Subject: who, Purpose: pick(r, somePurposes)}
	for range pick(r, []int{0, 1, 1, 1, 2, 3}) {
		q.Categories = append(q.Categories, pick(r, someCategories))
	}
	if r.IntN(4) == 0 {
		q.Scope = Scope{Recipient: pick(r, []string{"", "", "post"}), Brand: pick(r, []string{"", "north", "south", "nobody's"}), Channel: pick(r, []string{"", "mail"}), Feature: pick(r, []string{"", "size"})}
	}
	return q
}

var someKnown = Known{Recipients: []string{"post"}, Brands: []string{"north", "south"}, Channels: []string{"mail"}, Features: []string{"size"}}

// TestCompiledVerdictsAreThoseOfTheNaiveJudge draws laws, choices, requests and
// instants, and holds each answer of the gate, compiled or not, against [Judge].
func TestCompiledVerdictsAreThoseOfTheNaiveJudge(t *testing.T) {
	const seed = 4
	r, ctx := rand.New(rand.NewPCG(seed, seed)), t.Context()
	total, fast, allowed := times(30_000, 1_000_000), 0, 0
	for n := 0; n < total; {
		at := now
		w := newWorld(someLaw(r, n))
		m := NewMoves()
		g := w.gate(m, func() time.Time { return at })
		g.Knows(someKnown)
		for range 120 {
			switch who := pick(r, []thimble.SubjectID{ada, bob}); r.IntN(16) {
			case 0:
				s := consent.Standing{Purpose: pick(r, somePurposes), State: pick(r, someStates), Seq: int64(n), At: at}
				if r.IntN(2) == 0 {
					s.Expires = at.Add(time.Duration(r.IntN(5)-1) * time.Minute)
				}
				w.says(who, s)
				w.commit(who, func(p *resident) { p.restricted = r.IntN(6) == 0 })
				m.Move(who)
			case 1:
				at = at.Add(time.Duration(r.IntN(90)) * time.Second)
			case 2:
				w.law, w.ends = someLaw(r, n), at.Add(time.Duration(1+r.IntN(3))*time.Minute)
				m.Move(thimble.SubjectID{})
				w.law.(*policy.Pack).Version = fmt.Sprint(n) // another law has another name
			case 3:
				if r.IntN(4) == 0 {
					w.mu.Lock()
					delete(w.people, who)
					w.mu.Unlock()
					m.Move(who)
				}
			default:
				q := someRequest(r, who)
				want := naive(w, g, q, at)
				if st, known := m.lookup(who); known && g.compiled(&q, &st, at, new(Verdict)) {
					fast++
				}
				got, err := g.Decide(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				got.Consent, want.Consent = consent.Standing{}, consent.Standing{}
				if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.UnixMicro() == b.UnixMicro() || a.IsZero() && b.IsZero() })); diff != "" {
					t.Fatalf("seed %d, request %d: %+v (-naive +gate):\n%s", seed, n, q, diff)
				}
				if got.Allowed {
					allowed++
				}
				n++
			}
		}
	}
	if fast < total/5 || allowed < total/50 {
		t.Errorf("only %d of %d verdicts were compiled, %d allowed: the test does not reach what it is for", fast, total, allowed)
	}
	t.Logf("seed %d: %d requests, %d by compiled state, %d allowed", seed, total, fast, allowed)
}

// naive judges from what is committed, without anything compiled.
func naive(w *world, g *Gate, q Request, at time.Time) Verdict {
	r, known := w.people[q.Subject]
	f := Facts{Known: known, Stranger: g.known.unknown(q.Scope)}
	if !known {
		return Judge(q, g.pack, f, at)
	}
	f.Epoch, f.Until, f.Members, f.Restricted = r.epoch, w.ends, []thimble.SubjectID{q.Subject}, r.restricted
	if s := r.said[q.Purpose]; s.State != "" {
		f.Standing = s
	}
	for _, s := range r.said {
		if s.Expires.After(at) {
			f.Until = earlier(f.Until, s.Expires)
		}
	}
	if limit := r.said[thimble.SensitiveBeyond]; limit.State == consent.Refused || limit.State == consent.Withdrawn {
		return Judge(q, limited{w.law}, f, at)
	}
	return Judge(q, w.law, f, at)
}

func TestAWordOnANarrowScopeNarrowsAndOnlyAYesOfItsOwnWidens(t *testing.T) {
	seq := int64(0)
	say := func(s Scope, state consent.State) consent.Standing { // each later than the one before
		seq++
		return consent.Standing{Purpose: thimble.PersonalizeContent, Scope: s.reach(), State: state, Seq: seq}
	}
	north, mail, both := Scope{Brand: "north"}, Scope{Channel: "mail"}, Scope{Brand: "north", Channel: "mail"}
	for name, c := range map[string]struct {
		said []consent.Standing
		use  Scope
		want consent.State
	}{
		"nothing said":                           {nil, north, ""},
		"a wide yes reaches a brand":             {[]consent.Standing{say(Scope{}, consent.Given)}, north, consent.Given},
		"a wide no reaches a brand":              {[]consent.Standing{say(Scope{}, consent.Refused)}, north, consent.Refused},
		"a no for a brand narrows a yes":         {[]consent.Standing{say(Scope{}, consent.Given), say(north, consent.Withdrawn)}, north, consent.Withdrawn},
		"and leaves the others alone":            {[]consent.Standing{say(Scope{}, consent.Given), say(north, consent.Withdrawn)}, Scope{Brand: "south"}, consent.Given},
		"a yes of its own":                       {[]consent.Standing{say(Scope{}, consent.Refused), say(north, consent.Given)}, north, consent.Given},
		"is only its own":                        {[]consent.Standing{say(Scope{}, consent.Refused), say(north, consent.Given)}, Scope{}, consent.Refused},
		"a brand's yes and a channel's no":       {[]consent.Standing{say(north, consent.Given), say(mail, consent.Refused)}, both, consent.Refused},
		"a channel's no and a brand's yes":       {[]consent.Standing{say(mail, consent.Refused), say(north, consent.Given)}, both, consent.Refused},
		"unless both are named":                  {[]consent.Standing{say(mail, consent.Refused), say(north, consent.Given), say(both, consent.Given)}, both, consent.Given},
		"a yes for a brand is none for the shop": {[]consent.Standing{say(north, consent.Given)}, Scope{}, ""},
	} {
		if got := stand(c.said, ask{thimble.PersonalizeContent, c.use}, now); got.State != c.want {
			t.Errorf("%s: %q, want %q", name, got.State, c.want)
		}
	}
}

func TestAVerdictTakesNoMemory(t *testing.T) {
	w := newWorld(pack(t))
	w.says(ada, given(thimble.TrainAISystem))
	g := w.gate(NewMoves(), nil)
	r, ctx := asking(ada, thimble.TrainAISystem), t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = g.Decide(ctx, r) }); n != 0 && !raced {
		t.Errorf("a verdict makes %v allocations, want none", n)
	}
}

// TestStrangersCannotFillTheTables: requests whose words come from outside are
// judged all the same, and kept nowhere.
func TestStrangersCannotFillTheTables(t *testing.T) {
	w := newWorld(pack(t))
	w.says(ada, given(thimble.PersonalizeContent))
	g := w.gate(NewMoves(), nil)
	for i := range 2 * learned {
		r := asking(ada, thimble.Purpose(fmt.Sprintf("personalize.%d", i)))
		if v, err := g.Decide(t.Context(), r); err != nil || v.Allowed {
			t.Fatalf("%s: %+v, %v", r.Purpose, v, err)
		}
	}
	if v, err := g.Decide(t.Context(), asking(ada, thimble.PersonalizeContent)); err != nil || !v.Allowed {
		t.Errorf("what the person permits: %+v, %v", v, err)
	}
	if n := len(*g.tables.at(0).row.Load()); n > learned {
		t.Errorf("the table learned %d uses, at most %d were expected", n, learned)
	}
}

func TestStatesAreBoundedAndTheOnesLeftOutAreStillJudged(t *testing.T) {
	w := newWorld(pack(t))
	m := NewMoves()
	m.limit = 100
	g := w.gate(m, nil)
	for i := range 1000 {
		who := thimble.SubjectID{byte(i), byte(i >> 8), 8: byte(i), 9: 1}
		w.says(who, given(thimble.TrainAISystem))
		if v, err := g.Decide(t.Context(), asking(who, thimble.TrainAISystem)); err != nil || !v.Allowed {
			t.Fatal(v, err)
		}
	}
	if n := m.held.Load(); n > m.limit {
		t.Errorf("%d states are held, at most %d were expected", n, m.limit)
	}
}

// BenchmarkVerdict is a verdict per field: the compiled one, and beside it the
// naive way, which asks the law and the facts each time (its facts are at hand).
func BenchmarkVerdict(b *testing.B) {
	w := newWorld(pack(b))
	w.says(ada, given(thimble.TrainAISystem))
	g, r, ctx := w.gate(NewMoves(), nil), asking(ada, thimble.TrainAISystem), context.Background()
	if v, err := g.Decide(ctx, r); err != nil || !v.Allowed {
		b.Fatal(v, err)
	}
	naiveNS := perOp(200_000, func() { naiveWay(b, w, g, r) })
	b.ReportAllocs()
	began := cpuTime()
	for b.Loop() {
		if v, _ := g.Decide(ctx, r); !v.Allowed {
			b.Fatal(v.Why)
		}
	}
	ns := float64(cpuTime()-began) / float64(b.N)
	b.ReportMetric(ns, "cpu-ns/op")
	b.ReportMetric(1e3/ns, "Mverdicts/core-s")
	b.ReportMetric(naiveNS, "naive-cpu-ns/op")
	b.ReportMetric(naiveNS/ns, "x-naive")
}

// cpuTime is what the process has computed so far: other work on the machine does
// not enter it.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func naiveWay(b *testing.B, w *world, g *Gate, r Request) {
	ctx := context.Background()
	at, silent := time.Now(), w.Silent(ctx)
	d, err := g.read(ctx, r.Subject, at)
	if err != nil {
		b.Fatal(err)
	}
	f := Facts{Known: true, Epoch: d.person.Epoch(), Members: d.person.IDs(), Silent: silent, Standing: d.answer(ask{r.Purpose, r.Scope}, at)}
	v := Judge(r, d.law, f, at)
	if !v.Allowed {
		b.Fatal(v.Why)
	}
}

func perOp(n int, f func()) float64 {
	began := cpuTime()
	for range n {
		f()
	}
	return float64(cpuTime()-began) / float64(n)
}

// BenchmarkStatesOfAMillionPeople prints what the compiled states of a million
// people take.
func BenchmarkStatesOfAMillionPeople(b *testing.B) {
	const people = 1_000_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m, r := NewMoves(), rand.New(rand.NewPCG(1, 1))
		for i := range people {
			var who thimble.SubjectID
			for j := range who {
				who[j] = byte(r.Uint32())
			}
			m.keep(who, state{epoch: int64(i), flags: isKnown}, 0)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		bytes := float64(after.HeapAlloc - before.HeapAlloc)
		b.ReportMetric(bytes/people, "B/subject")
		b.ReportMetric(bytes/(1<<20), "MiB/1M-subjects")
		runtime.KeepAlive(m)
	}
}
