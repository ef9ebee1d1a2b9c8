package staffweb

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/session/sessionweb"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var files embed.FS

// The places of signing in.
const (
	Home    = "/console"
	SignIn  = Home + "/sign-in"
	Links   = Home + "/link/" // a token follows
	SignOut = Home + "/sign-out"
)

// Accounts keeps accounts; *staffdb.Store does.
type Accounts interface {
	Account(ctx context.Context, name string) (staff.Account, error)
	SignIn(ctx context.Context, name string, password thimble.Personal[string], code string) (staff.Account, error)
	KnowBrowser(ctx context.Context, a staff.Account) (token string, err error)
	KnowsBrowser(ctx context.Context, name, token string) (bool, error)
	Check(name string, u staffdb.Setup) error
	SetUp(ctx context.Context, name string, u staffdb.Setup) ([]thimble.Personal[string], error)
	NewPassword(ctx context.Context, name string, password thimble.Personal[string]) error
	NewFactor(ctx context.Context, name string, u staffdb.Setup) ([]thimble.Personal[string], error)
}

// Peeker says for whom a link was made without using it; *sessiondb.Store does.
type Peeker interface {
	Peek(ctx context.Context, token string, audience session.Audience) (session.Who, error)
}

// Deps are what the pages are made of.
type Deps struct {
	Accounts Accounts
	Door     *sessionweb.Door // of the staff
	Links    Peeker
	Sessions sessionweb.Sessions
	Log      *slog.Logger
	Hint     string // the command that prints a link; "thimble sign-in" when empty
	Issuer   string // as the app of a second factor shows it; "Thimble" when empty
	// Demo says that a link signs in directly while no password is set.
	Demo   bool
	Secure bool // browsers come by TLS
	Now    func() time.Time
}

func (d Deps) filled() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Hint == "" {
		d.Hint = "thimble sign-in"
	}
	if d.Issuer == "" {
		d.Issuer = "Thimble"
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

type entrance struct {
	Deps
	pages  *web.Pages
	frame  *web.Frame
	guests guests
}

// Entrance returns the pages that need nobody signed in: the form, and the links.
func Entrance(kit *web.Kit, deps Deps) (web.Section, error) {
	pages, err := kit.Pages(files, "pages/*.html")
	if err != nil {
		return web.Section{}, err
	}
	deps = deps.filled()
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		e := &entrance{Deps: deps, pages: pages, frame: f, guests: newGuests(deps.Now)}
		mux.HandleFunc("GET "+SignIn, func(w http.ResponseWriter, r *http.Request) { e.show(w, r, http.StatusOK, "") })
		mux.HandleFunc("POST "+SignIn, e.signIn)
		mux.HandleFunc("GET "+Links+"{token}", e.link)
		mux.HandleFunc("POST "+Links+"{token}", e.use)
	}}, nil
}

type signInBody struct {
	Left    *web.Callout
	Form    web.Form
	Command web.CodeBlock
}

const title = "Sign in to the console"

func (e *entrance) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	w.Header().Set("Cache-Control", "no-store")
	form := web.Form{ID: "in", Action: SignIn, Submit: "Sign in", Problem: problem, Fields: credentials(r.PostFormValue("name"))}
	if next := e.next(r); next != "" {
		form.Fields = append(form.Fields, web.Field{Name: "next", Kind: web.HiddenField, Value: next})
	}
	body := signInBody{Form: form, Command: web.CodeBlock{Title: "On the server", Lang: "shell", Code: e.Hint}}
	if r.URL.Query().Get("left") != "" {
		body.Left = &web.Callout{Tone: web.Good, Title: "You are signed out", Text: "Whoever has this browser now has to sign in."}
	}
	e.frame.Render(w, r, status, e.pages, "sign_in.html", web.Page{Title: title, Body: body})
}

func credentials(name string) []web.Field {
	return []web.Field{
		{Name: "name", Label: "Name", Required: true, Autocomplete: "username", MaxLength: 32, Value: name},
		{Name: "password", Label: "Password", Kind: web.PasswordField, Required: true, Autocomplete: "current-password", MaxLength: 256},
		codeField("Of your app; or a recovery code."),
	}
}

func codeField(hint string) web.Field {
	return web.Field{Name: "code", Label: "Code", Required: true, Autocomplete: "one-time-code", MaxLength: 32, Short: true, Hint: hint}
}

func (e *entrance) next(r *http.Request) string {
	return sessionweb.ReturnTo(r, Home, SignIn, Links, SignOut, Confirm)
}

const wrong = "Name, password or code is wrong. A code comes in once: wait for the next one."

func (e *entrance) signIn(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("name")
	known, err := e.Accounts.KnowsBrowser(r.Context(), name, browser(r, e.Secure))
	if err != nil {
		e.frame.Fail(w, r, err)
		return
	}
	if wait, ok := e.guests.allow(r, name, known); !ok {
		w.Header().Set("Retry-After", web.RetryAfter(wait))
		e.show(w, r, http.StatusTooManyRequests, "Too many tries. Wait a little, or use a browser in which you came in before.")
		return
	}
	a, err := e.Accounts.SignIn(r.Context(), name, thimble.Hide(r.PostFormValue("password")), r.PostFormValue("code"))
	if errors.Is(err, thimble.ErrDenied) {
		e.Log.WarnContext(r.Context(), "a sign-in was refused", slog.String("request_id", web.RequestIDFrom(r.Context())))
		e.show(w, r, http.StatusForbidden, wrong)
		return
	}
	if err == nil {
		err = e.begin(w, r, a)
	}
	if err != nil {
		e.frame.Fail(w, r, err)
		return
	}
	to := Home
	if next := e.next(r); next != "" {
		to = next
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (e *entrance) begin(w http.ResponseWriter, r *http.Request, a staff.Account) error {
	if err := e.Door.Begin(w, r, session.Who{Staff: a.Name}); err != nil {
		return err
	}
	e.Log.InfoContext(r.Context(), "staff signed in", slog.String("request_id", web.RequestIDFrom(r.Context())))
	token, err := e.Accounts.KnowBrowser(r.Context(), a)
	if err == nil {
		setBrowser(w, token, e.Secure)
	}
	return err
}

// A linkBody is the page of a one-time link.
type linkBody struct {
	Used  *web.Callout
	Form  *web.Form
	Setup *setupBody
}

// link shows what a link is for. Looking at it does not use it up: mail filters and
// previews look at links too.
func (e *entrance) link(w http.ResponseWriter, r *http.Request) {
	a, err := e.invited(r)
	switch {
	case err != nil:
		e.spent(w, r, err)
	case e.Demo:
		form := web.Form{Action: r.URL.Path, Submit: "Sign in",
			Intro: "The link works once and for 15 minutes. You stay signed in for 8 hours, or until you do nothing for 30 minutes."}
		e.showLink(w, r, http.StatusOK, linkBody{Form: &form})
	default:
		e.showSetup(w, r, a, "", nil)
	}
}

// invited returns for whose first sign-in the link is. Where a password is set a link
// opens nothing, and is told like one that never was.
func (e *entrance) invited(r *http.Request) (staff.Account, error) {
	who, err := e.Links.Peek(r.Context(), r.PathValue("token"), session.Staff)
	if err != nil {
		return staff.Account{}, err
	}
	a, err := e.Accounts.Account(r.Context(), who.Staff)
	if err != nil {
		return staff.Account{}, err
	}
	if a.HasPassword || a.Status != staff.Invited {
		return staff.Account{}, thimble.ErrDenied
	}
	return a, nil
}

func (e *entrance) spent(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrNotFound) {
		e.frame.Fail(w, r, err)
		return
	}
	used := web.Callout{Tone: web.Warn, Title: "This link does not work any more", Text: "It was used already, is older than 15 minutes, or its account has a password.",
		Action: &web.Action{Label: "How to sign in", Href: SignIn}}
	e.showLink(w, r, http.StatusForbidden, linkBody{Used: &used})
}

func (e *entrance) showLink(w http.ResponseWriter, r *http.Request, status int, body linkBody) {
	w.Header().Set("Cache-Control", "no-store")
	e.frame.Render(w, r, status, e.pages, "link.html", web.Page{Title: title, Body: body})
}

// use signs in: in the demo by the link alone, else by what is set up with it.
func (e *entrance) use(w http.ResponseWriter, r *http.Request) {
	a, err := e.invited(r)
	if err != nil {
		e.spent(w, r, err)
		return
	}
	if !e.Demo {
		e.setUp(w, r, a)
		return
	}
	if err := e.Door.Redeem(w, r, r.PathValue("token")); err != nil {
		e.spent(w, r, err)
		return
	}
	e.Log.InfoContext(r.Context(), "staff signed in", slog.String("request_id", web.RequestIDFrom(r.Context())))
	http.Redirect(w, r, Home, http.StatusSeeOther)
}

// setUp sets password and second factor, and uses the link up after that: whoever is cut
// off in between has a password, and the link is dead by it.
func (e *entrance) setUp(w http.ResponseWriter, r *http.Request, a staff.Account) {
	u, problem := readSetup(r)
	if problem == nil {
		problem = e.Accounts.Check(a.Name, u)
	}
	var codes []thimble.Personal[string]
	if problem == nil {
		codes, problem = e.Accounts.SetUp(r.Context(), a.Name, u)
	}
	if errors.Is(problem, thimble.ErrInvalid) {
		e.showSetup(w, r, a, r.PostFormValue("secret"), problem)
		return
	}
	if problem != nil {
		e.spent(w, r, problem)
		return
	}
	if err := e.Door.Redeem(w, r, r.PathValue("token")); err != nil {
		e.spent(w, r, err)
		return
	}
	showCodes(e.frame, e.pages, w, r, codes)
}

func (e *entrance) showSetup(w http.ResponseWriter, r *http.Request, a staff.Account, secret string, problem error) {
	body, err := setupForm(r.URL.EscapedPath(), e.Issuer, a.Name, secret, problem)
	if err != nil {
		e.frame.Fail(w, r, err)
		return
	}
	status := http.StatusOK
	if problem != nil {
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Cache-Control", "no-store")
	e.frame.Render(w, r, status, e.pages, "link.html", web.Page{Title: "Welcome, " + a.Name, Lead: "Choose a password and a second factor. Both are needed to come in from now on; this link works for nothing else.", Body: linkBody{Setup: body}})
}

// Toward returns the address of the sign-in that leads on to a page of the console.
func Toward(path string) string {
	if path == "" || path == Home {
		return SignIn
	}
	return SignIn + "?next=" + url.QueryEscape(path)
}
