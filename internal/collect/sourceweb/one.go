package sourceweb

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/collect/sourcedb"
	"thimble/internal/web"
)

// sourceBody is what source.html shows.
type sourceBody struct {
	Facts    []web.KeyValue
	Programs []web.CodeBlock
	Hint     string
	Keys     web.Table
	Forms    []web.Form
	End      *web.Action
	Past     web.Timeline
}

// show shows a source; form comes back with an error in the place of its own.
func (d *desk) show(w http.ResponseWriter, r *http.Request, status int, form *web.Form) {
	s, err := d.named(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	changes, err := d.Store.Changes(r.Context(), s.Number)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	now := d.Now()
	body := sourceBody{Facts: facts(s), Keys: keysTable(s, now), Past: past(changes)}
	if s.Ended.IsZero() {
		key, _ := s.Live(now)
		if key.Text != "" {
			body.Facts = append(body.Facts, web.KeyValue{Key: "Write key", Value: key.Text, Sub: "public: it may send events, and nothing else", Copy: true})
		}
		body.Programs, body.Forms = programs(s, d.base(r), key.Text), forms(s)
		if s.Kind == intake.Browser && !s.Consents {
			body.Hint = "Thimble’s own module asks people for their consent. Its lines are here when the settings below say that this source does."
		}
		body.End = &web.Action{Label: "End this source", Href: href(s.Number) + "/end", Kind: "quiet"}
	}
	for i := range body.Forms {
		if form != nil && body.Forms[i].ID == form.ID {
			body.Forms[i] = *form
		}
	}
	d.Render(w, r, status, d.pages, "source.html", web.Page{Title: s.Name, Crumbs: []web.Crumb{{Label: "Sources", Href: Path}, {Label: s.Name}},
		Actions: []web.Action{{Label: "What comes in", Href: "/console/events/" + strconv.Itoa(int(s.Number)), Icon: "eye"}}, Body: body})
}

func facts(s source.Source) []web.KeyValue {
	all := []web.KeyValue{{Key: "State", Value: state(s)}, {Key: "Kind", Value: kindBadge(s.Kind), Sub: kindSays(s.Kind)}, {Key: "Number", Value: int(s.Number)}}
	if s.Kind == intake.Browser {
		all = append(all, web.KeyValue{Key: "Its pages", Value: strings.Join(s.Origins, ", ")})
	}
	all = append(all, web.KeyValue{Key: "Asks for consent", Value: yes(s.Consents), Sub: consentsSays(s.Consents)}, web.KeyValue{Key: "Since", Value: s.Created})
	if !s.Ended.IsZero() {
		all = append(all, web.KeyValue{Key: "Ended", Value: s.Ended})
	}
	return all
}

func kindSays(k intake.Kind) string {
	if k == intake.Server {
		return "its key is secret; the ids and orders it sends are believed"
	}
	return "its key is public; what it says of who somebody is does not count"
}

func consentsSays(on bool) string {
	if on {
		return "what its events say of consent is the person's choice"
	}
	return "what its events say of consent only narrows"
}

func keysTable(s source.Source, now time.Time) web.Table {
	t := web.Table{
		ID: "keys", Caption: "Write keys", Note: "Of a server's key only a hash is stored; the last four characters tell keys apart.",
		Columns: []web.Column{{Label: "Ends in", Kind: web.TokenColumn}, {Label: "Made"}, {Label: "Works until"}, {Label: "State"}},
		Empty:   &web.Empty{Icon: "key", Title: "No key", Text: "The source has no key."},
	}
	if source.Public(s.Kind) {
		t.Note = "The newest is above, in full."
	}
	for _, k := range s.Keys {
		badge := web.Badge{Text: "in force", Tone: web.Good}
		var until any = "no end is set"
		switch {
		case !s.Ended.IsZero():
			badge = web.Badge{Text: "ended"}
		case !k.Live(now):
			badge = web.Badge{Text: "ended"}
		case !k.Ends.IsZero():
			badge = web.Badge{Text: "ends", Tone: web.Warn}
		}
		if !k.Ends.IsZero() {
			until = k.Ends
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells("…"+k.Hint, k.Created, until, badge)})
	}
	return t
}

const (
	settingsForm = "settings"
	rotateForm   = "rotate"
)

func forms(s source.Source) []web.Form {
	settings := web.Form{ID: settingsForm, Action: href(s.Number), Legend: "Settings", Submit: "Save"}
	if s.Kind == intake.Browser {
		settings.Fields = append(settings.Fields, originsField(s.Origins))
	}
	settings.Fields = append(settings.Fields, consentsField(s.Consents))
	return []web.Form{settings, {
		ID: rotateForm, Action: href(s.Number) + "/key", Legend: "New key", Submit: "Make a new key",
		Intro: "What is sent with the new key counts for the same source: nothing is counted twice.",
		Fields: []web.Field{{Name: "grace", Label: "How long the old key works beside it", Kind: web.SelectField, Value: "24h", Short: true, Options: []web.Option{
			{Value: "0s", Label: "Not at all: it leaked"}, {Value: "1h", Label: "An hour"}, {Value: "24h", Label: "A day"}, {Value: "168h", Label: "A week"}, {Value: "720h", Label: "Thirty days"},
		}}},
	}}
}

var whats = map[sourcedb.What]string{sourcedb.Added: "Added", sourcedb.Settings: "Settings changed", sourcedb.NewKey: "New key made", sourcedb.Ended: "Ended"}

func past(changes []sourcedb.Change) web.Timeline {
	t := web.Timeline{Title: "What was done", Empty: &web.Empty{Icon: "clock", Title: "Nothing was done yet", Text: "Each change is a leaf of the ledger."}}
	for _, c := range changes {
		t.Items = append(t.Items, web.Moment{At: c.At, Title: whats[c.What], Who: c.Staff, Icon: "seal"})
	}
	return t
}

func (d *desk) set(w http.ResponseWriter, r *http.Request) {
	d.change(w, r, settingsForm, func(s source.Source) error {
		return d.Store.Set(r.Context(), s.Number, r.PostForm.Get("consents") != "", lines(r.PostForm), staffOf(r))
	})
}

func (d *desk) rotate(w http.ResponseWriter, r *http.Request) {
	var key string
	d.change(w, r, rotateForm, func(s source.Source) error {
		grace, err := time.ParseDuration(r.PostFormValue("grace"))
		if err != nil {
			return &source.FieldError{Field: "grace", Rule: "one of the choices was expected"}
		}
		if key, err = d.Store.Rotate(r.Context(), s.Number, grace, staffOf(r)); err != nil || source.Public(s.Kind) {
			return err
		}
		d.made(w, r, s, key)
		return errShown
	})
}

// errShown says that an answer was given.
var errShown = errors.New("sourceweb: shown")

// change does something to the source of the address and leads back to it; a form with an
// error comes back with what was typed.
func (d *desk) change(w http.ResponseWriter, r *http.Request, form string, do func(source.Source) error) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrInvalid))
		return
	}
	s, err := d.named(r)
	if err == nil {
		err = do(s)
	}
	if errors.Is(err, errShown) {
		return
	}
	if problem, ok := problemOf(err); ok {
		status, _, _ := web.Kind(err)
		for _, f := range forms(s) {
			if f.ID == form {
				f = f.Fill(r.PostForm).Explain(problem)
				d.show(w, r, status, &f)
				return
			}
		}
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, href(s.Number), http.StatusSeeOther)
}

// endBody is what end.html shows.
type endBody struct {
	Callout web.Callout
	Facts   []web.KeyValue
	Form    web.Form
}

func (d *desk) ask(w http.ResponseWriter, r *http.Request) {
	s, err := d.named(r)
	if err == nil && !s.Ended.IsZero() {
		err = thimble.ErrConflict
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.Render(w, r, http.StatusOK, d.pages, "end.html", web.Page{
		Title: "End " + s.Name + "?", Crumbs: []web.Crumb{{Label: "Sources", Href: Path}, {Label: s.Name, Href: href(s.Number)}, {Label: "End"}},
		Body: endBody{
			Callout: web.Callout{Tone: web.Warn, Title: "Its events are refused at once", Text: "Every key of this source stops working within a second, and it cannot be undone. What it sent stays. If only a key has leaked, make a new key instead."},
			Facts:   facts(s),
			Form:    web.Form{ID: "end", Action: href(s.Number) + "/end", Legend: "End", Submit: "End this source", Danger: true, Cancel: &web.Action{Label: "Keep it", Href: href(s.Number)}},
		},
	})
}

func (d *desk) end(w http.ResponseWriter, r *http.Request) {
	s, err := d.named(r)
	if err == nil {
		err = d.Store.End(r.Context(), s.Number, staffOf(r))
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, Path, http.StatusSeeOther)
}
