package registryweb

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
)

// state is one model as the board knows it.
type state struct {
	line     registrydb.Line
	versions []registrydb.Version
	checks   []registrydb.Check
	champion *registrydb.Version
	back     *registrydb.Version // the newest that is kept to go back to
	last     map[int64]registrydb.Check
	refused  []registrydb.Check // of versions that are kept, and since a day of others
}

// alarmLasts is how long the refusal of a file is told after the version has ended.
const alarmLasts = 24 * time.Hour

func stateOf(ctx context.Context, models Models, l registrydb.Line) (s state, err error) {
	s = state{line: l, last: map[int64]registrydb.Check{}}
	if s.versions, err = models.List(ctx, l.Model, shown); err != nil {
		return s, err
	}
	if s.checks, err = models.Checks(ctx, l.Model, shown); err != nil {
		return s, err
	}
	kept := map[int64]bool{}
	for i, v := range s.versions {
		kept[v.Number] = v.Stage.Kept()
		if v.Serving() {
			s.champion = &s.versions[i]
		}
		if v.Stage == registry.Retired && s.back == nil {
			s.back = &s.versions[i]
		}
	}
	var newest time.Time
	for _, c := range s.checks {
		if c.Last.After(newest) {
			newest = c.Last
		}
	}
	for _, c := range s.checks { // the newest first
		if _, seen := s.last[c.Version]; seen {
			continue
		}
		s.last[c.Version] = c
		if c.Rule != "" && (kept[c.Version] || newest.Sub(c.Last) < alarmLasts) {
			s.refused = append(s.refused, c)
		}
	}
	return s, nil
}

type boardBody struct {
	First  *web.Empty
	Models []modelPart
	Keys   web.Table
	Revoke []web.Form
}

// has reports whether a form is on the board.
func (b boardBody) has(form, model string) bool {
	for _, m := range b.Models {
		if form == "rollback" && m.Name == model && m.Rollback != nil {
			return true
		}
	}
	return form == "key" && len(b.Revoke) > 0
}

type modelPart struct {
	Name     string
	Title    string
	About    string
	Callouts []web.Callout
	Stats    []web.Stat
	Versions web.Table
	Rollback *web.Form
	Verify   web.Action
	Checks   web.Table
	Changes  web.Table
}

var done = map[string]string{
	"rollback": "Rolled back. The version that serves now stays until somebody asks for a new one; whoever leaves is taken out of it meanwhile.",
	"stage":    "The version has changed its stage.",
	"revoked":  "The version is revoked and its file destroyed. It is never loaded again.",
	"key":      "The key is revoked, and every version that it signed. The next training signs with a new key.",
	"check":    "Every file that is kept was verified just now.",
}

func (d *desk) board(w http.ResponseWriter, r *http.Request, status int, no *refused) {
	lines, err := d.models.Lines(r.Context())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	page := web.Page{Title: "Models", Lead: "Which version of each model serves, what it was made from and who vouches for it. Each file is verified when it is loaded, and again every half minute."}
	if text := done[r.URL.Query().Get("done")]; text != "" {
		page.Flash = &web.Flash{Kind: web.Good, Text: text}
	}
	var body boardBody
	if len(lines) == 0 {
		body.First = &web.Empty{Icon: "layers", Title: "No model yet", Text: "A model appears here with its card when it is trained for the first time. Train the recommender first.",
			Action: &web.Action{Label: "Recommendations", Href: "/console/recommendations", Kind: "primary"}}
	}
	for _, l := range lines {
		s, err := stateOf(r.Context(), d.models, l)
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		changes, err := d.models.Changes(r.Context(), l.Model, shown)
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		body.Models = append(body.Models, part(s, changes, no))
	}
	keys, err := d.models.Keys(r.Context())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	if len(keys) > 0 && len(lines) > 0 {
		body.Keys, body.Revoke = keysTable(keys), keyForms(lines[0].Model, keys, no)
	}
	if no != nil && !body.has(no.form, r.PathValue("model")) {
		page.Flash = &web.Flash{Kind: web.Bad, Text: no.problem} // the form is gone: somebody else was quicker
	}
	page.Body = body
	d.Render(w, r, status, d.pages, "models.html", page)
}

func part(s state, changes []registrydb.Change, no *refused) modelPart {
	p := modelPart{Name: s.line.Model, Title: s.line.Model, Versions: versionsTable(s), Checks: checksTable(s.line.Model, s.checks), Changes: changesTable(s.line.Model, changes), Callouts: callouts(s),
		Verify: web.Action{Label: "Verify every file now", Href: Path + "/" + s.line.Model + "/check", Post: true, Icon: "check"}}
	if v := s.champion; v != nil {
		p.Title, p.About = v.Card.Title, v.Card.About
		if p.Title == "" {
			p.Title = s.line.Model
		}
		p.Stats = []web.Stat{
			{Label: "Serving", Value: fmt.Sprintf("v%d", v.Number), Note: web.Clock(v.MadeAt), Href: at(*v)},
			{Label: "People", Value: v.Card.Data.People, Note: "who permit learning"},
			{Label: "Signature", Value: signature(s, *v).Text, Note: verified(s, *v)},
			{Label: "Fairness", Value: audit(v.Card).Text},
		}
	}
	if s.back != nil {
		f := rollbackForm(s).explain(no)
		p.Rollback = &f
	}
	return p
}

func callouts(s state) (all []web.Callout) {
	for _, c := range s.refused {
		all = append(all, web.Callout{Tone: web.Bad, Title: fmt.Sprintf("The file of version %d was refused", c.Version),
			Text: fmt.Sprintf("%s, first on %s. A version that is refused never serves: the one before does, or the popular list. Find out who can write to the folder of models.", sentence(string(c.Rule)), web.Date(c.Since))})
	}
	switch {
	case s.champion == nil:
		all = append(all, web.Callout{Tone: web.Warn, Title: "No version serves", Text: "Everybody is shown what needs no model, such as the popular list, until a training has succeeded."})
	case !s.champion.Card.Audited():
		why := s.champion.Card.Unaudited
		if why == "" {
			why = "No audit is known."
		}
		all = append(all, web.Callout{Tone: web.Warn, Title: "Unaudited", Text: why + " It serves, and is marked as unaudited wherever its card is shown."})
	}
	if s.line.Held {
		all = append(all, web.Callout{Tone: web.Info, Title: "Rolled back", Text: "Trainings by themselves only take people out of what serves. A version that somebody asks for replaces it."})
	}
	return all
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func at(v registrydb.Version) string { return fmt.Sprintf("%s/%s/%d", Path, v.Model, v.Number) }

func signature(s state, v registrydb.Version) web.Badge {
	c, checked := s.last[v.Number]
	switch {
	case v.Signer == "":
		return web.Badge{Text: "unsigned", Tone: web.Warn}
	case checked && c.Rule != "":
		return web.Badge{Text: "refused", Tone: web.Bad}
	case !v.Stage.Kept():
		return web.Badge{Text: "file is gone"}
	case !checked:
		return web.Badge{Text: "signed"}
	}
	return web.Badge{Text: "verified", Tone: web.Good}
}

func verified(s state, v registrydb.Version) string {
	if c, ok := s.last[v.Number]; ok && c.Rule == "" {
		return "last " + web.Clock(c.Last)
	}
	return ""
}

func audit(c registry.Card) web.Badge {
	if c.Audited() {
		return web.Badge{Text: "audited", Tone: web.Good}
	}
	return web.Badge{Text: "unaudited", Tone: web.Warn}
}

func stageBadge(s registry.Stage) web.Badge {
	b := web.Badge{Text: string(s)}
	switch s {
	case registry.Champion:
		b.Tone = web.Good
	case registry.Challenger, registry.Shadow:
		b.Tone = web.Info
	case registry.Revoked:
		b.Tone = web.Bad
	}
	return b
}

func versionsTable(s state) web.Table {
	t := web.Table{ID: "versions-" + s.line.Model, Caption: "Versions", Note: fmt.Sprintf("The newest %d at most. Nothing below version %d is loaded any more, however rightly it is signed.", shown, s.line.Floor),
		Columns: []web.Column{{Label: "Version"}, {Label: "Stage"}, {Label: "Made"}, {Label: "People", Kind: web.NumberColumn}, {Label: "Signature"}, {Label: "Fairness", Secondary: true}, {Label: "Why", Secondary: true}},
		Empty:   &web.Empty{Icon: "layers", Title: "No version yet", Text: "The first training makes one."}}
	for _, v := range s.versions {
		t.Rows = append(t.Rows, web.Row{Href: at(v), Cells: web.Cells(fmt.Sprintf("v%d", v.Number), stageBadge(v.Stage), v.MadeAt, v.Card.Data.People, signature(s, v), audit(v.Card), v.Reason)})
	}
	return t
}

func checksTable(model string, checks []registrydb.Check) web.Table {
	t := web.Table{ID: "checks-" + model, Caption: "Verification", Note: "What was found when files were verified. Equal findings in a row are one line.",
		Columns: []web.Column{{Label: "Version"}, {Label: "Found"}, {Label: "From"}, {Label: "Until"}, {Label: "Times", Kind: web.NumberColumn, Secondary: true}},
		Empty:   &web.Empty{Icon: "check", Title: "Nothing verified yet", Text: "Each load verifies, and the server does every half minute."}}
	for _, c := range checks {
		found := any(web.Badge{Text: "verified", Tone: web.Good})
		if c.Rule != "" {
			found = web.Cell{Value: web.Badge{Text: "refused", Tone: web.Bad}, Sub: string(c.Rule)}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(fmt.Sprintf("v%d", c.Version), found, c.Since, c.Last, c.Times)})
	}
	return t
}

func changesTable(model string, changes []registrydb.Change) web.Table {
	t := web.Table{ID: "changes-" + model, Caption: "Changes of stage", Note: "Each is an entry of the ledger.",
		Columns: []web.Column{{Label: "When"}, {Label: "Version"}, {Label: "Change"}, {Label: "Why"}, {Label: "Who", Secondary: true}},
		Empty:   &web.Empty{Icon: "clock", Title: "No change yet", Text: "A version changes its stage when another is released, and when somebody moves it."}}
	for _, c := range changes {
		who := c.By
		if who == "" {
			who = "Thimble"
		}
		why := c.Reason
		if why == "" {
			why = "withdrawn"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(c.At, fmt.Sprintf("v%d", c.Version), fmt.Sprintf("%s to %s", c.From, c.To), why, who)})
	}
	return t
}

func keysTable(keys []registrydb.SigningKey) web.Table {
	t := web.Table{ID: "keys", Caption: "Signing keys", Note: "ECDSA on P-256. The secret is sealed in the vault; the public key verifies an exported package offline: thimble models verify FILE --key FILE.",
		Columns: []web.Column{{Label: "Key", Kind: web.TokenColumn}, {Label: "State"}, {Label: "First used"}, {Label: "Why", Secondary: true}}}
	for _, k := range keys {
		state := web.Badge{Text: "counts", Tone: web.Good}
		if !k.Revoked.IsZero() {
			state = web.Badge{Text: "revoked", Tone: web.Bad}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Token(k.Hint), state, k.MadeAt, k.Reason)})
	}
	return t
}

// A form of the board, which can be shown again with a problem.
type form struct {
	web.Form
	key string
}

func (f form) explain(no *refused) web.Form {
	if no == nil || no.form != f.key {
		return f.Form
	}
	return f.Fill(no.values).Explain(web.FieldProblem{Field: "reason", Detail: no.problem})
}

func reason() web.Field {
	return web.Field{Name: "reason", Label: "Why", Hint: "Kept in the ledger, and shown here. Name nobody.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}
}

func rollbackForm(s state) form {
	intro := fmt.Sprintf("Version %d serves from then on, at once and without a moment in which none does. It was made anew whenever somebody left: it has forgotten whom the present one forgot.", s.back.Number)
	return form{web.Form{ID: "rollback-" + s.line.Model, Action: Path + "/" + s.line.Model + "/rollback", Legend: fmt.Sprintf("Roll back to version %d", s.back.Number), Intro: intro,
		Fields: []web.Field{reason()}, Submit: "Roll back"}, "rollback"}
}

func keyForms(model string, keys []registrydb.SigningKey, no *refused) (all []web.Form) {
	for _, k := range keys {
		if !k.Revoked.IsZero() {
			continue
		}
		f := form{web.Form{ID: "key", Action: Path + "/" + model + "/keys/" + k.Hint + "/revoke", Legend: "Revoke the signing key", Danger: true,
			Intro:  "For when somebody else may have it. Every version that it signed is revoked with it, and a new one is trained and signed with a new key. This cannot be undone.",
			Fields: []web.Field{reason()}, Submit: "Revoke the key"}, "key"}
		all = append(all, f.explain(no))
	}
	return all
}
