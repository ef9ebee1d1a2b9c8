package cases

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/policy"
)

var day = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// month is a law for tests of the machine: thirty days, and thirty more if told in time.
func month(_ Kind, _ bool, from time.Time, h policy.History) (Due, error) {
	d := Due{By: from.AddDate(0, 0, 30), Rule: "thirty days"}
	for _, s := range h.Stops {
		if s.Until.IsZero() {
			d.Paused = true
			continue
		}
		d.By = d.By.Add(s.Until.Sub(s.From))
	}
	switch {
	case h.Told.IsZero():
	case h.Told.Before(d.By):
		d.By, d.Extended = d.By.AddDate(0, 0, 30), true
	default:
		d.Void = []string{"told too late"}
	}
	return d, nil
}

// in makes a case of a kind that is in a state, with all that makes things possible.
func in(s State, k Kind) Case {
	c, err := Open(k, Centre, nil, day, month)
	if err != nil {
		panic(err)
	}
	c.State = s
	if s != Awaiting && s != Received {
		c.Proof = Session
	}
	if s == Executing || s == Waiting {
		c.Tasks = 1
	}
	if (s == Executing || s == Waiting) && k.nature().Verb == Executed {
		c.Work = []Work{{Ref: "req_1"}}
	}
	if s.Final() {
		c.Closed = day
	}
	return c
}

// full is an event with all that it needs.
func full(w What, c Case) Event {
	e := Event{What: w, At: day.Add(time.Hour), By: TheStaff, Staff: "zoe", Said: true, To: "max", Proof: Session}
	switch w {
	case Accepted:
		if c.Kind.nature().Verb == Executed {
			e.Work = []Work{{Ref: "req_1"}}
		}
	case Completed, Awaited:
		e.Work = []Work{{Ref: "req_1", Done: true}}
		if w == Awaited {
			e.Waits = Standing{Open: 1}
		}
	case Heard:
		e.Tasks = []Task{{Ref: "tsk_1", System: "sys_1", State: "told"}}
	case InPart:
		e.Part, e.Waits = NoAnswer, Standing{Open: 1, Late: 1}
	case Declined:
		if g := c.Grounds(); len(g) > 0 {
			e.Ground = g[0]
		}
	case WasUpheld, Overturned:
		e.Staff = "max" // zoe refused
	case Expired:
		e.At = day.Add(Patience)
	}
	return e
}

// The whole machine: of every state and every event, what follows. What is not here
// cannot happen.
func TestEveryEventInEveryStateDoesWhatTheTableSays(t *testing.T) {
	want := map[State]map[What]State{
		Received: {Asked: Awaiting, Proved: Received, Permitted: Received, Questioned: Clarify, Prolonged: Received, Accepted: Executing, Declined: Refused,
			Withdrawn: Revoked, Gone: Lapsed, Handed: Received, Told: Received},
		Awaiting: {Proved: Received, Permitted: Awaiting, Prolonged: Awaiting, Declined: Refused, Withdrawn: Revoked, Expired: Lapsed, Gone: Lapsed, Handed: Awaiting, Told: Awaiting},
		Clarify:  {Permitted: Clarify, Replied: Received, Prolonged: Clarify, Withdrawn: Revoked, Expired: Lapsed, Gone: Lapsed, Handed: Clarify, Told: Clarify},
		Executing: {Prolonged: Executing, Completed: Fulfilled, Awaited: Waiting, Heard: Executing, Returned: Received, Gone: Lapsed, Handed: Executing,
			Withdrawn: Revoked, Told: Executing},
		Waiting:  {Prolonged: Waiting, Heard: Waiting, AllAnswered: Fulfilled, InPart: Fulfilled, Gone: Lapsed, Handed: Waiting, Told: Waiting},
		Appealed: {Prolonged: Appealed, WasUpheld: Upheld, Overturned: Received, Withdrawn: Revoked, Gone: Lapsed, Handed: Appealed, Told: Appealed},
		Refused:  {WasAppealed: Appealed},
		// Nothing leaves these.
		Fulfilled: {}, Upheld: {}, Revoked: {}, Lapsed: {},
	}
	seen := 0
	for _, s := range States() {
		for _, w := range Whats() {
			c := in(s, Rectify) // answered by a person, so that nothing else is in the way
			if w == Accepted {
				c.Proof = Session
			}
			if w == Permitted {
				c.Via = Agent
			}
			before := fmt.Sprintf("%+v", c)
			got, err := c.Next(full(w, c), month)
			next, can := want[s][w]
			switch {
			case can && (err != nil || got.State != next || got.Steps != c.Steps+1):
				t.Errorf("%s after %s: %s, %v, want %s", w, s, got.State, err, next)
			case !can && !errors.Is(err, thimble.ErrConflict):
				t.Errorf("%s after %s: %s, %v, want a conflict", w, s, got.State, err)
			case fmt.Sprintf("%+v", c) != before:
				t.Errorf("%s after %s changed the case it began with", w, s)
			}
			seen++
		}
	}
	if seen != len(States())*len(Whats()) || len(want) != len(States()) {
		t.Errorf("%d of the machine's cells were tried", seen)
	}
}

func TestWhatAnEventLacksIsSaidAndNothingHappens(t *testing.T) {
	later := func(c Case, f func(*Case)) Case { f(&c); return c }
	for name, try := range map[string]struct {
		c    Case
		e    Event
		kind error
	}{
		"identity of who opts out":            {in(Received, Sale), Event{What: Asked}, thimble.ErrInvalid},
		"identity that was shown":             {later(in(Received, Access), func(c *Case) { c.Proof = Session }), Event{What: Asked}, thimble.ErrInvalid},
		"a passport as proof":                 {in(Awaiting, Access), Event{What: Proved, Proof: "passport"}, thimble.ErrInvalid},
		"a start before it is shown who asks": {in(Received, Access), Event{What: Accepted}, thimble.ErrConflict},
		"a start without the agent's permission": {later(in(Received, Rectify), func(c *Case) { c.Via, c.Proof = Agent, Compared }),
			Event{What: Accepted}, thimble.ErrConflict},
		"a start while it cools": {later(in(Received, Rectify), func(c *Case) { c.Proof, c.Cools = Session, day.Add(2*time.Hour) }),
			Event{What: Accepted, At: day.Add(time.Hour)}, thimble.ErrConflict},
		"a start of nothing":           {later(in(Received, Erase), func(c *Case) { c.Proof = Session }), Event{What: Accepted}, thimble.ErrInvalid},
		"an erasure that is not done":  {in(Executing, Erase), Event{What: Completed, Work: []Work{{Ref: "req_1"}}}, thimble.ErrConflict},
		"an erasure by something else": {in(Executing, Erase), Event{What: Completed, Work: []Work{{Ref: "req_2", Done: true}}}, thimble.ErrConflict},
		"an erasure by nothing":        {in(Executing, Erase), Event{What: Completed}, thimble.ErrConflict},
		"an erasure that is done, while a system has not answered": {in(Executing, Erase),
			Event{What: Completed, Work: []Work{{Ref: "req_1", Done: true}}, Waits: Standing{Open: 1}}, thimble.ErrConflict},
		"a wait for nobody":                   {in(Executing, Erase), Event{What: Awaited, Work: []Work{{Ref: "req_1", Done: true}}}, thimble.ErrConflict},
		"a wait before it is done here":       {in(Executing, Erase), Event{What: Awaited, Work: []Work{{Ref: "req_1"}}, Waits: Standing{Open: 1}}, thimble.ErrConflict},
		"an erasure that waits, lapsed":       {in(Waiting, Erase), Event{What: Gone}, thimble.ErrConflict},
		"answers that are not all there":      {in(Waiting, Erase), Event{What: AllAnswered, Waits: Standing{Open: 1, Late: 1}}, thimble.ErrConflict},
		"in part, while one may still answer": {in(Waiting, Erase), Event{What: InPart, Staff: "zoe", Part: NoAnswer, Waits: Standing{Open: 2, Late: 1}}, thimble.ErrConflict},
		"in part, when all have answered":     {in(Waiting, Erase), Event{What: InPart, Staff: "zoe", Part: NoAnswer}, thimble.ErrConflict},
		"in part, for a reason that is none":  {in(Waiting, Erase), Event{What: InPart, Staff: "zoe", Part: "bored", Waits: Standing{Open: 1, Late: 1}}, thimble.ErrInvalid},
		"in part, by nobody":                  {in(Waiting, Erase), Event{What: InPart, Part: NoAnswer, Waits: Standing{Open: 1, Late: 1}}, thimble.ErrInvalid},
		"news of no task":                     {in(Waiting, Erase), Event{What: Heard}, thimble.ErrInvalid},
		"news where nobody takes part":        {later(in(Waiting, Erase), func(c *Case) { c.Tasks = 0 }), full(Heard, in(Waiting, Erase)), thimble.ErrConflict},
		"an archive nobody opened":            {in(Executing, Access), Event{What: Completed}, thimble.ErrConflict},
		"a review nobody answered":            {in(Executing, Review), Event{What: Completed, Work: []Work{{Ref: "con_1"}}}, thimble.ErrConflict},
		"an answer without words":             {in(Executing, Complain), Event{What: Completed}, thimble.ErrInvalid},
		"a refusal without words":             {in(Received, Erase), Event{What: Declined, Ground: Unfounded}, thimble.ErrInvalid},
		"a refusal without a ground":          {in(Received, Erase), Event{What: Declined, Said: true}, thimble.ErrInvalid},
		"an opt-out that is unfounded":        {in(Received, Sale), Event{What: Declined, Said: true, Ground: Unfounded}, thimble.ErrInvalid},
		"a person who showed who they are": {later(in(Received, Erase), func(c *Case) { c.Proof = Session }),
			Event{What: Declined, Said: true, Ground: Unproved}, thimble.ErrInvalid},
		"a ground in substance before it is known who asks": {in(Awaiting, Erase), Event{What: Declined, Said: true, Ground: Claims}, thimble.ErrInvalid},
		"an erasure that runs, taken back":                  {in(Executing, Erase), Event{What: Withdrawn}, thimble.ErrConflict},
		"an erasure that runs, lapsed":                      {in(Executing, Erase), Event{What: Gone}, thimble.ErrConflict},
		"a wait that was too short":                         {in(Awaiting, Erase), Event{What: Expired, At: day.Add(Patience - time.Second)}, thimble.ErrConflict},
		"an appeal decided by who refused": {later(in(Appealed, Erase), func(c *Case) { c.Refuser = "zoe" }),
			Event{What: Overturned, Said: true, Staff: "zoe"}, thimble.ErrDenied},
		"an appeal decided by nobody":     {in(Appealed, Erase), Event{What: WasUpheld, Said: true}, thimble.ErrDenied},
		"a second appeal":                 {later(in(Refused, Erase), func(c *Case) { c.Appeal = true }), Event{What: WasAppealed, Said: true}, thimble.ErrConflict},
		"an extension without words":      {in(Received, Erase), Event{What: Prolonged}, thimble.ErrInvalid},
		"an extension of what lies ready": {later(in(Executing, Access), func(c *Case) { c.Ready = day }), Event{What: Prolonged, Said: true}, thimble.ErrConflict},
		"a second extension":              {later(in(Received, Erase), func(c *Case) { c.Extended = true }), Event{What: Prolonged, Said: true}, thimble.ErrConflict},
		"handed to nobody":                {in(Received, Erase), Event{What: Handed}, thimble.ErrInvalid},
	} {
		got, err := try.c.Next(try.e, month)
		if !errors.Is(err, try.kind) {
			t.Errorf("%s: %v, want kind %v", name, err, try.kind)
		}
		if got.State != try.c.State || got.Steps != try.c.Steps {
			t.Errorf("%s: the case is %s after %d steps, want it as it was", name, got.State, got.Steps)
		}
	}
}

// A walk is a case that things happen to, in any order, by a clock that jumps.
type walk struct {
	c         Case
	at        time.Time
	done      bool // what was asked for was done
	fulfilled bool
	appeals   int
}

func (w *walk) step(t *rapid.T) {
	before := w.c
	w.at = w.at.Add(time.Duration(rapid.Int64Range(-40*24, 40*24).Draw(t, "hours")) * time.Hour)
	e := Event{What: rapid.SampledFrom(Whats()).Draw(t, "what"), At: w.at, Said: rapid.Bool().Draw(t, "said"), To: "max",
		Staff: rapid.SampledFrom([]string{"", "zoe", "max"}).Draw(t, "staff"), Proof: rapid.SampledFrom(append(Proofs(), "", "passport")).Draw(t, "proof")}
	if grounds := Reasons(); e.What == Declined {
		e.Ground = rapid.SampledFrom(grounds).Draw(t, "ground").Ground
	}
	if rapid.Bool().Draw(t, "work") {
		e.Work = []Work{{Ref: "req_1", Done: rapid.Bool().Draw(t, "done")}}
	}
	e.Waits.Open = rapid.IntRange(0, 2).Draw(t, "open")
	e.Waits.Late = rapid.IntRange(0, e.Waits.Open).Draw(t, "late")
	if rapid.Bool().Draw(t, "systems") {
		e.Tasks, e.Part = []Task{{Ref: "tsk_1", State: "told"}}, SystemGone
	}
	if rapid.IntRange(0, 2).Draw(t, "helped") > 0 { // what can happen, with all that it needs
		ways := []What{Proved, Permitted, Accepted, Accepted, Accepted, Completed, Awaited, Awaited, Awaited, AllAnswered, InPart, Declined, WasAppealed, WasUpheld, Overturned, Replied, Questioned}
		if rapid.Bool().Draw(t, "anything") {
			ways = Whats()
		}
		can := slices.DeleteFunc(ways, func(x What) bool { return !before.May(x) })
		if len(can) == 0 {
			return
		}
		e = full(rapid.SampledFrom(can).Draw(t, "can"), before)
		e.At = w.at
		if e.What == Accepted && rapid.IntRange(0, 3).Draw(t, "fans out") > 0 {
			e.Tasks = []Task{{Ref: "tsk_1", System: "sys_1", State: "to_be_told"}}
		}
	}
	c, err := before.Next(e, month)
	if err != nil {
		return
	}
	w.c = c
	w.check(t, before, e)
}

func (w *walk) check(t *rapid.T, before Case, e Event) {
	c := w.c
	nature := c.Kind.nature()
	switch {
	case before.State.Final() && !(before.State == Refused && c.State == Appealed):
		t.Fatalf("%s left %s for %s", e.What, before.State, c.State)
	case c.State == Fulfilled && before.State != Executing && before.State != Waiting:
		t.Fatalf("fulfilled out of %s", before.State)
	case c.State == Fulfilled && e.Waits.Open > 0 && c.Part == "":
		t.Fatal("fulfilled as a whole while a system has not answered")
	case c.State == Waiting && c.Tasks == 0:
		t.Fatal("it waits for nobody")
	case (c.State == Fulfilled || c.State == Waiting) && nature.Verb != Answered && !c.Work[0].Done:
		t.Fatal("fulfilled with nothing done")
	case c.State == Executing && !nature.Open && c.Proof == "":
		t.Fatal("executed without knowing who asks")
	case nature.Open && (c.State == Awaiting || c.Proof != ""):
		t.Fatalf("%s: identity was asked of somebody who need not show it", c.Kind)
	case c.Last.Before(before.Last) || c.State.Final() && c.Closed.Before(c.At):
		t.Fatalf("a step of %s follows one of %s", c.Last, before.Last)
	case before.Extended && !c.Extended && !slices.Contains([]What{WasAppealed, Overturned}, e.What) && !c.State.Final():
		t.Fatalf("%s voided an extension that was given in time", e.What)
	case !before.Extended && c.Extended && !e.At.Before(before.Due) && !before.Paused && !c.Last.Before(before.Due):
		t.Fatalf("an extension of %s counts, and the date was %s", c.Last, before.Due)
	case before.Kind != c.Kind || before.At != c.At || before.Subject != c.Subject:
		t.Fatal("what was asked for changed")
	}
	if e.What == WasAppealed {
		w.appeals++
	}
	if w.appeals > 1 {
		t.Fatal("it was appealed twice")
	}
}

func TestNoPathLeadsWhereItMayNot(t *testing.T) {
	reached := map[State]bool{}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(Natures()).Draw(t, "kind").Kind
		c, err := Open(k, rapid.SampledFrom(Vias()).Draw(t, "via"), nil, day, month)
		if err != nil {
			t.Fatal(err)
		}
		w := &walk{c: c, at: day}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.step(t)
			reached[w.c.State] = true
		}
	})
	for _, s := range States() {
		if !reached[s] {
			t.Errorf("no path led to %s: the test tries too little", s)
		}
	}
}

func TestAClockThatJumpsBackReopensNothingAndVoidsNothing(t *testing.T) {
	c := in(Received, Erase)
	c.Proof = Session
	extended, err := c.Next(Event{What: Prolonged, At: day.AddDate(0, 0, 29), Said: true}, month)
	if err != nil || !extended.Extended || !extended.Due.Equal(day.AddDate(0, 0, 60)) {
		t.Fatalf("an extension in time: %v, due %s, %v", extended.Extended, extended.Due, err)
	}
	back := day.AddDate(-1, 0, 0)
	asked, err := extended.Next(Event{What: Questioned, At: back, Said: true}, month)
	if err != nil {
		t.Fatal(err)
	}
	replied, err := asked.Next(Event{What: Replied, At: back, Said: true}, month)
	if err != nil || !replied.Extended || !replied.Due.Equal(extended.Due) {
		t.Errorf("after the jump: extended %v, due %s, want the date as it was, %s (%v)", replied.Extended, replied.Due, extended.Due, err)
	}
	refused, err := replied.Next(Event{What: Declined, At: back, Said: true, Ground: Claims, Staff: "zoe"}, month)
	if err != nil || !refused.Closed.Equal(extended.Last) {
		t.Errorf("closed at %s, want no time before the step that went before, %s (%v)", refused.Closed, extended.Last, err)
	}
	if refused.Overdue(day.AddDate(5, 0, 0)) {
		t.Error("a case that is closed is overdue")
	}
}

func TestALateExtensionIsVoidAndSaysSo(t *testing.T) {
	c := in(Received, Erase)
	late, err := c.Next(Event{What: Prolonged, At: day.AddDate(0, 0, 30), Said: true}, month)
	if err != nil {
		t.Fatal(err)
	}
	if late.Extended || !late.Due.Equal(c.Due) || len(late.Void) != 1 || !late.Told.IsZero() {
		t.Errorf("got extended %v, due %s, void %q, want the date %s to stand", late.Extended, late.Due, late.Void, c.Due)
	}
	if s := StepOf(late, Event{What: Prolonged}); len(s.Void) != 1 {
		t.Errorf("the step does not say that it is void: %+v", s)
	}
}

func TestEveryKindHasALawAWordAndAWayToBeFulfilled(t *testing.T) {
	for _, n := range Natures() {
		if n.Words == "" || n.Law == "" || n.Verb == "" {
			t.Errorf("%s: %+v", n.Kind, n)
		}
		ends, err := n.Kind.Ends("")
		if named := n.Kind == Object || n.Kind == Withdraw; named != (err != nil) {
			t.Errorf("%s without a purpose: %v, %v", n.Kind, ends, err)
		}
		if n.Verb == Executed && len(ends) == 0 && !slices.Contains([]Kind{Erase, Restrict, Lift, Object, Withdraw}, n.Kind) {
			t.Errorf("%s ends nothing", n.Kind)
		}
		if n.Absolute && !n.Open {
			t.Errorf("%s cannot be refused, and asks who it is", n.Kind)
		}
	}
	if _, err := Object.Ends(thimble.EssentialService); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("an objection to the contract: %v", err)
	}
	if _, err := Erase.Ends(thimble.TrainAISystem); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("an erasure against a purpose: %v", err)
	}
	if _, err := Open("dance", Centre, nil, day, month); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a kind that there is not: %v", err)
	}
	if _, err := Open(Access, "pigeon", nil, day, month); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a way that there is not: %v", err)
	}
}
