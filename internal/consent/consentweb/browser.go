package consentweb

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"time"

	strict "github.com/go-json-experiment/json"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/web"
)

// BrowserPath takes the choices of browsers in which nobody is signed in.
const BrowserPath = "/v1/consent/browser"

// BrowserStore keeps the choices of one browser; *consentdb.Store does, and not
// consentdb.Whole: what a browser allows is no yes of the account that it was once linked
// with. Of the two, the stricter holds.
type BrowserStore interface {
	RecordOnce(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how consentdb.How, key string) ([]consentdb.Recorded, error)
	Shown(ctx context.Context, notice string) (bool, error)
}

// BrowserDeps are what the choices of browsers are recorded with.
type BrowserDeps struct {
	Store    BrowserStore
	Receipts OperationReceipts
	// Source returns nil when pages of an origin may say choices under a write key: of a
	// source of browsers that asks for consent. No origin is none of its: a browser tells
	// where the page is with each POST, and programs say choices by the API.
	Source func(ctx context.Context, writeKey, origin string) error
	// Find returns the person of a browser's random id, zero for none; Make makes one, and
	// returns zero where the id leads to nobody any more: whoever had it was forgotten, or
	// several people use it.
	Find, Make func(ctx context.Context, anonymousID string) (thimble.SubjectID, error)
	// Answered reports whether a browser leads to somebody with an account who has
	// answered for a purpose: then whoever sits at the browser says no yes to it.
	Answered func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (bool, error)
	// Limit bounds how many people one network may make, Said how often one may choose.
	Limit, Said *web.Limiter
	Log         *slog.Logger
	Now         func() time.Time // nil means time.Now
}

// How many people a network may make: a household at once, then one every ten seconds. The
// key is public, so that anybody could.
const (
	BrowserEvery = 10 * time.Second
	BrowserBurst = 200
	// SaidEvery and SaidBurst bound the choices of one network.
	SaidEvery = time.Second
	SaidBurst = 1000
)

// browserChoices are what somebody says in a browser.
type browserChoices struct {
	WriteKey    string      `json:"writeKey"`
	AnonymousID string      `json:"anonymousId"`
	Choices     []NewChoice `json:"choices"`
	UI          ChoiceUI    `json:"ui"`
	Lang        string      `json:"lang"`
	Notice      string      `json:"notice"`
	ChosenAt    time.Time   `json:"chosenAt"`
	SentAt      time.Time   `json:"sentAt"`
}

// browserAnswer says what was recorded. It names nobody; the receipts are the person's.
type browserAnswer struct {
	Recorded []browserRecorded `json:"recorded"`
	Receipts []string          `json:"receipts"`
	// Expires is when the first yes ends.
	Expires time.Time `json:"expires,omitzero"`
}

type browserRecorded struct {
	Purpose string    `json:"purpose"`
	State   string    `json:"state"`
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires,omitzero"`
}

const maxBrowserBody = 16 << 10

var (
	browserComponent = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}(@[0-9]{1,4}([.][0-9]{1,4}){0,2})?$`)
	browserID        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{15,99}$`)
)

// ServeBrowser answers at [BrowserPath]. Who knows a browser's random id speaks for it, and
// for nobody else: no cookie is looked at. Of a browser that is unknown a no is answered
// and makes nobody; a yes makes a person, who gets the receipt.
func ServeBrowser(d BrowserDeps) http.Handler {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		// What is answered is for whoever knows the id; a cookie opens nothing more.
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Retry-After")
		h.Set("Cache-Control", "no-store")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "content-type")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer, err := d.take(r)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // who asked may have gone
	})
}

// errCrowd is the error of a network that makes too many people, or chooses too often.
type errCrowd struct{ wait time.Duration }

// Error implements error.
func (errCrowd) Error() string { return "consent: too many choices from one network" }

// errSpent is the error of a yes under an id that leads to nobody any more. Which of the
// two it was is not told.
var errSpent = errors.New("consent: the browser's id leads to nobody any more")

func (d BrowserDeps) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := web.ProblemOf(err)
	if crowd, ok := errors.AsType[errCrowd](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(crowd.wait/time.Second)+1))
		p = web.Problem{Type: web.ProblemBase + "too-many", Title: "Too many choices from one network", Status: http.StatusTooManyRequests, Detail: "Try again later."}
	}
	if errors.Is(err, errSpent) {
		p = web.Problem{Type: web.ProblemBase + "browser-id", Title: "This id leads to nobody any more", Status: http.StatusConflict, Detail: "Take a new random id for the browser, and say the choice again under it."}
	}
	if p.Status >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "a choice was not recorded", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(r.Context())))
	}
	web.WriteProblem(w, r, p)
}

func (d BrowserDeps) take(r *http.Request) (out browserAnswer, err error) {
	if wait, ok := d.Said.Allow(web.Network(r.RemoteAddr)); !ok {
		return out, errCrowd{wait}
	}
	in, choices, notice, err := d.read(r)
	if err != nil {
		return out, err
	}
	who, err := d.Find(r.Context(), in.AnonymousID)
	if err == nil && who.IsZero() && anyYes(choices) {
		who, err = d.newcomer(r, in.AnonymousID)
	}
	out = browserAnswer{Recorded: []browserRecorded{}, Receipts: []string{}}
	if err != nil || who.IsZero() {
		return out, err // of somebody who is not there nothing is used: their no holds
	}
	if choices, err = d.own(r.Context(), who, choices); err != nil || len(choices) == 0 {
		return out, err
	}
	recorded, err := d.Store.RecordOnce(r.Context(), who, choices, consentdb.How{
		Notice: notice, UI: consent.UI{Component: in.UI.Component, Path: in.UI.ChoicePath}, By: consent.By{Actor: "subject", Auth: "browser"}, Since: d.since(in),
	}, "")
	if err != nil {
		return out, err
	}
	for _, one := range recorded {
		d.add(r.Context(), &out, one)
	}
	return out, nil
}

// own returns the choices without a yes that would undo what the owner of an account has
// said: of the two the stricter holds.
func (d BrowserDeps) own(ctx context.Context, who thimble.SubjectID, choices []consent.Choice) (all []consent.Choice, err error) {
	for _, c := range choices {
		answered := false
		if c.State.Permits() {
			if answered, err = d.Answered(ctx, who, c.Purpose); err != nil {
				return nil, err
			}
		}
		if !answered {
			all = append(all, c)
		}
	}
	return all, nil
}

// add puts a recorded choice into the answer, with its receipt. One that the ledger has
// not signed in time is left out: the choice is recorded all the same.
func (d BrowserDeps) add(ctx context.Context, out *browserAnswer, one consentdb.Recorded) {
	e := one.Event
	out.Recorded = append(out.Recorded, browserRecorded{Purpose: string(e.Purpose), State: string(e.State), Seq: e.Seq, At: e.At, Expires: e.Expires})
	if !e.Expires.IsZero() && (out.Expires.IsZero() || e.Expires.Before(out.Expires)) {
		out.Expires = e.Expires
	}
	text, err := OperationDeps{Receipts: d.Receipts}.proof(ctx, one.Opening)
	if err != nil {
		d.Log.WarnContext(ctx, "a receipt is not there yet", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(ctx)))
		return
	}
	out.Receipts = append(out.Receipts, string(text.Body))
}

func (d BrowserDeps) newcomer(r *http.Request, anonymousID string) (thimble.SubjectID, error) {
	if wait, ok := d.Limit.Allow(web.Network(r.RemoteAddr)); !ok {
		return thimble.SubjectID{}, errCrowd{wait}
	}
	who, err := d.Make(r.Context(), anonymousID)
	if err == nil && who.IsZero() {
		err = errSpent
	}
	return who, err
}

// since is when the choice was made, where that was a while ago, such as offline: by the
// browser's clock, of which only the distance counts.
func (d BrowserDeps) since(in browserChoices) time.Time {
	ago := in.SentAt.Sub(in.ChosenAt)
	if in.SentAt.IsZero() || in.ChosenAt.IsZero() || ago < time.Minute {
		return time.Time{}
	}
	return d.Now().Add(-ago)
}

// read reads and checks what was said.
func (d BrowserDeps) read(r *http.Request) (in browserChoices, choices []consent.Choice, notice consent.Notice, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBrowserBody))
	if err != nil {
		return in, nil, notice, err
	}
	// Two readers that see different choices in one body are a way around consent: no key twice.
	if strict.Unmarshal(body, &in, strict.RejectUnknownMembers(true)) != nil {
		return in, nil, notice, web.FieldProblems{{Field: "body", Detail: "expected a JSON object of the documented form, each key once"}}
	}
	notice = noticeIn(in.Lang)
	ops := OperationDeps{Now: d.Now}
	said := NewChoices{Choices: in.Choices, UI: in.UI, Lang: in.Lang, Notice: in.Notice}
	choices, problems := ops.check(said, thimble.SubjectID{}, notice)
	problems = append(problems, in.form()...)
	if len(problems) > 0 {
		return in, nil, notice, problems
	}
	// A no is one under any text, and by a key that has ended too: it only ends something.
	if !anyYes(choices) {
		return in, choices, notice, nil
	}
	if err := d.Source(r.Context(), in.WriteKey, r.Header.Get("Origin")); err != nil {
		return in, nil, notice, err
	}
	return in, choices, notice, checkNotice(r.Context(), d.Store, said, notice)
}

// form names what the API's schema would refuse.
func (in browserChoices) form() (all web.FieldProblems) {
	if !browserID.MatchString(in.AnonymousID) {
		all = append(all, web.FieldProblem{Field: "body.anonymousId", Detail: "expected a random id of 16 to 100 letters, digits and -._"})
	}
	if n := len(in.Choices); n < 1 || n > 16 {
		all = append(all, web.FieldProblem{Field: "body.choices", Detail: "expected 1 to 16"})
	}
	if !browserComponent.MatchString(in.UI.Component) {
		all = append(all, web.FieldProblem{Field: "body.ui.component", Detail: "expected a lower-case word such as banner, with its version if it has one, such as banner@2"})
	}
	if len(in.UI.ChoicePath) > 8 {
		all = append(all, web.FieldProblem{Field: "body.ui.choice_path", Detail: "expected at most 8 steps"})
	}
	return all
}
