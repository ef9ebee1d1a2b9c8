package systems

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/rights/cases"
)

var day = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func in(s State) Task {
	return Task{ID: thimble.ID{1}, State: s, Kind: cases.Erase, Means: Webhook, At: day, Due: day.AddDate(0, 0, 14), Last: day, Holds: true}
}

// full is an event with all that it needs.
func full(w What) Event {
	e := Event{What: w, At: day.Add(time.Hour), Staff: "zoe", Proof: "hmac-sha256", Why: "gone"}
	switch w {
	case IsLate:
		e.At = day.AddDate(0, 0, 14)
	case HasRefused:
		e.Why = string(LegalDuty)
	}
	return e
}

// The whole machine, written down once more: what is not here cannot happen.
func TestEveryEventInEveryStateDoesWhatTheTableSays(t *testing.T) {
	want := map[State]string{
		ToTell:       "told acknowledged done refused overdue vanished - done_by_hand called_off",
		Told:         "- acknowledged done refused overdue vanished - done_by_hand called_off",
		Acknowledged: "- - done refused overdue vanished - done_by_hand called_off",
		Overdue:      "overdue overdue done refused - vanished - done_by_hand called_off",
		Vanished:     "- overdue done refused - - to_be_told done_by_hand called_off",
		Refused:      "- - done - - - to_be_told done_by_hand called_off",
		Done:         "- - - - - - - - -", ByHand: "- - - - - - - - -", CalledOff: "- - - - - - - - -",
	}
	if len(want) != len(States()) {
		t.Fatalf("the table has %d states, want %d", len(want), len(States()))
	}
	for _, s := range States() {
		for i, w := range Whats() {
			before := in(s)
			got, err := before.Next(full(w))
			then := strings.Fields(want[s])[i]
			switch {
			case then == "-" && (!errors.Is(err, thimble.ErrConflict) || got != before):
				t.Errorf("%s while %s: %s, %v, want a conflict and the task as it was", w, s, got.State, err)
			case then != "-" && (err != nil || string(got.State) != then):
				t.Errorf("%s while %s: %s, %v, want %s", w, s, got.State, err, then)
			}
		}
	}
}

func TestWhatAnEventLacksIsSaidAndNothingHappens(t *testing.T) {
	person, empty := in(Vanished), in(Vanished)
	person.Means, empty.Holds = Person, false
	for name, try := range map[string]struct {
		t    Task
		e    Event
		kind error
	}{
		"done, shown by nothing":         {in(Told), Event{What: HasDone}, thimble.ErrInvalid},
		"a refusal for no reason":        {in(Told), Event{What: HasRefused, Proof: "key"}, thimble.ErrInvalid},
		"a refusal in words of its own":  {in(Told), Event{What: HasRefused, Proof: "key", Why: "ada said so"}, thimble.ErrInvalid},
		"by hand, of nobody":             {in(Told), Event{What: WasDoneByHand}, thimble.ErrInvalid},
		"late before its date":           {in(Told), Event{What: IsLate, At: day}, thimble.ErrConflict},
		"vanished for no reason":         {in(Told), Event{What: HasVanished}, thimble.ErrInvalid},
		"told again, of a person's task": {person, Event{What: TellAgain, Staff: "zoe"}, thimble.ErrConflict},
		"told again, with nothing left":  {empty, Event{What: TellAgain, Staff: "zoe"}, thimble.ErrConflict},
	} {
		if got, err := try.t.Next(try.e); !errors.Is(err, try.kind) || got != try.t {
			t.Errorf("%s: %v, want kind %v and the task as it was", name, err, try.kind)
		}
	}
}

func TestWhatIsDoneStaysDoneAndNoStepIsOlderThanTheOneBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := in(ToTell)
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			e := full(rapid.SampledFrom(Whats()).Draw(t, "what"))
			e.At = day.Add(time.Duration(rapid.Int64Range(-100, 1000).Draw(t, "hours")) * time.Hour)
			n, err := task.Next(e)
			if err != nil {
				continue
			}
			if task.State.Settled() || n.Last.Before(task.Last) || n.State.Settled() && n.Ended.IsZero() {
				t.Fatalf("%s led from %s at %s to %s at %s", e.What, task.State, task.Last, n.State, n.Last)
			}
			task = n
		}
	})
}

func good() System {
	return System{Name: "Newsletter", Kinds: []cases.Kind{cases.Erase}, Means: Webhook, Endpoint: "https://news.example/hook", Names: Account, Days: 7}
}

func TestASystemSaysWhatItIsToldAndWhy(t *testing.T) {
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*System){
		"name":         func(s *System) { s.Name = "N\n" },
		"kinds":        func(s *System) { s.Kinds = []cases.Kind{cases.Complain} },
		"means":        func(s *System) { s.Means = "pigeon" },
		"endpoint":     func(s *System) { s.Endpoint = "" },
		"names":        func(s *System) { s.Names = "name" },
		"recipient":    func(s *System) { s.Names = Pseudonym },
		"necessity":    func(s *System) { s.Names = Email },
		"days":         func(s *System) { s.Days = 46 },
		"instructions": func(s *System) { s.Means, s.Endpoint = Person, "" },
	} {
		s := good()
		change(&s)
		wrong, ok := errors.AsType[*FieldError](s.Check())
		if !ok || wrong.Field != field {
			t.Errorf("a wrong %s: %v", field, s.Check())
		}
	}
	opendsr := good()
	opendsr.Means, opendsr.Kinds = Processor, []cases.Kind{cases.Restrict}
	if wrong, ok := errors.AsType[*FieldError](opendsr.Check()); !ok || wrong.Field != "kinds" {
		t.Errorf("a restriction by OpenDSR: %v", opendsr.Check())
	}
}

func TestAnAnswerIsReadLiberallyAndKeptAsAWord(t *testing.T) {
	id := thimble.ID{7}.Token(TaskPrefix)
	for text, want := range map[string]What{
		`{"task":"` + id + `","state":"done"}`:                              HasDone,
		`{"task":"` + id + `","state":"acknowledged","eta":"tomorrow"}`:     HasAcknowledged,
		`{"task":"` + id + `","state":"refused","reason":"legal_duty"}`:     HasRefused,
		`{"task":"` + id + `","state":"refused","reason":"ada owes money"}`: "",
		`{"task":"` + id + `","state":"refused"}`:                           "",
		`{"task":"` + id + `","state":"done","reason":"legal_duty"}`:        "",
		`{"task":"` + id + `","state":"done_by_hand"}`:                      "",
		`{"task":"case_1","state":"done"}`:                                  "",
		`[]`:                                                                "",
		``:                                                                  "",
	} {
		_, _, what, err := ParseAnswer([]byte(text))
		if what != want && want != "" || (want == "") != errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %s, %v, want %q", text, what, err, want)
		}
		if err != nil && strings.Contains(fmt.Sprint(err), "ada") {
			t.Errorf("the error repeats the answer: %v", err)
		}
	}
}
