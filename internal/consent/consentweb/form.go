package consentweb

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

// A FormStore keeps choices and knows what may be asked; consentdb.Whole does.
type FormStore interface {
	Questions(ctx context.Context, who thimble.SubjectID) ([]consent.Question, error)
	Record(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how consentdb.How) ([]consentdb.Recorded, error)
	Age(ctx context.Context, who thimble.SubjectID) (consent.Age, error)
}

// A form is all that a person can choose, as one page shows it.
type form struct {
	Action string
	Notice string // the hash of the text on the page
	Asks   []askView
	Closes string // the last paragraph of the notice
	Child  bool   // only a no can be said here
	// Until asks a guardian for the day on which the child decides; nil elsewhere.
	Until *web.Field
}

// An askView is one question with the answer it has now. An answer that nobody gave is
// not filled in.
type askView struct {
	consent.Ask
	Name    string // of the radio buttons
	State   web.Badge
	Yes, No bool
	Child   bool
	Grew    bool // the notice asks for more than the yes covers
	Renew   bool // the yes runs out soon
	Parts   []partView

	// What follows is known where the person's own choices are opened.
	Since   time.Time
	Expires time.Time
	From    time.Time // when they are asked again; zero: any time
	By      string    // who chose, in words
	Receipt *ledgerweb.Check
	Record  string // the record to take along

	standing consent.Standing
}

// A partView is one part of a question.
type partView struct {
	consent.Part
	Name    string
	Yes, No bool
	Child   bool
}

// formOf shows where a person stands. A child sees how to say no: the yes is a
// guardian's to say.
func formOf(ctx context.Context, s FormStore, who thimble.SubjectID, at time.Time, action string, guardian bool) (form, error) {
	notice := consent.Current()
	f := form{Action: action, Notice: notice.Ref().SHA256, Closes: closing(notice)}
	age, err := s.Age(ctx, who)
	if err != nil {
		return f, err
	}
	f.Child = age.Known && !age.Adult && !guardian
	questions, err := s.Questions(ctx, who)
	if err != nil {
		return f, err
	}
	for _, q := range questions {
		state := q.Standing.Now(at)
		last := len(f.Asks) - 1
		if q.Part.Scope != (consent.Scope{}) {
			p := partView{Part: q.Part, Name: partName(last, len(f.Asks[last].Parts)), Yes: state.Permits(), Child: f.Child}
			p.No = state.Refuses() && q.Standing.Scope == q.Part.Scope
			f.Asks[last].Parts = append(f.Asks[last].Parts, p)
			continue
		}
		v := askView{Ask: q.Ask, Name: askName(len(f.Asks)), State: badge(state), Yes: state.Permits() && !q.Grew, No: state.Refuses(), Child: f.Child, Grew: q.Grew, standing: q.Standing}
		v.Renew = state.Permits() && q.May && !q.Grew && !f.Child
		if !q.May {
			v.From = q.From
		}
		f.Asks = append(f.Asks, v)
	}
	return f, nil
}

func askName(i int) string { return "choice-" + strconv.Itoa(i) }

func partName(i, j int) string { return askName(i) + "-part-" + strconv.Itoa(j) }

// closing is the last paragraph of the notice, which belongs to no question.
func closing(n consent.Notice) string {
	parts := strings.Split(strings.TrimSpace(n.Text), "\n\n")
	return parts[len(parts)-1]
}

// The answers of the form.
const (
	yes = "allow"
	no  = "refuse"
)

// how many bytes the form can have.
const maxForm = 1 << 14

// parseForm reads the form; fresh says whether it was made from the notice in force.
func parseForm(w http.ResponseWriter, r *http.Request) (fresh bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return false, fmt.Errorf("consent: reading the form: %w", thimble.ErrInvalid)
	}
	return r.PostForm.Get("notice") == consent.Current().Ref().SHA256, nil
}

// button says which button was pressed; anything else is the one that saves.
func button(r *http.Request) string {
	if b := r.PostForm.Get("all"); b == yes || b == no {
		return b + "-all"
	}
	for _, b := range []string{"renew", "end"} {
		if r.PostForm.Get(b) != "" {
			return b
		}
	}
	return "save"
}

// answer is what a form says to one question.
func answer(r *http.Request, name string) string {
	switch button(r) {
	case yes + "-all":
		return yes
	case no + "-all":
		return no
	case "renew", "end":
		return "" // one button, one answer
	}
	return r.PostForm.Get(name)
}

// choices returns the answers that change something. A part that was left out stays
// out when all the rest is allowed.
func choices(r *http.Request, questions []consent.Question, at time.Time) (changed []consent.Choice) {
	ask, part, allowed := -1, 0, false
	for _, q := range questions {
		state := q.Standing.Now(at)
		if q.Part.Scope == (consent.Scope{}) {
			ask, part = ask+1, 0
			said := answer(r, askName(ask))
			next, is := next(state, said)
			switch name := askName(ask); {
			case r.PostForm.Get("renew") == name && state.Permits(), q.Grew && said == yes:
				next, is = consent.Renewed, true
			case r.PostForm.Get("end") == name && state.Permits():
				next, is = consent.Withdrawn, true
			}
			allowed = state.Permits()
			if is {
				changed, allowed = append(changed, consent.Choice{Purpose: q.Ask.Purpose, State: next}), next.Permits()
			}
			continue
		}
		if next, is := nextPart(q, at, r.PostForm.Get(partName(ask, part)), allowed); is && button(r) == "save" {
			changed = append(changed, consent.Choice{Purpose: q.Ask.Purpose, Scope: q.Part.Scope, State: next})
		}
		part++
	}
	return changed
}

// next returns what an answer makes of a state, and whether that is anything new.
// Whoever says no after a yes withdraws; whoever never said yes refuses.
func next(now consent.State, answer string) (consent.State, bool) {
	switch {
	case answer == yes && !now.Permits():
		return consent.Given, true
	case answer == no && (now.Permits() || now == consent.Expired):
		return consent.Withdrawn, true
	case answer == no && !now.Refuses():
		return consent.Refused, true
	}
	return "", false
}

// nextPart is next for a part. A yes to a part counts only within a yes to the whole,
// and is needed only where the part was left out.
func nextPart(q consent.Question, at time.Time, answer string, allowed bool) (consent.State, bool) {
	state := q.Standing.Now(at)
	out := state.Refuses() && q.Standing.Scope == q.Part.Scope
	switch {
	case answer == no && !out && state.Permits():
		return consent.Withdrawn, true
	case answer == no && !out:
		return consent.Refused, true
	case answer == yes && out && allowed:
		return consent.Given, true
	}
	return "", false
}

func badge(s consent.State) web.Badge {
	switch s {
	case consent.Given, consent.Renewed:
		return web.Badge{Text: "You allow this", Tone: web.Good}
	case consent.Refused:
		return web.Badge{Text: "You do not allow this"}
	case consent.Withdrawn:
		return web.Badge{Text: "You stopped this"}
	case consent.Invalidated:
		return web.Badge{Text: "Your yes did not count", Tone: web.Warn}
	case consent.Deferred:
		return web.Badge{Text: "You wanted to decide later, so it is off", Tone: web.Info}
	case consent.Expired:
		return web.Badge{Text: "Your yes has run out", Tone: web.Warn}
	}
	return web.Badge{Text: "Not asked yet, so it is off", Tone: web.Info}
}
