package consentdb_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/holdertest"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A desk is a store with a clock that a test turns.
type desk struct {
	*holdertest.Kernel
	*consentdb.Store
	t  *testing.T
	mu sync.Mutex
	at time.Time
}

func desks(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Helper()
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d := &desk{Kernel: k, t: t, at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
		d.Store = consentdb.New(k.Core, k.Ledger, k.Vault, k.Subjects, k.Pack, d.now)
		f(t, d)
	})
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) later(years, months, days int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.AddDate(years, months, days)
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) says(who thimble.SubjectID, how consentdb.How, choices ...consent.Choice) []consentdb.Recorded {
	d.t.Helper()
	all, err := d.Store.Record(d.t.Context(), who, choices, how)
	d.ok(err)
	return all
}

func (d *desk) state(who thimble.SubjectID, q consent.Scope) consent.State {
	d.t.Helper()
	st, err := d.StandingFor(d.t.Context(), who, thimble.TrainAISystem, q)
	d.ok(err)
	return st.Now(d.now())
}

// question is the one about learning, or about a part of it.
func (d *desk) question(who thimble.SubjectID, part consent.Scope) consent.Question {
	d.t.Helper()
	all, err := d.Questions(d.t.Context(), who)
	d.ok(err)
	for _, q := range all {
		if q.Ask.Purpose == thimble.TrainAISystem && q.Part.Scope == part {
			return q
		}
	}
	d.t.Fatalf("nobody asks about %q", part)
	return consent.Question{}
}

func (d *desk) events(who thimble.SubjectID) (n int) {
	d.t.Helper()
	d.ok(d.Core.Read(d.t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(d.t.Context(), `select count(*) from consent_events where subject_id = $1`, who).Scan(&n)
	}))
	return n
}

func learn(s consent.State) consent.Choice {
	return consent.Choice{Purpose: thimble.TrainAISystem, State: s}
}

// privacy.md, case 3: two devices, of which one was offline.
func TestAYesThatArrivesLateDoesNotUndoALaterNo(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		d.says(ada, how, learn(consent.Given))
		d.says(ada, how, learn(consent.Withdrawn))
		for name, ago := range map[string]time.Duration{"a millisecond before the no": time.Millisecond, "at the same instant": 0} {
			late := how
			late.Since = d.now().Add(-ago)
			if _, err := d.Record(t.Context(), ada, []consent.Choice{learn(consent.Given)}, late); !errors.Is(err, thimble.ErrConflict) {
				t.Errorf("a yes made %s: %v, want a conflict", name, err)
			}
		}
		if got := d.state(ada, consent.Scope{}); got != consent.Withdrawn {
			t.Errorf("the state is %q, want withdrawn", got)
		}
		d.later(0, 0, 1)
		after := how
		after.Since = d.now().Add(-time.Hour)
		d.says(ada, after, learn(consent.Given)) // made after the no, and so a change of mind
	})
}

// privacy.md, case 4: a clock outside orders nothing, and a clock from tomorrow gives
// a consent no day more.
func TestAClockOutsideMakesAConsentNeitherLaterNorLonger(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		ahead := how
		ahead.Since = d.now().AddDate(0, 0, 1)
		r := d.says(ada, ahead, learn(consent.Given))
		if e := r[0].Event; !e.At.Equal(d.now()) || !e.Expires.Equal(d.now().Add(consent.Lives)) {
			t.Errorf("recorded at %s until %s", e.At, e.Expires)
		}
		d.says(ada, how, learn(consent.Withdrawn))
		if got := d.state(ada, consent.Scope{}); got != consent.Withdrawn {
			t.Errorf("a no after a yes from tomorrow leaves %q", got)
		}
	})
}

// privacy.md, case 5: a withdrawal while an export is running.
func TestAnExportShowsOneInstantOfTheChoices(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		d.says(ada, how, learn(consent.Given))
		d.ok(d.Core.Snapshot(t.Context(), func(at context.Context) error {
			d.says(ada, how, learn(consent.Withdrawn))
			var states []consent.State
			for datum, err := range d.Export(at, ada) {
				d.ok(err)
				states = append(states, datum.Value.(consent.Event).State)
			}
			st, err := d.Standing(at, ada, thimble.TrainAISystem)
			if !slices.Equal(states, []consent.State{consent.Given}) || st.State != consent.Given {
				t.Errorf("the export has %v beside the state %q, want what was so when it began", states, st.State)
			}
			return err
		}))
		if got := d.state(ada, consent.Scope{}); got != consent.Withdrawn {
			t.Errorf("after the export the state is %q", got)
		}
	})
}

// privacy.md, case 6.
func TestAChoiceThatIsSentTwiceIsOne(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		once := func(key string, choices ...consent.Choice) []consentdb.Recorded {
			t.Helper()
			all, err := d.RecordOnce(t.Context(), ada, choices, how, key)
			d.ok(err)
			return all
		}
		first := once("", learn(consent.Given))
		if again := once("", learn(consent.Given)); again[0].Event.Seq != first[0].Event.Seq || again[0].Event.State != consent.Given || d.events(ada) != 1 {
			t.Errorf("sent twice: %+v, %d events", again[0].Event, d.events(ada))
		}
		once("", learn(consent.Withdrawn))
		if back := once("", learn(consent.Given)); back[0].Event.Seq != 3 || d.state(ada, consent.Scope{}) != consent.Given {
			t.Errorf("a yes after a no is taken for the first: %+v", back[0].Event)
		}
		keyed := once("k1", learn(consent.Withdrawn))
		once("", learn(consent.Given))
		if again := once("k1", learn(consent.Withdrawn)); again[0].Event.Seq != keyed[0].Event.Seq || d.state(ada, consent.Scope{}) != consent.Given {
			t.Errorf("a repeated request with a key was done again: %+v", again[0].Event)
		}
		if _, err := d.RecordOnce(t.Context(), ada, []consent.Choice{learn(consent.Given)}, how, "k1"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("another choice under the key: %v, want a conflict", err)
		}
		n := d.events(ada)
		d.later(0, 0, 2)
		if once("", learn(consent.Given)); d.events(ada) != n+1 {
			t.Error("after two days a yes does not renew the yes")
		}
	})
}

func TestAChoiceThatIsSentByTwoAtOnceIsOne(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		var work sync.WaitGroup
		seqs := make([]int64, 6)
		for i := range seqs {
			work.Go(func() {
				all, err := d.RecordOnce(context.Background(), ada, []consent.Choice{learn(consent.Refused)}, how, "")
				if err != nil {
					t.Error(err)
					return
				}
				seqs[i] = all[0].Event.Seq
			})
		}
		work.Wait()
		if d.events(ada) != 1 || slices.Max(seqs) != 1 || slices.Min(seqs) != 1 {
			t.Errorf("%d events, answers %v, want one", d.events(ada), seqs)
		}
	})
}

func TestWhatWasSentGoesWithThePerson(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		_, err := d.RecordOnce(t.Context(), ada, []consent.Choice{learn(consent.Given)}, how, "k")
		d.ok(err)
		_, err = d.Erase(t.Context(), ada)
		d.ok(err)
		_, err = d.Subjects.Erase(t.Context(), ada)
		d.ok(err)
		for _, table := range []string{"consent_state", "consent_replays"} {
			var n int
			d.ok(d.Core.Read(t.Context(), func(tx *sqldb.Tx) error { return tx.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n) }))
			if n != 0 {
				t.Errorf("%d rows stay in %s", n, table)
			}
		}
		if _, err := d.RecordOnce(t.Context(), ada, []consent.Choice{learn(consent.Given)}, how, "k"); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the yes sent again after the erasure: %v, want denied", err)
		}
		if all, err := d.RecordOnce(t.Context(), ada, []consent.Choice{learn(consent.Withdrawn)}, how, ""); err != nil || len(all) != 0 {
			t.Errorf("a no after the erasure: %v, %v, want it accepted and nothing written", all, err)
		}
	})
}

// under is how somebody chooses under a notice that covers other categories or
// recipients than the one in force.
func under(version string, categories []thimble.Category, recipients ...string) consentdb.How {
	h := how
	h.Notice.Text += version
	h.Notice.Version = version
	h.Notice.Matrix = consent.Matrix{{Purpose: thimble.TrainAISystem, Categories: categories, Recipients: recipients}}
	return h
}

// privacy.md, case 13.
func TestOnlyAGrownNoticeIsAskedAboutAgain(t *testing.T) {
	ask, _ := consent.AskOf(thimble.TrainAISystem)
	bought := ask.Categories
	desks(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			name string
			how  consentdb.How
			grew bool
		}{
			{"the same notice", how, false},
			{"one that covered as much", under("v1", bought), false},
			{"one that covered a recipient more", under("v2", bought, "a carrier"), false},
			{"one that covered less", under("v3", []thimble.Category{thimble.Country}), true},
			{"one of which nothing is known", under("v4", nil), true},
		} {
			ada := d.Person(t)
			r := d.says(ada, c.how, learn(consent.Given))
			d.later(0, 1, 0)
			if q := d.question(ada, consent.Scope{}); q.Grew != c.grew || q.May != c.grew || !q.Standing.Now(d.now()).Permits() {
				t.Errorf("under %s: grew %t, may ask %t, %s", c.name, q.Grew, q.May, q.Standing.State)
			}
			m, err := d.Matrix(t.Context(), r[0].Event.Notice.SHA256)
			d.ok(err)
			if got := m.Covers(thimble.TrainAISystem, thimble.PurchaseHistory, ""); got == c.grew {
				t.Errorf("under %s: the yes covers purchases %t", c.name, got)
			}
		}
	})
}

// privacy.md, case 16: unknown is not given, and not permitted to be asked sooner.
func TestWhatIsNotKnownIsTakenAsTheStricter(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		places := map[thimble.SubjectID]string{}
		d.Residences(func(_ context.Context, who thimble.SubjectID) (string, error) { return places[who], nil })
		for place, months := range map[string]int{"": 12, "US": 12, "US-CA": 12, "FR": 6} {
			ada := d.Person(t)
			places[ada] = place
			if q := d.question(ada, consent.Scope{}); q.Standing.Now(d.now()).Permits() || !q.May {
				t.Errorf("%q, never asked: %+v", place, q)
			}
			d.says(ada, how, learn(consent.Refused))
			if q := d.question(ada, consent.Scope{}); q.May || !q.From.Equal(d.now().AddDate(0, months, 0)) {
				t.Errorf("%q: asked again from %s, want %d months from now", place, q.From, months)
			}
		}
	})
}

func TestPuttingItOffIsRestAndNoYes(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		d.Residences(func(context.Context, thimble.SubjectID) (string, error) { return "FR", nil })
		ada := d.Person(t)
		d.says(ada, how, learn(consent.Deferred))
		if q := d.question(ada, consent.Scope{}); q.May || q.Standing.Now(d.now()).Permits() {
			t.Errorf("put off: %+v", q)
		}
		d.later(0, 6, 0)
		if q := d.question(ada, consent.Scope{}); !q.May {
			t.Error("nobody may ask after six months")
		}
	})
}

func TestAPartIsLeftOutWhileTheRestIsAllowed(t *testing.T) {
	returns := consent.Scope{Signal: consent.Returns}
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		d.says(ada, how, learn(consent.Given), consent.Choice{Purpose: thimble.TrainAISystem, Scope: returns, State: consent.Refused})
		if d.state(ada, consent.Scope{}) != consent.Given || d.state(ada, returns) != consent.Refused {
			t.Errorf("everything: %q, returns: %q", d.state(ada, consent.Scope{}), d.state(ada, returns))
		}
		d.says(ada, how, learn(consent.Given))
		if d.state(ada, returns) != consent.Refused {
			t.Error("a renewed yes to everything took the part in again")
		}
		scopes, err := d.Scopes(t.Context(), ada, thimble.TrainAISystem)
		d.ok(err)
		if !slices.Equal(scopes, []consent.Scope{returns}) {
			t.Errorf("scopes %v", scopes)
		}
		if q := d.question(ada, returns); q.May || !q.Standing.Now(d.now()).Refuses() {
			t.Errorf("the part: %+v", q)
		}
	})
}

// privacy.md, case 14.
func TestAnIncentiveIsRecordedWithTheYesAndNotWithTheNo(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		offered := how
		offered.Incentive = &consent.Incentive{ID: "ten-percent", Terms: how.Notice.Ref().SHA256, ValueMinor: 500, Currency: "EUR"}
		ada, bob := d.Person(t), d.Person(t)
		if r := d.says(ada, offered, learn(consent.Given)); r[0].Event.Incentive == nil || r[0].Event.Incentive.ID != "ten-percent" {
			t.Errorf("the yes says %+v", r[0].Event.Incentive)
		}
		if r := d.says(bob, offered, learn(consent.Refused)); r[0].Event.Incentive != nil {
			t.Errorf("the no says %+v", r[0].Event.Incentive)
		}
	})
}

// privacy.md, case 53.
func TestAGuardiansYesEndsOnTheDayAndThePersonIsAsked(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada, guardian := d.Person(t), d.Person(t)
		childhood := d.now().AddDate(0, 3, 0)
		d.Ages(func(ctx context.Context, _ *sqldb.Tx, who thimble.SubjectID) (consent.Age, error) {
			if who != ada {
				return consent.Age{}, nil
			}
			return consent.Age{Known: true, Adult: !d.now().Before(childhood)}, nil
		})
		if _, err := d.Record(t.Context(), ada, []consent.Choice{learn(consent.Given)}, how); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the child's own yes: %v, want denied", err)
		}
		decided := how
		decided.By, decided.Until = consent.By{Actor: "guardian", Auth: "session", Guardian: guardian}, childhood
		r := d.says(ada, decided, learn(consent.Given))
		if e := r[0].Event; !e.Expires.Equal(childhood) || e.By.Guardian != guardian {
			t.Errorf("the guardian's yes: %+v", e)
		}
		d.later(0, 2, 30)
		if got := d.state(ada, consent.Scope{}); got != consent.Given {
			t.Errorf("before the day: %q", got)
		}
		d.later(0, 1, 0)
		if q := d.question(ada, consent.Scope{}); q.Standing.Now(d.now()) != consent.Expired || !q.May {
			t.Errorf("on the day: %q, may ask %t", q.Standing.Now(d.now()), q.May)
		}
		if _, err := d.Record(t.Context(), ada, []consent.Choice{learn(consent.Given)}, decided); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the guardian decides for an adult: %v, want denied", err)
		}
		d.says(ada, how, learn(consent.Given))
	})
}

// privacy.md, case 17.
func TestAnUnknownPurposeIsRefusedAndNothingWritten(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada := d.Person(t)
		for _, p := range []thimble.Purpose{"", "resell", "personalize", thimble.EssentialService} {
			if _, err := d.RecordOnce(t.Context(), ada, []consent.Choice{{Purpose: p, State: consent.Given}}, how, ""); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("%q: %v, want invalid", p, err)
			}
			st, err := d.Standing(t.Context(), ada, p)
			if err != nil || st.State.Permits() {
				t.Errorf("%q permits: %+v, %v", p, st, err)
			}
		}
		if d.events(ada) != 0 {
			t.Error("something was written")
		}
	})
}

func TestChoicesAreCountedWithoutAnybody(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		banner := how
		banner.UI.Component = "banner@2"
		strange := how
		strange.UI.Component = "ada-lovelace"
		ada, bob := d.Person(t), d.Person(t)
		d.says(ada, banner, learn(consent.Given))
		d.says(bob, banner, learn(consent.Given))
		d.says(bob, strange, learn(consent.Withdrawn))
		today, err := d.Made(t.Context(), thimble.TrainAISystem, 30)
		d.ok(err)
		if len(today) != 0 {
			t.Errorf("the day under way is counted: %+v", today)
		}
		_, err = d.Erase(t.Context(), bob)
		d.ok(err)
		d.later(0, 0, 1)
		got, err := d.Made(t.Context(), thimble.TrainAISystem, 30)
		d.ok(err)
		day, version := consent.Day(d.now())-1, consent.Current().Version
		want := []consent.Count{
			{Day: day, Purpose: thimble.TrainAISystem, State: consent.Given, Component: "banner@2", Notice: version, N: 2},
			{Day: day, Purpose: thimble.TrainAISystem, State: consent.Withdrawn, Component: "other", Notice: version, N: 1},
		}
		if !slices.Equal(got, want) {
			t.Errorf("counted %+v, want %+v", got, want)
		}
	})
}

func TestANoticeThatNoPageShowedIsNotKnown(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		old := under("v0", nil)
		shown := func(hash string) bool {
			t.Helper()
			ok, err := d.Shown(t.Context(), hash)
			d.ok(err)
			return ok
		}
		if !shown(consent.Current().Ref().SHA256) || shown(old.Notice.Ref().SHA256) || shown("") || shown("zz") {
			t.Error("before anybody chose, only the current notice has been shown")
		}
		d.says(d.Person(t), old, learn(consent.Refused))
		if !shown(old.Notice.Ref().SHA256) {
			t.Error("a notice that a choice names has not been shown")
		}
	})
}

// A merge joins what two accounts said: the questions are those of the person.
func TestQuestionsAreThePersons(t *testing.T) {
	desks(t, func(t *testing.T, d *desk) {
		ada, eve := d.Person(t), d.Person(t)
		d.says(ada, how, learn(consent.Given))
		d.says(eve, how, learn(consent.Given), consent.Choice{Purpose: thimble.TrainAISystem, Scope: consent.Scope{Signal: consent.Returns}, State: consent.Refused})
		whole := consentdb.Whole{Store: d.Store, Persons: together{ada, eve, d.now()}}
		all, err := whole.Questions(t.Context(), ada)
		d.ok(err)
		i := slices.IndexFunc(all, func(q consent.Question) bool {
			return q.Ask.Purpose == thimble.TrainAISystem && q.Part.Scope.Signal == consent.Returns
		})
		scopes, err := whole.Scopes(t.Context(), ada, thimble.TrainAISystem)
		d.ok(err)
		if !all[i].Standing.State.Refuses() || len(scopes) != 1 {
			t.Errorf("the person's returns: %q, scopes %v", all[i].Standing.State, scopes)
		}
		if r, err := whole.RecordOnce(t.Context(), eve, []consent.Choice{learn(consent.Withdrawn)}, how, ""); err != nil || r[0].Event.Subject != ada {
			t.Errorf("recorded %+v, %v, want it under the canonical subject", r, err)
		}
		if got := d.state(eve, consent.Scope{}); got != consent.Withdrawn {
			t.Errorf("the other account says %q", got)
		}
	})
}

// together says that two subjects are one person.
type together struct {
	ada, eve thimble.SubjectID
	at       time.Time
}

func (p together) Person(context.Context, thimble.SubjectID) (subject.Person, error) {
	return subject.Person{Members: []subject.Member{{ID: p.ada}, {ID: p.eve, Joined: p.at}}}, nil
}
