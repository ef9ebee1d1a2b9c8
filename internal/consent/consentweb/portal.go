package consentweb

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// A Store keeps choices; *consentdb.Store is one.
type Store interface {
	Standing(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (consent.Standing, error)
	Record(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how consentdb.How) ([]consentdb.Recorded, error)
	History(ctx context.Context, g thimble.Grant) ([]consentdb.Recorded, error)
}

// An Own opens a person's own data to that person.
type Own = func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)

const ownData = "showing you your own data"

// ReceiptKind is the kind of receipts of choices in addresses.
const ReceiptKind = "choice"

// A choicesBody is the page of choices.
type choicesBody struct {
	Notice string // the hash of the text on the page
	Asks   []askView
	Closes string // the last paragraph of the notice
	Stale  bool   // the form came from another text
}

// An askView is one question with the answer it has now.
type askView struct {
	consent.Ask
	Name    string // of the radio buttons
	State   web.Badge
	Since   time.Time
	Expires time.Time
	Yes, No bool
	Receipt *ledgerweb.Check
}

type portal struct {
	store Store
	log   ledgerweb.ReceiptLog
	own   Own
	pages *web.Pages
	frame *web.Frame
	now   func() time.Time
}

// Portal returns the page on which people choose. A nil clock means time.Now.
func Portal(kit *web.Kit, s Store, log ledgerweb.ReceiptLog, own Own, now func() time.Time) (web.Section, error) {
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", ledgerweb.CheckPartial)
	if err != nil {
		return web.Section{}, err
	}
	if now == nil {
		now = time.Now
	}
	nav := []web.NavItem{{Label: "My choices", Href: "/privacy/choices"}}
	return web.Section{Nav: nav, Mount: func(mux *http.ServeMux, f *web.Frame) {
		p := &portal{store: s, log: log, own: own, pages: pages, frame: f, now: now}
		mux.HandleFunc("GET /privacy/choices", func(w http.ResponseWriter, r *http.Request) { p.show(w, r, false) })
		mux.HandleFunc("POST /privacy/choices", p.save)
	}}, nil
}

func (p *portal) show(w http.ResponseWriter, r *http.Request, stale bool) {
	who := web.VisitorFrom(r.Context()).Subject
	grant, err := p.own(r.Context(), who, thimble.PrivacyPreferences)
	var history []consentdb.Recorded
	if err == nil {
		history, err = p.store.History(r.Context(), grant)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	status := http.StatusOK
	if stale {
		status = http.StatusConflict
	}
	body, err := p.body(r.Context(), who, history, r.URL.Query().Get("done") == "saved")
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body.Stale = stale
	p.frame.Render(w, r, status, p.pages, "portal_choices.html", web.Page{
		Title: "My choices", Lead: "You decide what the shop may do with your data. Change your mind whenever you like.",
		Notice: &web.AccessNotice{Purpose: ownData}, Body: body,
		Scripts: []string{ledgerweb.CheckScript}, Styles: []string{ledgerweb.CheckStyle},
	})
}

func (p *portal) body(ctx context.Context, who thimble.SubjectID, history []consentdb.Recorded, saved bool) (choicesBody, error) {
	notice := consent.Current()
	body := choicesBody{Notice: notice.Ref().SHA256, Closes: closing(notice)}
	for i, a := range consent.Asked {
		standing, err := p.store.Standing(ctx, who, a.Purpose)
		if err != nil {
			return body, err
		}
		state := standing.Now(p.now())
		v := askView{Ask: a, Name: "choice-" + strconv.Itoa(i), State: badge(state)}
		v.Yes = state.Permits()
		v.No = state == consent.Refused || state == consent.Withdrawn
		for _, h := range slices.Backward(history) {
			// Of a person with several accounts it is the answer that counts.
			if e := h.Event; e.Purpose == a.Purpose && e.Seq == standing.Seq && e.At.Equal(standing.At) {
				check := ledgerweb.CheckOf(p.log, ReceiptKind, receiptKey(e), "this answer")
				check.Auto = saved
				v.Since, v.Expires, v.Receipt = e.At, e.Expires, &check
				break
			}
		}
		body.Asks = append(body.Asks, v)
	}
	return body, nil
}

// receiptKey names a choice among all of a person, who may have several subjects.
func receiptKey(e consent.Event) string {
	return strconv.FormatInt(e.Seq, 10) + "-" + e.Subject.String()
}

// closing is the last paragraph of the notice, which belongs to no question.
func closing(n consent.Notice) string {
	parts := strings.Split(strings.TrimSpace(n.Text), "\n\n")
	return parts[len(parts)-1]
}

func badge(s consent.State) web.Badge {
	switch s {
	case consent.Given:
		return web.Badge{Text: "You allow this", Tone: web.Good}
	case consent.Refused:
		return web.Badge{Text: "You do not allow this"}
	case consent.Withdrawn:
		return web.Badge{Text: "You stopped this"}
	case consent.Expired:
		return web.Badge{Text: "Your yes has run out", Tone: web.Warn}
	}
	return web.Badge{Text: "Not asked yet, so it is off", Tone: web.Info}
}

// The answers of the form.
const (
	yes = "allow"
	no  = "refuse"
)

// how many bytes the form of two radio buttons can have.
const maxForm = 1 << 14

func (p *portal) save(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.frame.Fail(w, r, fmt.Errorf("consent: reading the form: %w", thimble.ErrInvalid))
		return
	}
	notice := consent.Current()
	if r.PostForm.Get("notice") != notice.Ref().SHA256 {
		p.show(w, r, true)
		return
	}
	who := web.VisitorFrom(r.Context()).Subject
	choices, err := p.choices(r, who)
	if err == nil && len(choices) > 0 {
		_, err = p.store.Record(r.Context(), who, choices, consentdb.How{
			Notice: notice, By: consent.By{Actor: "subject", Auth: "session"},
			UI: consent.UI{Component: "privacy-centre", Path: []string{"choices", button(r)}},
		})
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	done := "saved"
	if len(choices) == 0 {
		done = "same"
	}
	http.Redirect(w, r, "/privacy/choices?done="+done, http.StatusSeeOther)
}

// button says which button was pressed; anything else is the one that saves.
func button(r *http.Request) string {
	if b := r.PostForm.Get("all"); b == yes || b == no {
		return b + "-all"
	}
	return "save"
}

// choices returns the answers that change something.
func (p *portal) choices(r *http.Request, who thimble.SubjectID) ([]consent.Choice, error) {
	var changed []consent.Choice
	for i, a := range consent.Asked {
		answer := r.PostForm.Get("choice-" + strconv.Itoa(i))
		switch button(r) {
		case "allow-all":
			answer = yes
		case "refuse-all":
			answer = no
		}
		standing, err := p.store.Standing(r.Context(), who, a.Purpose)
		if err != nil {
			return nil, err
		}
		if next, ok := next(standing.Now(p.now()), answer); ok {
			changed = append(changed, consent.Choice{Purpose: a.Purpose, State: next})
		}
	}
	return changed, nil
}

// next returns what an answer makes of a state, and whether that is anything new.
// Whoever says no after a yes withdraws; whoever never said yes refuses.
func next(now consent.State, answer string) (consent.State, bool) {
	switch {
	case answer == yes && now != consent.Given:
		return consent.Given, true
	case answer == no && (now == consent.Given || now == consent.Expired):
		return consent.Withdrawn, true
	case answer == no && now == "":
		return consent.Refused, true
	}
	return "", false
}

// PortalReceipts is the source of the receipts of choices.
func PortalReceipts(s Store, own Own) ledgerweb.Source {
	history := func(ctx context.Context, who thimble.SubjectID) ([]consentdb.Recorded, error) {
		grant, err := own(ctx, who, thimble.PrivacyPreferences)
		if err != nil {
			return nil, err
		}
		return s.History(ctx, grant)
	}
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Choices",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := history(ctx, who)
			listed := make([]ledgerweb.Listed, 0, len(all))
			for _, h := range slices.Backward(all) {
				listed = append(listed, ledgerweb.Listed{Key: receiptKey(h.Event), At: h.Event.At, Title: said(h.Event), Text: title(h.Event.Purpose)})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error) {
			all, err := history(ctx, who)
			for _, h := range all {
				if receiptKey(h.Event) == key {
					return h.Opening, nil
				}
			}
			if err == nil {
				err = fmt.Errorf("consent: a choice of that number: %w", thimble.ErrNotFound)
			}
			return ledger.Opening{}, err
		},
	}
}

func said(e consent.Event) string {
	words := map[consent.State]string{consent.Given: "You allowed", consent.Refused: "You did not allow", consent.Withdrawn: "You stopped"}[e.State]
	if e.By.Actor == "demo-rule" {
		words = map[consent.State]string{consent.Given: "The demo’s rule allowed", consent.Refused: "The demo’s rule did not allow", consent.Withdrawn: "The demo’s rule stopped"}[e.State]
	}
	return words
}

func title(p thimble.Purpose) string {
	for _, a := range consent.Asked {
		if a.Purpose == p {
			return a.Title
		}
	}
	return string(p)
}

// PortalCard sums up a person's choices, for the privacy centre's first page.
func PortalCard(s Store, now func() time.Time) func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	if now == nil {
		now = time.Now
	}
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		card := web.Card{Icon: "check", Title: "My choices", Href: "/privacy/choices"}
		allowed := 0
		for _, a := range consent.Asked {
			standing, err := s.Standing(ctx, who, a.Purpose)
			if err != nil {
				return card, err
			}
			mark := "Off"
			if standing.Now(now()).Permits() {
				mark = "On"
				allowed++
			}
			card.Text += mark + ": " + a.Title + ". "
		}
		card.Badge = &web.Badge{Text: fmt.Sprintf("%d of %d allowed", allowed, len(consent.Asked))}
		if allowed > 0 {
			card.Badge.Tone = web.Good
		}
		return card, nil
	}
}
