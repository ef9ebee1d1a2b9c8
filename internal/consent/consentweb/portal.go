package consentweb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html pages/_asks.html
var portalFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Assets returns the style of the pages on which people choose; it goes to the kit
// ([web.Config]).
func Assets() fs.FS { return assetFiles }

const (
	choicesStyle = "choices.css"
	asksPartial  = "pages/_asks.html"
)

// A Store keeps choices; consentdb.Whole is one.
type Store interface {
	FormStore
	Histories
}

// Histories opens a person's choices.
type Histories interface {
	History(ctx context.Context, g thimble.Grant) ([]consentdb.Recorded, error)
}

// An Own opens a person's own data to that person.
type Own = func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)

// PortalDeps are what the page of choices works with.
type PortalDeps struct {
	Store Store
	Log   ledgerweb.ReceiptLog
	Own   Own
	// Controller is who answers for the use of the data, as records name it.
	Controller consent.Controller
	// Children returns for whom somebody decides as a guardian; nil: nobody.
	Children func(ctx context.Context, guardian thimble.SubjectID) ([]thimble.SubjectID, error)
	Now      func() time.Time // nil means time.Now
}

const ownData = "showing you your own data"

// ReceiptKind is the kind of receipts of choices in addresses.
const ReceiptKind = "choice"

// The components of choices, as events name them with their versions.
const (
	centreUI   = "privacy-centre@2"
	guardianUI = "guardian@1"
)

// A choicesBody is the page of choices.
type choicesBody struct {
	Form     form
	Stale    bool // the form came from another text
	Signals  []web.Callout
	Children []web.Action
}

type portal struct {
	PortalDeps
	pages *web.Pages
	frame *web.Frame
}

const choicesPath = "/privacy/choices"

// Portal returns the page on which people choose, for themselves and for the children
// they answer for.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", asksPartial, ledgerweb.CheckPartial)
	if err != nil {
		return web.Section{}, err
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Children == nil {
		d.Children = func(context.Context, thimble.SubjectID) ([]thimble.SubjectID, error) { return nil, nil }
	}
	nav := []web.NavItem{{Label: "My choices", Href: choicesPath}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{PortalDeps: d, pages: pages, frame: f}
		mux.HandleFunc("GET "+choicesPath, func(w http.ResponseWriter, r *http.Request) { p.show(w, r, false) })
		mux.HandleFunc("POST "+choicesPath, p.save)
		mux.HandleFunc("GET "+choicesPath+"/record/{key}", p.record)
		mux.HandleFunc("GET "+childPath+"{child}", func(w http.ResponseWriter, r *http.Request) { p.showChild(w, r, false) })
		mux.HandleFunc("POST "+childPath+"{child}", p.saveChild)
	}}, nil
}

func (p *portal) history(ctx context.Context, who thimble.SubjectID) ([]consentdb.Recorded, error) {
	return ownHistory(ctx, p.Store, p.Own, who)
}

func ownHistory(ctx context.Context, s Histories, own Own, who thimble.SubjectID) ([]consentdb.Recorded, error) {
	grant, err := own(ctx, who, thimble.PrivacyPreferences)
	if err != nil {
		return nil, err
	}
	return s.History(ctx, grant)
}

func (p *portal) show(w http.ResponseWriter, r *http.Request, stale bool) {
	who := web.VisitorFrom(r.Context()).Subject
	history, err := p.history(r.Context(), who)
	var body choicesBody
	if err == nil {
		body, err = p.body(r, who, history)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body.Stale = stale
	p.frame.Render(w, r, status(stale), p.pages, "portal_choices.html", web.Page{
		Title: "My choices", Lead: "You decide what the shop may do with your data. Change your mind whenever you like.",
		Notice: &web.AccessNotice{Purpose: ownData}, Body: body,
		Scripts: []string{ledgerweb.CheckScript}, Styles: []string{ledgerweb.CheckStyle, choicesStyle},
	})
}

func status(stale bool) int {
	if stale {
		return http.StatusConflict
	}
	return http.StatusOK
}

func (p *portal) body(r *http.Request, who thimble.SubjectID, history []consentdb.Recorded) (choicesBody, error) {
	f, err := formOf(r.Context(), p.Store, who, p.Now(), choicesPath, false)
	if err != nil {
		return choicesBody{}, err
	}
	for i := range f.Asks {
		p.tell(&f.Asks[i], history, r.URL.Query().Get("done") == "saved")
	}
	body := choicesBody{Form: f, Signals: signalsOf(history, web.GPCFrom(r.Context()))}
	children, err := p.Children(r.Context(), who)
	for i, c := range children {
		body.Children = append(body.Children, web.Action{Label: childLabel(i), Href: childPath + c.String()})
	}
	return body, err
}

// tell adds to a question when and by whom it was answered, and the proof.
func (p *portal) tell(v *askView, history []consentdb.Recorded, saved bool) {
	for _, h := range slices.Backward(history) {
		// Of a person with several accounts it is the answer that counts.
		if e := h.Event; e.Purpose == v.Purpose && e.Seq == v.standing.Seq && e.At.Equal(v.standing.At) {
			check := ledgerweb.CheckOf(p.Log, ReceiptKind, receiptKey(e), "this answer")
			check.Auto = saved
			v.Since, v.Expires, v.By, v.Receipt = e.At, e.Expires, chose(e.By), &check
			v.Record = choicesPath + "/record/" + receiptKey(e)
			return
		}
	}
}

// receiptKey names a choice among all of a person, who may have several subjects.
func receiptKey(e consent.Event) string {
	return strconv.FormatInt(e.Seq, 10) + "-" + e.Subject.String()
}

func (p *portal) save(w http.ResponseWriter, r *http.Request) {
	fresh, err := parseForm(w, r)
	if err == nil && !fresh {
		p.show(w, r, true)
		return
	}
	who := web.VisitorFrom(r.Context()).Subject
	var changed []consent.Choice
	if err == nil {
		changed, err = submit(r, p.Store, who, p.Now(), consentdb.How{
			Notice: consent.Current(), By: consent.By{Actor: "subject", Auth: "session"},
			UI: consent.UI{Component: centreUI, Path: []string{"choices", button(r)}},
		})
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, choicesPath+"?done="+done(changed), http.StatusSeeOther)
}

// submit records the answers of a form that change something.
func submit(r *http.Request, s FormStore, who thimble.SubjectID, at time.Time, how consentdb.How) ([]consent.Choice, error) {
	questions, err := s.Questions(r.Context(), who)
	if err != nil {
		return nil, err
	}
	changed := choices(r, questions, at)
	if len(changed) == 0 {
		return nil, nil
	}
	_, err = s.Record(r.Context(), who, changed, how)
	return changed, err
}

func done(changed []consent.Choice) string {
	if len(changed) == 0 {
		return "same"
	}
	return "saved"
}

// record gives a choice to take along, in the form of ISO/IEC TS 27560.
func (p *portal) record(w http.ResponseWriter, r *http.Request) {
	history, err := p.history(r.Context(), web.VisitorFrom(r.Context()).Subject)
	for _, h := range history {
		if receiptKey(h.Event) != r.PathValue("key") {
			continue
		}
		text, err := consent.Document(h.Event, p.Controller, handling(h.Event.Purpose), ledgerweb.ReceiptHref(ReceiptKind, receiptKey(h.Event)))
		if err != nil {
			p.frame.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", documentType)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="consent-%d.jsonld"`, h.Event.Seq))
		_, _ = w.Write(text) // whoever asked may have gone
		return
	}
	if err == nil {
		err = fmt.Errorf("consent: a choice of that number: %w", thimble.ErrNotFound)
	}
	p.frame.Fail(w, r, err)
}
