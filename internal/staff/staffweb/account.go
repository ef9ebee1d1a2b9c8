package staffweb

import (
	"errors"
	"log/slog"
	"net/http"

	"thimble"
	"thimble/internal/session/sessionweb"
	"thimble/internal/staff"
	"thimble/internal/web"
)

// The places of one's own account.
const (
	AccountPage = Home + "/account"
	Confirm     = Home + "/confirm"
)

type account struct {
	Deps
	pages  *web.Pages
	frame  *web.Frame
	guests guests
}

// Account returns the pages on which staff look after their own account.
func Account(kit *web.Kit, deps Deps) (web.Section, error) {
	pages, err := kit.Pages(files, "pages/*.html")
	if err != nil {
		return web.Section{}, err
	}
	deps = deps.filled()
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		a := &account{Deps: deps, pages: pages, frame: f, guests: newGuests(deps.Now)}
		mux.HandleFunc("GET "+AccountPage, func(w http.ResponseWriter, r *http.Request) { a.show(w, r, http.StatusOK, shown{}) })
		mux.HandleFunc("POST "+AccountPage+"/password", a.newPassword)
		mux.HandleFunc("POST "+AccountPage+"/factor", a.newFactor)
		mux.HandleFunc("POST "+AccountPage+"/set-up", a.setUp)
		mux.HandleFunc("POST "+AccountPage+"/devices", a.endDevice)
		mux.HandleFunc("GET "+Confirm, func(w http.ResponseWriter, r *http.Request) { a.showConfirm(w, r, http.StatusOK, "") })
		mux.HandleFunc("POST "+Confirm, a.confirm)
	}}, nil
}

// Proofs are the patterns of this package that need a fresh proof of who it is.
func Proofs() []string {
	return []string{"POST " + AccountPage + "/password", "POST " + AccountPage + "/factor", "POST " + AccountPage + "/set-up", "POST " + AccountPage + "/devices"}
}

// shown is what a form that was not right brings back.
type shown struct {
	secret            string
	password, problem error
}

type accountBody struct {
	Facts    []web.KeyValue
	Setup    *setupBody // of an account without a password
	Password *web.Form
	Factor   *setupBody
	Devices  web.Table
}

func (a *account) show(w http.ResponseWriter, r *http.Request, status int, back shown) {
	body, err := a.body(r, back)
	if err != nil {
		a.frame.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store") // a secret is on the page
	a.frame.Render(w, r, status, a.pages, "account.html", web.Page{Title: "My account", Lead: "How you come in, and where you are signed in.", Body: body})
}

func (a *account) body(r *http.Request, back shown) (body accountBody, err error) {
	v, me := web.VisitorFrom(r.Context()), staff.From(r.Context())
	body.Facts = Facts(me, a.Now())
	if body.Devices, err = sessionweb.DeviceTable(r.Context(), a.Sessions, staffSession(me.Name), v.Session, AccountPage+"/devices"); err != nil {
		return body, err
	}
	body.Devices.HideCaption = false
	if !me.HasPassword {
		body.Setup, err = setupForm(AccountPage+"/set-up", a.Issuer, me.Name, back.secret, back.problem)
		return body, err
	}
	body.Password = &web.Form{ID: "password", Action: AccountPage + "/password", Submit: "Change the password", Fields: []web.Field{
		{Name: "password", Label: "New password", Kind: web.PasswordField, Required: true, Autocomplete: "new-password", MaxLength: 256, Hint: "At least twelve characters. You are signed out everywhere else."},
		{Name: "again", Label: "The same password again", Kind: web.PasswordField, Required: true, Autocomplete: "new-password", MaxLength: 256},
	}}
	explain(body.Password, back.password)
	secret, err := secretOf(back.secret)
	if err == nil {
		body.Factor, err = factorForm(AccountPage+"/factor", a.Issuer, me.Name, secret)
	}
	if err == nil {
		explain(&body.Factor.Form, back.problem)
	}
	return body, err
}

func (a *account) newPassword(w http.ResponseWriter, r *http.Request) {
	me := staff.From(r.Context())
	u, err := readSetup(r)
	if err == nil {
		err = a.Accounts.NewPassword(r.Context(), me.Name, u.Password)
	}
	if errors.Is(err, thimble.ErrInvalid) {
		a.show(w, r, http.StatusUnprocessableEntity, shown{password: err})
		return
	}
	if err == nil {
		// Every session has ended, this one too: a new one begins here.
		err = a.Door.Begin(w, r, staffSession(me.Name))
	}
	a.done(w, r, err, "password-set")
}

func (a *account) newFactor(w http.ResponseWriter, r *http.Request) {
	u, _ := readSetup(r)
	codes, err := a.Accounts.NewFactor(r.Context(), staff.From(r.Context()).Name, u)
	a.codes(w, r, codes, err)
}

func (a *account) setUp(w http.ResponseWriter, r *http.Request) {
	u, err := readSetup(r)
	var codes []thimble.Personal[string]
	if err == nil {
		codes, err = a.Accounts.SetUp(r.Context(), staff.From(r.Context()).Name, u)
	}
	a.codes(w, r, codes, err)
}

func (a *account) codes(w http.ResponseWriter, r *http.Request, codes []thimble.Personal[string], err error) {
	switch {
	case errors.Is(err, thimble.ErrInvalid):
		a.show(w, r, http.StatusUnprocessableEntity, shown{secret: r.PostFormValue("secret"), problem: err})
	case err != nil:
		a.frame.Fail(w, r, err)
	default:
		showCodes(a.frame, a.pages, w, r, codes)
	}
}

func (a *account) endDevice(w http.ResponseWriter, r *http.Request) {
	v := web.VisitorFrom(r.Context())
	a.done(w, r, sessionweb.EndDevices(r, a.Sessions, staffSession(v.Staff), v.Session), "session-ended")
}

func (a *account) done(w http.ResponseWriter, r *http.Request, err error, what string) {
	if err != nil {
		a.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, AccountPage+"?done="+what, http.StatusSeeOther)
}

type confirmBody struct {
	Form    *web.Form
	Command web.CodeBlock
}

func (a *account) showConfirm(w http.ResponseWriter, r *http.Request, status int, problem string) {
	body := confirmBody{Command: web.CodeBlock{Title: "On the server", Lang: "shell", Code: a.Hint}}
	if staff.From(r.Context()).HasPassword {
		fields := credentials("")[1:]
		if next := a.next(r); next != "" {
			fields = append(fields, web.Field{Name: "next", Kind: web.HiddenField, Value: next})
		}
		body.Form = &web.Form{ID: "confirm", Action: Confirm, Submit: "It is me", Problem: problem, Fields: fields}
	}
	w.Header().Set("Cache-Control", "no-store")
	a.frame.Render(w, r, status, a.pages, "confirm.html", web.Page{Title: "Is it still you?", Lead: "What you are about to do needs a proof of who you are that is younger than ten minutes. Then do it again.", Body: body})
}

func (a *account) next(r *http.Request) string {
	return sessionweb.ReturnTo(r, Home, SignIn, Links, SignOut, Confirm)
}

func (a *account) confirm(w http.ResponseWriter, r *http.Request) {
	me := staff.From(r.Context())
	// Whoever took a session along has not taken it into a browser that the account knows.
	known, err := a.Accounts.KnowsBrowser(r.Context(), me.Name, browser(r, a.Secure))
	if err != nil {
		a.frame.Fail(w, r, err)
		return
	}
	if wait, ok := a.guests.allow(r, me.Name, known); !ok {
		w.Header().Set("Retry-After", web.RetryAfter(wait))
		a.showConfirm(w, r, http.StatusTooManyRequests, "Too many tries. Wait a little.")
		return
	}
	_, err = a.Accounts.SignIn(r.Context(), me.Name, thimble.Hide(r.PostFormValue("password")), r.PostFormValue("code"))
	if errors.Is(err, thimble.ErrDenied) {
		a.Log.WarnContext(r.Context(), "a proof was refused", slog.String("request_id", web.RequestIDFrom(r.Context())))
		a.showConfirm(w, r, http.StatusForbidden, "Password or code is wrong. A code comes in once: wait for the next one.")
		return
	}
	if err == nil {
		err = a.Door.Raise(r)
	}
	if err != nil {
		a.frame.Fail(w, r, err)
		return
	}
	to := Home
	if next := a.next(r); next != "" {
		to = next
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
