package consentweb

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

//go:embed pages/shop_*.html pages/_asks.html
var shopFiles embed.FS

// The pages of the shop on which people choose.
const (
	ShopChoices = "/shop/choices"
	shopBanner  = "/shop/choices/banner"
)

// The components of choices in the shop, with the version of what was shown.
const (
	bannerUI      = "banner@1"
	preferencesUI = "preferences@1"
)

const later = "later"

// ShopDeps are what the shop's banner and its form of preferences work with.
type ShopDeps struct {
	Store FormStore
	Log   *slog.Logger
	Now   func() time.Time // nil means time.Now
}

func (d *ShopDeps) fill() {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
}

type shop struct {
	ShopDeps
	pages *web.Pages
	frame *web.Frame
}

// Shop returns the shop's form of preferences, and what the banner's buttons do.
func Shop(kit *web.Kit, d ShopDeps) (web.Section, error) {
	d.fill()
	pages, err := kit.Pages(ledgerweb.WithCheck(shopFiles), "pages/shop_*.html", asksPartial, ledgerweb.CheckPartial)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		s := &shop{ShopDeps: d, pages: pages, frame: f}
		mux.HandleFunc("GET "+ShopChoices, func(w http.ResponseWriter, r *http.Request) { s.show(w, r, false) })
		mux.HandleFunc("POST "+ShopChoices, s.save)
		mux.HandleFunc("POST "+shopBanner, s.answer)
	}}, nil
}

// visitor is who is signed in; nobody has choices to make.
func visitor(w http.ResponseWriter, r *http.Request) (thimble.SubjectID, bool) {
	who := web.VisitorFrom(r.Context()).Subject
	if who.IsZero() {
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	return who, !who.IsZero()
}

func (s *shop) show(w http.ResponseWriter, r *http.Request, stale bool) {
	who, ok := visitor(w, r)
	if !ok {
		return
	}
	f, err := formOf(r.Context(), s.Store, who, s.Now(), ShopChoices, false)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Render(w, r, status(stale), s.pages, "shop_choices.html", web.Page{
		Title: "What may the shop do with your data?", Lead: "Each answer counts at once. You can change it here or in the privacy centre at any time.",
		Body: choicesBody{Form: f, Stale: stale}, Styles: []string{choicesStyle},
	})
}

func (s *shop) save(w http.ResponseWriter, r *http.Request) {
	who, ok := s.begin(w, r)
	if !ok {
		return
	}
	changed, err := submit(r, s.Store, who, s.Now(), byHand(preferencesUI, button(r)))
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/?done=choices-"+done(changed), http.StatusSeeOther)
}

// begin reads a form of somebody who is signed in, and answers one that cannot be taken:
// a broken one, or one whose text has changed since. It reports whether to go on.
func (s *shop) begin(w http.ResponseWriter, r *http.Request) (thimble.SubjectID, bool) {
	who, ok := visitor(w, r)
	if !ok {
		return who, false
	}
	fresh, err := parseForm(w, r)
	switch {
	case err != nil:
		s.frame.Fail(w, r, err)
	case !fresh:
		s.show(w, r, true)
	}
	return who, err == nil && fresh
}

func byHand(component, step string) consentdb.How {
	return consentdb.How{Notice: consent.Current(), By: consent.By{Actor: "subject", Auth: "session"}, UI: consent.UI{Component: component, Path: []string{step}}}
}

// answer records what a button of the banner says to all that the banner asked.
func (s *shop) answer(w http.ResponseWriter, r *http.Request) {
	who, ok := s.begin(w, r)
	if !ok {
		return
	}
	asked, err := open(r.Context(), s.Store, who, s.Now())
	var changed []consent.Choice
	for _, q := range asked {
		if state, is := bannerState(r, q.Standing.Now(s.Now())); is {
			changed = append(changed, consent.Choice{Purpose: q.Ask.Purpose, State: state})
		}
	}
	if err == nil && len(changed) > 0 {
		_, err = s.Store.Record(r.Context(), who, changed, byHand(bannerUI, step(r)))
	}
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/?done=choices-"+done(changed), http.StatusSeeOther)
}

func step(r *http.Request) string {
	if r.PostForm.Get("all") == later {
		return later
	}
	return button(r)
}

// bannerState is what a button says; anything that is none of them says nothing.
func bannerState(r *http.Request, now consent.State) (consent.State, bool) {
	switch r.PostForm.Get("all") {
	case yes, no:
		return next(now, r.PostForm.Get("all"))
	case later:
		return consent.Deferred, now != consent.Deferred
	}
	return "", false
}

// open returns what the banner asks a person: the purposes that are off, and about
// which they may be asked. A child is not asked.
func open(ctx context.Context, s FormStore, who thimble.SubjectID, at time.Time) ([]consent.Question, error) {
	age, err := s.Age(ctx, who)
	if err != nil || age.Known && !age.Adult {
		return nil, err
	}
	questions, err := s.Questions(ctx, who)
	var asked []consent.Question
	for _, q := range questions {
		if q.Part.Scope == (consent.Scope{}) && q.May && !q.Standing.Now(at).Permits() {
			asked = append(asked, q)
		}
	}
	return asked, err
}

// ShopPrompt returns the banner for whoever looks at a page of the shop: a question for
// somebody who is signed in, may be asked and has not answered; for a visitor who is
// nobody, that nothing is collected. It sets nothing and stores nothing. A banner that
// cannot be made is left out: silence is refusal.
func ShopPrompt(d ShopDeps) func(r *http.Request) *web.Prompt {
	d.fill()
	return func(r *http.Request) *web.Prompt {
		who := web.VisitorFrom(r.Context()).Subject
		if strings.HasPrefix(r.URL.Path, ShopChoices) {
			return nil
		}
		if who.IsZero() {
			if r.URL.Path != "/" {
				return nil
			}
			return &web.Prompt{Title: "Nothing is collected about you here", Text: "You are not signed in. No cookie is set, nothing about you is kept, and so there is nothing to allow."}
		}
		asked, err := open(r.Context(), d.Store, who, d.Now())
		if err != nil {
			d.Log.ErrorContext(r.Context(), "consent banner left out", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(r.Context())))
			return nil
		}
		return banner(asked)
	}
}

// banner asks. Its three buttons are alike, and the first refuses.
func banner(asked []consent.Question) *web.Prompt {
	if len(asked) == 0 {
		return nil
	}
	notice := consent.Current()
	p := &web.Prompt{
		Title: "May we use your orders for more than delivering them?", Text: "As long as you do not say yes, we do not. Nothing gets worse without it.",
		More: notice.Text, Action: shopBanner, Hidden: []web.Hidden{{Name: "notice", Value: notice.Ref().SHA256}},
		Buttons: []web.PromptButton{
			{Label: "Refuse all", Name: "all", Value: no}, {Label: "Choose", Href: ShopChoices}, {Label: "Allow all", Name: "all", Value: yes},
		},
		Later: &web.PromptButton{Label: "Decide later", Name: "all", Value: later},
	}
	for _, q := range asked {
		p.Points = append(p.Points, web.KeyValue{Key: q.Ask.Title, Value: q.Ask.What})
	}
	return p
}
