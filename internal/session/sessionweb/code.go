package sessionweb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// CodePage is where a code is typed in.
const CodePage = "/privacy/code"

// Codes keeps one-time codes; *sessiondb.Store does.
type Codes interface {
	Ask(ctx context.Context, who thimble.SubjectID, mark []byte) (sessiondb.Asked, error)
	Enter(ctx context.Context, browser, code, device string) (cookie string, who session.Who, err error)
}

// People finds who has an identifier, or an error of kind thimble.ErrNotFound;
// *subjectdb.Store does.
type People interface {
	Find(ctx context.Context, id subject.Identifier) (thimble.SubjectID, error)
}

// An Index makes a keyed hash of a value; *vault.Vault does.
type Index interface {
	Index(ctx context.Context, field, value string) ([]byte, error)
}

// indexField names the key of the marks by which codes are counted for an address.
const indexField = "session-asks"

// codeCookie holds the token of the browser that asked, beside the session's cookie.
func (d *Door) codeCookie() string { return d.cookie + "_code" }

func (d *Door) setCode(w http.ResponseWriter, value string) {
	age := int(session.CodeLives / time.Second)
	if value == "" {
		age = -1
	}
	// Strict: the code is typed in on our own page.
	http.SetCookie(w, &http.Cookie{Name: d.codeCookie(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteStrictMode})
}

func emailField(problem string) web.Form {
	return web.Form{ID: "mail", Action: SignIn, Submit: "Send me a code", Fields: []web.Field{
		{Name: "email", Label: "Your e-mail address", Kind: web.EmailField, Required: true, Autocomplete: "email", MaxLength: 254, Error: problem,
			Hint: "The one the shop writes to. If we know it, a code is on its way within a minute."},
	}}
}

// ask sends a code to an address, if somebody has it. The answer is the same if not.
func (p *portal) ask(w http.ResponseWriter, r *http.Request) {
	if p.Post == nil {
		p.frame.Fail(w, r, thimble.ErrNotFound)
		return
	}
	if wait, ok := p.byNetwork.Allow(web.Network(r.RemoteAddr)); !ok {
		tooMany(w, wait)
		p.showSignIn(w, r, http.StatusTooManyRequests, "Too many codes were asked for from your network. Wait a little and try again.")
		return
	}
	id, err := subject.NewIdentifier(subject.Email, r.PostFormValue("email"))
	if err != nil {
		// What the address looks like says nothing about whether anybody has it.
		p.showSignIn(w, r, http.StatusUnprocessableEntity, "An address such as name@example.org was expected.")
		return
	}
	asked, err := p.prepare(r.Context(), id)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.door.setCode(w, asked)
	to := CodePage
	if next := returnTo(r); next != "" {
		to += "?next=" + url.QueryEscape(next)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// prepare does the same for an address that somebody has and for one that nobody has:
// one look-up, one mark, one code, one letter in the post.
func (p *portal) prepare(ctx context.Context, id subject.Identifier) (browser string, err error) {
	who, err := p.People.Find(ctx, id)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) {
		return "", err
	}
	// The value is revealed to be hashed under a key; it goes nowhere else.
	mark, err := p.Index.Index(ctx, indexField, id.Value.Reveal())
	if err != nil {
		return "", err
	}
	asked, err := p.Codes.Ask(ctx, who, mark)
	if err != nil {
		return "", err
	}
	p.Post.add(letter{to: who, address: id.Value, asked: asked})
	return asked.Browser, nil
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", web.RetryAfter(wait))
}

type codeBody struct {
	Form  web.Form
	Again string
}

func (p *portal) code(w http.ResponseWriter, r *http.Request) { p.showCode(w, r, http.StatusOK, "") }

func (p *portal) showCode(w http.ResponseWriter, r *http.Request, status int, problem string) {
	w.Header().Set("Cache-Control", "no-store")
	fields := []web.Field{{Name: "code", Label: "Code", Required: true, Autocomplete: "one-time-code", MaxLength: 32, Error: problem, Short: true,
		Hint: "Eight letters and digits, such as k7pw-03fx. It works once, for ten minutes, in this browser."}}
	if next := returnTo(r); next != "" {
		fields = append(fields, web.Field{Name: "next", Kind: web.HiddenField, Value: next})
	}
	p.frame.Render(w, r, status, p.pages, "portal_code.html", web.Page{
		Title: "Type in your code", Lead: "If the shop knows that address, a code is on its way to it.",
		Body: codeBody{Form: web.Form{ID: "code", Action: CodePage, Submit: "Come in", Fields: fields}, Again: SignIn},
	})
}

const wrongCode = "This code does not work. It may be mistyped, too old, used already, or asked for in another browser. After five tries ask for a new one."

func (p *portal) enter(w http.ResponseWriter, r *http.Request) {
	if wait, ok := p.byNetwork.Allow("try " + web.Network(r.RemoteAddr)); !ok {
		tooMany(w, wait)
		p.showCode(w, r, http.StatusTooManyRequests, "Too many codes were tried from your network. Wait a little and try again.")
		return
	}
	browser := ""
	if c, err := r.Cookie(p.door.codeCookie()); err == nil {
		browser = c.Value
	}
	cookie, _, err := p.Codes.Enter(r.Context(), browser, r.PostFormValue("code"), device(r))
	if errors.Is(err, thimble.ErrDenied) {
		p.showCode(w, r, http.StatusForbidden, wrongCode)
		return
	}
	if err == nil {
		err = p.door.replace(w, r, cookie)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.door.setCode(w, "")
	http.Redirect(w, r, home(r), http.StatusSeeOther)
}
