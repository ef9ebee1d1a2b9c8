package systemsdb_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
	"thimble/internal/sqldb"
)

// says signs an answer as a system does.
func (s *shop) says(y thimble.ID, key, body string) error {
	s.t.Helper()
	k, err := wire.ParseSigningKey(key)
	s.must(err)
	head, err := wire.Sign("msg_answer", s.now(), []byte(body), k)
	s.must(err)
	return s.store.Answer(s.t.Context(), y, head, []byte(body))
}

func answer(t systems.Task, state string) string {
	return `{"task":"` + t.ID.Token(systems.TaskPrefix) + `","state":"` + state + `"}`
}

func TestAnErasureIsPassedOnAfterTheKeyIsGoneAndClosesWithTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		y, key, err := s.store.Add(t.Context(), l.system(cases.Erase), thimble.Hide(""), "zoe")
		s.must(err)
		who, account := s.Named(t)
		c := s.begins(who, cases.Erase)
		if task := s.task(c); task.State != systems.ToTell || !task.Holds || task.Cause.IsZero() || !task.Due.Equal(s.now().AddDate(0, 0, 7)) {
			t.Fatalf("the task that was opened with the case: %+v", task)
		}
		erased, err := s.store.Erase(t.Context(), who)
		s.must(err)
		if _, err := s.Subjects.Erase(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		if _, err := s.cases.Erase(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Vault.Shred(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		if erased.Erased != 1 || len(erased.Kept) != 1 || erased.Kept[0].Count != 1 || erased.Kept[0].Law == "" {
			t.Errorf("erased %+v, want one task unlinked, and the sealed name kept by a law", erased)
		}
		s.executes()
		if c = s.get(c); c.State != cases.Waiting {
			t.Fatalf("the erasure is done here, and the case is %s, want it to wait", c.State)
		}
		s.tells()
		if len(l.heard) != 1 {
			t.Fatalf("the system was told %d times, want once", len(l.heard))
		}
		n := l.heard[0]
		if got := sorted(n.Identifiers); len(got) != 1 || got[0] != "account "+account {
			t.Errorf("it was told of %v, want its own number %s and nothing else", got, account)
		}
		k, err := wire.ParseSigningKey(key)
		s.must(err)
		if _, err := wire.Verify(l.heads[0], l.bodies[0], s.now(), k); err != nil {
			t.Errorf("the message is not signed: %v", err)
		}
		if want := "https://thimble.example/rights/systems/" + y.ID.Token(systems.SystemPrefix) + "/answers"; n.Answer != want || n.Request != cases.Erase {
			t.Errorf("it is asked to %s, and to answer at %s, want %s", n.Request, n.Answer, want)
		}
		task := s.task(c)
		s.must(s.says(y.ID, key, answer(task, "acknowledged")))
		s.must(s.says(y.ID, key, answer(task, "acknowledged"))) // said twice
		if task = s.task(c); task.State != systems.Acknowledged || s.heldTold() != 1 {
			t.Errorf("after its word that it will: %s, and %d names kept", task.State, s.heldTold())
		}
		s.must(s.says(y.ID, key, answer(task, "done")))
		if task, c = s.task(c), s.get(c); task.State != systems.Done || task.Proof != systemsdb.Signed || c.State != cases.Fulfilled || s.heldTold() != 0 {
			t.Errorf("after it is done: the task %s by %q, the case %s, %d names kept", task.State, task.Proof, c.State, s.heldTold())
		}
		if err := s.says(y.ID, key, answer(task, "acknowledged")); err != nil {
			t.Errorf("what was said before, said again: %v", err)
		}
	})
}

func TestWhatIsNotTheSystemsAnswerIsRefusedWithoutSayingWhy(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		y, key, err := s.store.Add(t.Context(), l.system(cases.Restrict), thimble.Hide(""), "zoe")
		s.must(err)
		other := l.system(cases.Rectify)
		other.Name = "Another"
		z, foreign, err := s.store.Add(t.Context(), other, thimble.Hide(""), "zoe")
		s.must(err)
		task := s.task(s.begins(s.Person(t), cases.Restrict))
		done := answer(task, "done")
		if err := s.says(y.ID, key, done); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("an answer before anything was told: %v", err)
		}
		s.tells()
		head := func(at time.Time, body string) http.Header {
			k, err := wire.ParseSigningKey(key)
			s.must(err)
			h, err := wire.Sign("msg_answer", at, []byte(body), k)
			s.must(err)
			return h
		}
		for name, err := range map[string]error{
			"signed by another system":         s.says(y.ID, foreign, done),
			"another system's task":            s.says(z.ID, foreign, done),
			"a system that there is not":       s.says(thimble.ID{9}, key, done),
			"replayed after ten minutes":       s.store.Answer(t.Context(), y.ID, head(s.now().Add(-10*time.Minute), done), []byte(done)),
			"a body that was changed":          s.store.Answer(t.Context(), y.ID, head(s.now(), done), []byte(answer(task, "refused"))),
			"not signed":                       s.store.Answer(t.Context(), y.ID, http.Header{}, []byte(done)),
			"a task that there is not, signed": s.says(y.ID, key, `{"task":"`+thimble.ID{8}.Token(systems.TaskPrefix)+`","state":"done"}`),
		} {
			if !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: %v, want it denied", name, err)
			}
		}
		if err := s.says(y.ID, key, `{"task":"`+task.ID.Token(systems.TaskPrefix)+`","state":"refused","reason":"no"}`); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("a refusal for a reason of its own: %v, want it said what is wrong", err)
		}
		s.must(s.says(y.ID, key, done))
		if err := s.says(y.ID, key, `{"task":"`+task.ID.Token(systems.TaskPrefix)+`","state":"refused","reason":"legal_duty"}`); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a refusal after it is done: %v, want a conflict", err)
		}
	})
}

func TestASystemThatFailsIsTriedAgainThenVanishesAndAPersonClosesTheCaseInPart(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		l.answer = http.StatusBadGateway
		s.states(l.system(cases.Restrict))
		c := s.begins(s.Person(t), cases.Restrict)
		s.executes()
		s.tells()
		if task := s.task(c); task.State != systems.ToTell || task.Tries != 1 || !task.NextTry.After(s.now()) || task.Why != string(wire.Failing) || task.Status != http.StatusBadGateway {
			t.Fatalf("after a failed try: %+v", task)
		}
		for range 30 {
			s.ahead += 12 * time.Hour
			s.tells()
		}
		task := s.task(c)
		if task.State != systems.Vanished || !task.Holds || task.Tries < 5 {
			t.Fatalf("after fifteen days of failing: %s after %d tries, want it vanished, with what it is told kept", task.State, task.Tries)
		}
		tries := len(l.heard)
		s.ahead += 24 * time.Hour
		s.tells()
		if len(l.heard) != tries {
			t.Error("what vanished is tried by itself")
		}
		c, err := s.cases.InPart(t.Context(), c.ID, "zoe", cases.SystemGone, thimble.Hide("their firm has closed"))
		s.must(err)
		if task = s.task(c); c.State != cases.Fulfilled || task.State != systems.Vanished || task.Holds || s.heldTold() != 0 {
			t.Errorf("closed in part: %s, the task %s, %d names kept, want none", c.State, task.State, s.heldTold())
		}
		if err := s.store.ByHand(t.Context(), task.ID, systems.TellAgain, "zoe"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("told again with nothing left to tell: %v", err)
		}
	})
}

func TestWhatVanishedCanBeToldAgainByHand(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		l.answer = http.StatusGone
		s.states(l.system(cases.Restrict))
		c := s.begins(s.Person(t), cases.Restrict)
		s.tells()
		task := s.task(c)
		if task.State != systems.Vanished || task.Why != string(wire.Gone) {
			t.Fatalf("after HTTP 410: %s, %s", task.State, task.Why)
		}
		l.answer, l.body = http.StatusOK, `{"acknowledged":"`+task.ID.Token(systems.TaskPrefix)+`"}`
		s.must(s.store.ByHand(t.Context(), task.ID, systems.TellAgain, "zoe"))
		s.tells()
		if task = s.task(c); task.State != systems.Acknowledged || task.Proof != systemsdb.InAnswer {
			t.Errorf("after it was told again: %s by %q", task.State, task.Proof)
		}
	})
}

func TestATaskIsLateAtItsDateAndAnAnswerAfterwardsCounts(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		y, key, err := s.store.Add(t.Context(), l.system(cases.Restrict), thimble.Hide(""), "zoe")
		s.must(err)
		c := s.begins(s.Person(t), cases.Restrict)
		s.executes()
		s.tells()
		s.ahead = 7 * 24 * time.Hour
		s.tells()
		steps, err := s.cases.Steps(t.Context(), c.ID)
		s.must(err)
		if task := s.task(c); task.State != systems.Overdue || steps[len(steps)-1].Tasks[0].State != "overdue" {
			t.Fatalf("at its date it is %s, and the case says %+v", task.State, steps[len(steps)-1].Tasks)
		}
		if st := s.get(c); st.State != cases.Waiting {
			t.Errorf("the case is %s, want it to wait for a person or for the answer", st.State)
		}
		s.must(s.says(y.ID, key, answer(s.task(c), "done")))
		if c = s.get(c); c.State != cases.Fulfilled || c.Part != "" {
			t.Errorf("after the late answer it is %s, in part %q", c.State, c.Part)
		}
	})
}

func TestWhoCannotBeNamedToASystemIsATaskForAPerson(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		y := l.system(cases.Restrict)
		y.Names, y.Necessity = systems.Email, "it has nothing but addresses"
		s.states(y)
		c := s.begins(s.Person(t), cases.Restrict) // who has an account and no address
		task := s.task(c)
		if task.Means != systems.Person || task.Why != string(systems.NoIdentifier) || task.Holds {
			t.Fatalf("got %+v", task)
		}
		s.executes()
		s.tells()
		if len(l.heard) != 0 {
			t.Error("the system was told of nobody")
		}
		s.must(s.store.ByHand(t.Context(), task.ID, systems.WasDoneByHand, "zoe"))
		if c = s.get(c); c.State != cases.Fulfilled {
			t.Errorf("after somebody did it by hand it is %s", c.State)
		}
	})
}

func TestASystemThatHasEndedIsAskedNothingAndItsTasksNeedSomebody(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		y := s.states(l.system(cases.Restrict))
		c := s.begins(s.Person(t), cases.Restrict)
		s.must(s.store.End(t.Context(), y.ID, "zoe"))
		if task := s.task(c); task.State != systems.Vanished || task.Why != "system-ended" {
			t.Errorf("its task is %s, %s", task.State, task.Why)
		}
		if c := s.begins(s.Person(t), cases.Restrict); c.Tasks != 0 {
			t.Errorf("it takes part in %d later tasks", c.Tasks)
		}
		if err := s.store.End(t.Context(), y.ID, "zoe"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("ended twice: %v", err)
		}
	})
}

func TestATryThatLostItsLeaseChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		s.states(l.system(cases.Restrict))
		task := s.task(s.begins(s.Person(t), cases.Restrict))
		if err := s.store.Begin(t.Context(), task.ID); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a byte without a lease: %v", err)
		}
		s.must(s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update systems_tasks set lease_until = $1`, s.now().Add(time.Minute).UnixMicro())
			return err
		}))
		s.tells()
		if len(l.heard) != 0 {
			t.Error("two tell it at a time")
		}
		s.ahead = 2 * time.Minute // whoever had the lease died
		s.tells()
		if len(l.heard) != 1 {
			t.Errorf("told %d times, want once", len(l.heard))
		}
	})
}

func TestWhatStaffStateHasALeafAndARuleThatIsBrokenIsNamed(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		y := s.states(l.system(cases.Restrict))
		if _, _, err := s.store.Add(t.Context(), l.system(cases.Erase), thimble.Hide(""), "zoe"); !field(err, "name") {
			t.Errorf("the same name twice: %v", err)
		}
		away := l.system(cases.Erase)
		away.Name, away.Endpoint = "Away", "https://127.0.0.1/hook"
		if _, _, err := s.store.Add(t.Context(), away, thimble.Hide(""), "zoe"); !field(err, "endpoint") {
			t.Errorf("an address of this machine: %v", err)
		}
		y.Days = 10
		s.must(s.store.Change(t.Context(), y, thimble.Hide(""), "max"))
		if _, err := s.store.NewSecret(t.Context(), y.ID, "max"); err != nil {
			t.Error(err)
		}
		acts, err := s.store.Acts(t.Context(), y.ID, 10)
		s.must(err)
		claims := 0
		for c, err := range s.store.Claims(t.Context()) {
			if s.must(err); c.Err != nil || c.Rule != "" {
				t.Errorf("the claim %+v", c)
			}
			claims++
		}
		if got, err := s.store.System(t.Context(), y.ID); len(acts) != 3 || claims != 3 || err != nil || got.Days != 10 {
			t.Errorf("%d acts, %d claims, %+v, %v", len(acts), claims, got, err)
		}
	})
}

func field(err error, name string) bool {
	wrong, ok := errors.AsType[*systems.FieldError](err)
	return ok && wrong.Field == name && errors.Is(err, thimble.ErrInvalid)
}
