package casesweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/gate/gateweb"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// The pages of the privacy centre.
const (
	PortalPath = "/privacy/requests"
	LimitPath  = "/privacy/limit"
)

// A Store keeps cases; *casesdb.Store does, its Of over all subjects of a person.
type Store interface {
	Open(ctx context.Context, a casesdb.Asked) (cases.Case, error)
	Do(ctx context.Context, id thimble.ID, e cases.Event, words thimble.Personal[string]) (cases.Case, error)
	Complete(ctx context.Context, id thimble.ID, by, staff, ref string, words thimble.Personal[string]) (cases.Case, error)
	InPart(ctx context.Context, id thimble.ID, staff string, part cases.Part, words thimble.Personal[string]) (cases.Case, error)
	Get(ctx context.Context, id thimble.ID) (cases.Case, error)
	Of(ctx context.Context, who thimble.SubjectID, limit int) ([]cases.Case, error)
	Steps(ctx context.Context, id thimble.ID) ([]casesdb.Kept, error)
}

// A Begin begins what a case asks for, and does what can be done at once.
type Begin func(ctx context.Context, id thimble.ID, by, staff string) (cases.Case, error)

// Children finds those whom somebody answers for as a guardian.
type Children = func(ctx context.Context, guardian thimble.SubjectID) ([]thimble.SubjectID, error)

// PortalDeps are what the pages of the privacy centre are made of.
type PortalDeps struct {
	Store Store
	Begin Begin
	// Systems take part in requests outside; nil: none does.
	Systems Systems
	Letters Letters // nil: nobody is written to
	Access  func(ctx context.Context, who thimble.SubjectID) (rights.Archive, error)
	// Children are those whom somebody answers for.
	Children Children
	// Restricted says whether a person's data is kept and not used.
	Restricted func(ctx context.Context, who thimble.SubjectID) (bool, error)
	// Refuses says whether somebody said no to a purpose.
	Refuses func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (bool, error)
	// Corrections find what can be corrected, and tell what came of it.
	Corrections Corrections
	Own         gateweb.Own
	Now         func() time.Time
}

// Proofs are the patterns that need a fresh proof of who it is.
func Proofs() []string { return []string{"POST " + PortalPath + "/{case}/confirm"} }

type portal struct {
	PortalDeps
	pages *web.Pages
	frame *web.Frame
}

// Portal returns the pages on which people ask, see what became of it, and limit what is
// done with their data.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "My requests", Href: PortalPath}, {Label: "Limits", Href: LimitPath}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{PortalDeps: d, pages: pages, frame: f}
		mux.HandleFunc("GET "+PortalPath, func(w http.ResponseWriter, r *http.Request) { p.list(w, r, nil) })
		mux.HandleFunc("POST "+PortalPath, p.ask)
		mux.HandleFunc("GET "+PortalPath+"/{case}", func(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, "") })
		mux.HandleFunc("POST "+PortalPath+"/{case}/confirm", p.confirm)
		mux.HandleFunc("POST "+PortalPath+"/{case}/collect", p.collect)
		for path, what := range map[string]cases.What{"withdraw": cases.Withdrawn, "reply": cases.Replied, "appeal": cases.WasAppealed} {
			mux.HandleFunc("POST "+PortalPath+"/{case}/"+path, p.does(what))
		}
		mux.HandleFunc("GET "+CorrectPath, p.correctPage)
		mux.HandleFunc("POST "+CorrectPath, p.correct)
		mux.HandleFunc("GET "+LimitPath, p.limits)
		mux.HandleFunc("POST "+LimitPath, p.limit)
	}}, nil
}

// shown bounds the list of a person's requests.
const shown = 200

// asked are the kinds of the form: those that have no page of their own.
func asked() (all []cases.Nature) {
	elsewhere := []cases.Kind{cases.Erase, cases.Restrict, cases.Lift, cases.Object, cases.Withdraw, cases.Marketing, cases.Sale, cases.ShareAds, cases.Profiling, cases.Sensitive}
	for _, n := range cases.Natures() {
		if !slices.Contains(elsewhere, n.Kind) {
			all = append(all, n)
		}
	}
	return all
}

type listBody struct {
	Table web.Table
	Ask   web.Form
}

func (p *portal) form(children int) web.Form {
	kind := web.Field{Name: "kind", Label: "What I want", Kind: web.RadioField, Required: true}
	for _, n := range asked() {
		kind.Options = append(kind.Options, web.Option{Value: string(n.Kind), Label: n.Words, Hint: n.Law})
	}
	f := web.Form{ID: "ask", Action: PortalPath, Legend: "Ask for something", Submit: "Ask", Fields: []web.Field{kind, textField("In your own words", "You may leave this empty; only who answers reads it.", false)},
		Intro: "You are signed in: nothing more is needed to show who you are. To be forgotten, go to My data; to stop a use, go to Limits: both happen at once."}
	if children > 0 {
		n, _ := cases.NatureOf(cases.Erase)
		kind.Options = append(kind.Options, web.Option{Value: string(cases.Erase), Label: n.Words, Hint: "For somebody you answer for. The shop looks at it before anything is done."})
		f.Fields[0] = kind
		whose := web.Field{Name: "for", Label: "For whom", Kind: web.SelectField, Value: "0", Options: []web.Option{{Value: "0", Label: "For me"}}}
		for i := range children {
			whose.Options = append(whose.Options, web.Option{Value: strconv.Itoa(i + 1), Label: fmt.Sprintf("For somebody I answer for (%d)", i+1)})
		}
		f.Fields = append([]web.Field{whose}, f.Fields...)
	}
	return f
}

func (p *portal) list(w http.ResponseWriter, r *http.Request, refused func(web.Form) web.Form) {
	ctx, who := r.Context(), web.VisitorFrom(r.Context()).Subject
	_, err := p.Own(ctx, who, thimble.PrivacyPreferences)
	var all []cases.Case
	if err == nil {
		all, err = p.Store.Of(ctx, who, shown)
	}
	children, childErr := p.Children(ctx, who)
	for _, c := range children {
		theirs, err := p.Store.Of(ctx, c, shown)
		childErr = errors.Join(childErr, err)
		all = append(all, slices.DeleteFunc(theirs, func(c cases.Case) bool { return c.Via != cases.Guardian })...)
	}
	if err = errors.Join(err, childErr); err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body, status := listBody{Table: listed(all, p.Now()), Ask: p.form(len(children))}, http.StatusOK
	if refused != nil {
		body.Ask, status = refused(body.Ask), http.StatusUnprocessableEntity
	}
	p.frame.Render(w, r, status, p.pages, "portal_requests.html", web.Page{
		Title: "My requests", Lead: "What you asked the shop to do about your data, by when it is due, and each step with its receipt.",
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: body,
	})
}

func listed(all []cases.Case, now time.Time) web.Table {
	t := web.Table{ID: "requests", Caption: "Requests", HideCaption: true, Columns: []web.Column{{Label: "Asked for"}, {Label: "State"}, {Label: "Asked on"}, {Label: "Due before"}},
		Empty: &web.Empty{Icon: "inbox", Title: "You have not asked for anything", Text: "Ask below. The date by which the shop must answer appears here at once."}}
	for _, c := range all {
		due := web.Cell{Value: c.Due, Sub: dueWords(c, now)}
		if c.State.Final() {
			due = web.Cell{Value: c.Closed, Sub: "closed"}
		}
		t.Rows = append(t.Rows, web.Row{Href: PortalPath + "/" + token(c), Cells: web.Cells(web.Cell{Value: c.Kind.Words(), Sub: whose(c)}, stateBadges[c.State], c.At, due)})
	}
	return t
}

func whose(c cases.Case) string {
	if c.Via == cases.Guardian {
		return "by a guardian"
	}
	if c.AgentName != "" {
		return "by " + c.AgentName
	}
	return ""
}

// ask takes a wish, and does at once what can be.
func (p *portal) ask(w http.ResponseWriter, r *http.Request) {
	if err := parse(w, r); err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	kind := cases.Kind(r.PostForm.Get("kind"))
	// That somebody else is forgotten cannot be taken back, so a guardian's word begins nothing:
	// the desk looks at it.
	theirs := kind == cases.Erase && r.PostForm.Get("for") != "" && r.PostForm.Get("for") != "0"
	if !theirs && !slices.ContainsFunc(asked(), func(n cases.Nature) bool { return n.Kind == kind }) {
		p.list(w, r, func(f web.Form) web.Form {
			return f.Fill(r.PostForm).Explain(web.FieldProblem{Field: "kind", Detail: "choose one of these."})
		})
		return
	}
	a, err := p.asker(r, kind)
	var c cases.Case
	if err == nil {
		c, err = p.Store.Open(r.Context(), a)
	}
	if errors.Is(err, thimble.ErrInvalid) {
		p.list(w, r, func(f web.Form) web.Form {
			return f.Fill(r.PostForm).Explain(web.FieldProblem{Field: "text", Detail: fmt.Sprintf("write at most %d characters.", cases.MaxText)})
		})
		return
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	if nature, _ := cases.NatureOf(kind); nature.Verb == cases.Collected && c.May(cases.Accepted) {
		// An archive waits for the person to open it, unless it has to wait before.
		if _, err := p.Begin(r.Context(), c.ID, a.By, ""); err != nil && !errors.Is(err, thimble.ErrConflict) {
			p.frame.Fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, PortalPath+"/"+token(c), http.StatusSeeOther)
}

// asker is who asks, for themselves or for somebody they answer for.
func (p *portal) asker(r *http.Request, kind cases.Kind) (casesdb.Asked, error) {
	who := web.VisitorFrom(r.Context()).Subject
	a := casesdb.Asked{Subject: who, Kind: kind, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Words: written(r)}
	n, err := strconv.Atoi(r.PostForm.Get("for"))
	if r.PostForm.Get("for") == "" || err == nil && n == 0 {
		return a, nil
	}
	children, err := p.Children(r.Context(), who)
	if err == nil && (n < 1 || n > len(children)) {
		err = fmt.Errorf("casesweb: nobody of that number is yours to ask for: %w", thimble.ErrNotFound)
	}
	if err == nil {
		a.Subject, a.Via, a.Proof, a.By = children[n-1], cases.Guardian, cases.Relation, cases.TheGuardian
	}
	return a, err
}

// found is the case of the address, if it is the visitor's, and what opens its words. A
// guardian sees the case that a guardian opened, and not what was written in it.
func (p *portal) found(r *http.Request) (c cases.Case, g thimble.Grant, by string, err error) {
	id, err := caseOf(r)
	if err != nil {
		return c, nil, "", err
	}
	who := web.VisitorFrom(r.Context()).Subject
	if c, err = p.Store.Get(r.Context(), id); err != nil {
		return c, nil, "", err
	}
	g, err = p.Own(r.Context(), who, thimble.PrivacyPreferences)
	if err != nil {
		return c, nil, "", err
	}
	if !c.Subject.IsZero() && slices.Contains(g.Members(), c.Subject) {
		return c, g, cases.ThePerson, nil
	}
	children, err := p.Children(r.Context(), who)
	if err == nil && (c.Subject.IsZero() || c.Via != cases.Guardian || !slices.Contains(children, c.Subject)) {
		err = fmt.Errorf("casesweb: %s is nobody's who asks: %w", token(c), thimble.ErrNotFound)
	}
	return c, nil, cases.TheGuardian, err
}

type showBody struct {
	Say      *web.Callout
	Facts    []web.KeyValue
	Outside  *web.Table
	Letters  *web.Table
	Do       []web.Action
	Forms    []web.Form
	Outcome  outcome
	Timeline web.Timeline
}

func (p *portal) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	c, g, _, err := p.found(r)
	var steps []casesdb.Kept
	if err == nil {
		steps, err = p.Store.Steps(r.Context(), c.ID)
	}
	body := showBody{Facts: plainFacts(c, p.Now()), Timeline: web.Timeline{Title: "What happened"}}
	var others outside
	if err == nil {
		others, err = outsideOf(r.Context(), p.Systems, c)
	}
	if err == nil {
		body.Outside = others.table()
		body.Timeline.Items, err = moments(r.Context(), plainSteps(steps), g, others.names, func(k casesdb.Kept) string { return receiptHref(k) })
	}
	if err == nil {
		written, writtenErr := lettersOf(r.Context(), p.Letters, c)
		body.Letters, err = letterTable(written), writtenErr
	}
	if err == nil {
		body.Outcome, err = p.Corrections.outcome(r.Context(), c, g)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.offer(&body, c, g != nil)
	if problem != "" {
		body.Say = &web.Callout{Tone: web.Bad, Title: "That was not possible", Text: problem}
	}
	short := web.ShortToken(token(c))
	p.frame.Render(w, r, status, p.pages, "portal_request.html", web.Page{Title: c.Kind.Words(), Crumbs: []web.Crumb{{Label: "My requests", Href: PortalPath}, {Label: short}},
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: body})
}

// offer adds what can be done now.
func (p *portal) offer(b *showBody, c cases.Case, own bool) {
	path := PortalPath + "/" + token(c)
	switch {
	case c.State == cases.Awaiting && own:
		b.Say = &web.Callout{Tone: web.Warn, Title: "Did you ask for this?", Text: "Somebody asked for it in your name. Nothing happens before you say that it was you. If it was not, take it back."}
		label := "Yes, it was me"
		if c.Agent != "" {
			b.Say.Text = c.AgentName + " asked for it in your name. Nothing happens before you say that they may. If you did not ask them to, take it back."
		}
		if c.Via == cases.Registered {
			label = "Yes, they may ask for me"
		}
		b.Do = append(b.Do, web.Action{Label: label, Href: path + "/confirm", Post: true, Kind: "primary"})
	case c.State == cases.Executing && c.Verb() == cases.Collected && own:
		b.Say = &web.Callout{Tone: web.Good, Title: "It is ready", Text: "Everything that is held about you, as it is at the moment in which you open it. Opening it answers your request."}
		b.Do = append(b.Do, web.Action{Label: "Open it", Href: path + "/collect", Post: true, Kind: "primary"})
	case c.State == cases.Clarify:
		b.Forms = append(b.Forms, web.Form{ID: "reply", Action: path + "/reply", Legend: "Answer the question", Submit: "Answer", Fields: []web.Field{textField("Your answer", "", true)}})
	case c.State == cases.Refused && c.May(cases.WasAppealed) && !c.Appeal:
		b.Forms = append(b.Forms, web.Form{ID: "appeal", Action: path + "/appeal", Legend: "You do not agree?", Submit: "Ask somebody else to decide", Fields: []web.Field{textField("Why", "Somebody who did not refuse it decides. You can also complain to the data protection authority.", true)}})
	}
	if ends := c.LimitEnds(); !ends.IsZero() {
		if b.Say == nil {
			b.Say = &web.Callout{Tone: web.Warn, Title: "The stop you asked for ends soon", Text: "Nothing is used until " + ends.Format("2 January 2006") + ". After that it is used again as you permit it."}
		}
		b.Do = append(b.Do, *button("Keep it stopped", cases.Restrict, "", ""))
	}
	if c.May(cases.Withdrawn) && !(c.State == cases.Executing && c.Verb() == cases.Executed) {
		b.Do = append(b.Do, web.Action{Label: "Take it back", Href: path + "/withdraw", Post: true, Kind: "quiet"})
	}
}

// does lets the person do something to a case of theirs.
func (p *portal) does(what cases.What) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, _, by, err := p.found(r)
		if err == nil {
			err = parse(w, r)
		}
		if err == nil {
			_, err = p.Store.Do(r.Context(), c.ID, cases.Event{What: what, By: by}, written(r))
		}
		p.done(w, r, err)
	}
}

// done shows the case again, with the reason when something was refused.
func (p *portal) done(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case err == nil:
		http.Redirect(w, r, PortalPath+"/"+r.PathValue("case"), http.StatusSeeOther)
	case errors.Is(err, thimble.ErrInvalid):
		p.show(w, r, http.StatusUnprocessableEntity, fmt.Sprintf("Write something, at most %d characters.", cases.MaxText))
	case errors.Is(err, thimble.ErrConflict):
		p.show(w, r, http.StatusConflict, "Something else has happened to it meanwhile, or it has to wait. Look at what is below.")
	default:
		p.frame.Fail(w, r, err)
	}
}

// confirm says that the person asked for what came by another way, and begins what they
// can have done alone. Being forgotten has its own page, which says what goes.
func (p *portal) confirm(w http.ResponseWriter, r *http.Request) {
	c, g, _, err := p.found(r)
	if err == nil && g == nil {
		err = fmt.Errorf("casesweb: only the person can say that: %w", thimble.ErrNotFound)
	}
	if err == nil {
		c, err = p.Store.Do(r.Context(), c.ID, cases.Event{What: cases.Proved, By: cases.ThePerson, Proof: cases.Session}, thimble.Hide(""))
	}
	if err == nil && c.Via == cases.Registered && !c.Authorised {
		c, err = p.Store.Do(r.Context(), c.ID, cases.Event{What: cases.Permitted, By: cases.ThePerson, Authority: cases.Confirmed}, thimble.Hide(""))
	}
	if err != nil {
		p.done(w, r, err)
		return
	}
	if nature, _ := cases.NatureOf(c.Kind); nature.AtOnce && !c.Cools.After(p.Now()) && c.Via != cases.Agent {
		if _, err := p.Begin(r.Context(), c.ID, cases.ThePerson, ""); err != nil {
			p.done(w, r, err)
			return
		}
	}
	if c.Kind == cases.Erase && !c.Cools.After(p.Now()) {
		http.Redirect(w, r, "/privacy/forget", http.StatusSeeOther)
		return
	}
	p.done(w, r, nil)
}

// collect opens the archive that a case waits for, which answers it.
func (p *portal) collect(w http.ResponseWriter, r *http.Request) {
	c, g, _, err := p.found(r)
	if err == nil && g == nil {
		err = fmt.Errorf("casesweb: only the person can open it: %w", thimble.ErrNotFound)
	}
	var a rights.Archive
	if err == nil {
		a, err = p.Access(r.Context(), web.VisitorFrom(r.Context()).Subject)
	}
	if err == nil {
		_, err = p.Store.Complete(r.Context(), c.ID, cases.ThePerson, "", a.Report.Request, thimble.Hide(""))
	}
	if err != nil {
		p.done(w, r, err)
		return
	}
	http.Redirect(w, r, collected(c.Kind), http.StatusSeeOther)
}

// collected is where somebody finds what they asked for.
func collected(k cases.Kind) string {
	switch k {
	case cases.Recipients:
		return "/privacy/shared"
	case cases.Port:
		return "/privacy/take"
	}
	return "/privacy/data"
}

func receiptKey(k casesdb.Kept) string { return k.Step.Case + "-" + strconv.Itoa(k.N) }

// splitKey undoes receiptKey.
func splitKey(key string) (id thimble.ID, n int, err error) {
	name, number, _ := strings.Cut(key, "-")
	n, numErr := strconv.Atoi(number)
	id, err = thimble.ParseID(cases.TokenPrefix, name)
	if err != nil || numErr != nil {
		return id, 0, fmt.Errorf("casesweb: the address: %w", thimble.ErrNotFound)
	}
	return id, n, nil
}
