package registryweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Path is where the board is.
const Path = "/console/models"

const shown = 50

// Models are the versions of all models; *registrydb.Shelf has them.
type Models interface {
	Lines(ctx context.Context) ([]registrydb.Line, error)
	List(ctx context.Context, model string, limit int) ([]registrydb.Version, error)
	Version(ctx context.Context, model string, number int64) (registrydb.Version, error)
	Changes(ctx context.Context, model string, limit int) ([]registrydb.Change, error)
	Checks(ctx context.Context, model string, limit int) ([]registrydb.Check, error)
	Keys(ctx context.Context) ([]registrydb.SigningKey, error)
	Export(ctx context.Context, v registrydb.Version) ([]byte, error)
}

// A Model is what serves from the versions of one name, and changes when they do.
type Model interface {
	Rollback(ctx context.Context, o registrydb.Order) (registrydb.Version, error)
	Promote(ctx context.Context, number int64, to registry.Stage, o registrydb.Order) error
	Revoke(ctx context.Context, number int64, o registrydb.Order) error
	RevokeKey(ctx context.Context, hint string, o registrydb.Order) error
	Check(ctx context.Context) error
}

// Proofs are the patterns that need a proof of who it is that is fresh: they change what
// decides about people.
func Proofs() []string {
	return []string{"POST " + Path + "/{model}/rollback", "POST " + Path + "/{model}/{version}/stage", "POST " + Path + "/{model}/{version}/revoke", "POST " + Path + "/{model}/keys/{hint}/revoke"}
}

type desk struct {
	models Models
	serves map[string]Model
	pages  *web.Pages
	*web.Frame
}

// Console returns the board as a section of the console. Serves are the models that can
// be moved here, by name.
func Console(kit *web.Kit, models Models, serves map[string]Model) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Models", Href: Path, Icon: "layers", Group: "Proof"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{models: models, serves: serves, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) { d.board(w, r, http.StatusOK, nil) })
			mux.HandleFunc("GET "+Path+"/{model}/{version}", func(w http.ResponseWriter, r *http.Request) { d.version(w, r, http.StatusOK, nil) })
			mux.HandleFunc("GET "+Path+"/{model}/{version}/package", d.export)
			mux.HandleFunc("POST "+Path+"/{model}/check", d.check)
			mux.HandleFunc("POST "+Path+"/{model}/rollback", d.rollback)
			mux.HandleFunc("POST "+Path+"/{model}/{version}/stage", d.promote)
			mux.HandleFunc("POST "+Path+"/{model}/{version}/revoke", d.revoke)
			mux.HandleFunc("POST "+Path+"/{model}/keys/{hint}/revoke", d.revokeKey)
		},
	}, nil
}

// ConsoleTiles tells the overview when a file was refused, or that a model is unaudited.
func ConsoleTiles(models Models) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		lines, err := models.Lines(ctx)
		if err != nil || len(lines) == 0 {
			return nil, err
		}
		refused, unaudited := 0, 0
		for _, l := range lines {
			s, err := stateOf(ctx, models, l)
			if err != nil {
				return nil, err
			}
			if len(s.refused) > 0 {
				refused++
			}
			if s.champion != nil && !s.champion.Card.Audited() {
				unaudited++
			}
		}
		stat := web.Stat{Label: "Model files", Value: "verified", Href: Path}
		if unaudited > 0 {
			stat.Note = web.Plural(unaudited, "model", "models") + " unaudited"
		}
		if refused > 0 {
			stat.Value, stat.Trend, stat.Note = "refused", web.Bad, "look at the board"
		}
		return []web.Stat{stat}, nil
	}
}

// order is what a form asks for.
func order(r *http.Request) (registrydb.Order, error) {
	if err := r.ParseForm(); err != nil {
		return registrydb.Order{}, errors.Join(err, thimble.ErrInvalid)
	}
	o := registrydb.Order{Reason: strings.TrimSpace(r.PostForm.Get("reason")), By: web.VisitorFrom(r.Context()).Staff}
	return o, o.Check()
}

func (d *desk) of(r *http.Request) (Model, error) {
	m, ok := d.serves[r.PathValue("model")]
	if !ok {
		return nil, fmt.Errorf("registry: nothing serves by that name: %w", thimble.ErrNotFound)
	}
	return m, nil
}

func number(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("registry: the number of a version is expected: %w", thimble.ErrNotFound)
	}
	return n, nil
}

// do carries an order out and goes back to the board; what is refused is said there, in
// the form.
func (d *desk) do(w http.ResponseWriter, r *http.Request, done string, run func(Model, registrydb.Order) error, again func(problem string)) {
	m, err := d.of(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	o, err := order(r)
	if err == nil {
		err = run(m, o)
	}
	switch {
	case errors.Is(err, thimble.ErrInvalid):
		again("Write in 1 to 500 characters why. The reason is kept in the ledger: name nobody in it.")
	case errors.Is(err, thimble.ErrConflict):
		again("That is not possible in the stage in which the version is now. Look at the board again.")
	case errors.Is(err, thimble.ErrDenied):
		again("The version's file was refused, so it cannot serve. The verification below says by which rule.")
	case errors.Is(err, thimble.ErrNotFound):
		again("There is no such version to go back to.")
	case err != nil:
		d.Fail(w, r, err)
	default:
		http.Redirect(w, r, Path+"?done="+done, http.StatusSeeOther)
	}
}

func (d *desk) rollback(w http.ResponseWriter, r *http.Request) {
	d.do(w, r, "rollback", func(m Model, o registrydb.Order) error { _, err := m.Rollback(r.Context(), o); return err },
		func(problem string) { d.board(w, r, http.StatusUnprocessableEntity, refusal("rollback", r, problem)) })
}

func (d *desk) check(w http.ResponseWriter, r *http.Request) {
	m, err := d.of(r)
	if err == nil {
		err = m.Check(r.Context())
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, Path+"?done=check", http.StatusSeeOther)
}

func (d *desk) promote(w http.ResponseWriter, r *http.Request) {
	n, err := number(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.do(w, r, "stage", func(m Model, o registrydb.Order) error {
		return m.Promote(r.Context(), n, registry.Stage(r.PostForm.Get("stage")), o)
	}, func(problem string) { d.version(w, r, http.StatusUnprocessableEntity, refusal("stage", r, problem)) })
}

func (d *desk) revoke(w http.ResponseWriter, r *http.Request) {
	n, err := number(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.do(w, r, "revoked", func(m Model, o registrydb.Order) error { return m.Revoke(r.Context(), n, o) },
		func(problem string) { d.version(w, r, http.StatusUnprocessableEntity, refusal("revoke", r, problem)) })
}

func (d *desk) revokeKey(w http.ResponseWriter, r *http.Request) {
	hint := r.PathValue("hint")
	d.do(w, r, "key", func(m Model, o registrydb.Order) error { return m.RevokeKey(r.Context(), hint, o) },
		func(problem string) { d.board(w, r, http.StatusUnprocessableEntity, refusal("key", r, problem)) })
}

// A refused form is shown again with what was written and why it was refused.
type refused struct {
	form    string
	values  url.Values
	problem string
}

func refusal(form string, r *http.Request, problem string) *refused {
	return &refused{form: form, values: r.PostForm, problem: problem}
}

func (d *desk) export(w http.ResponseWriter, r *http.Request) {
	n, err := number(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	v, err := d.models.Version(r.Context(), r.PathValue("model"), n)
	if err == nil && !v.Stage.Kept() {
		err = fmt.Errorf("registry: the file of version %d is gone: %w", n, thimble.ErrNotFound)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	content, err := d.models.Export(r.Context(), v)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-tar")
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.FileName()+`"`)
	w.Header().Set("Cache-Control", "private, no-store")
	_, _ = w.Write(content) // the reader has gone
}
