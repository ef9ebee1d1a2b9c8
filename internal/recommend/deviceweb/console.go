package deviceweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/recommend/device"
	"thimble/internal/recommend/devicedb"
	"thimble/internal/web"
	js "thimble/sdk/js"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Path is where the page is.
const Path = "/console/recommendations/device"

// A Desk has what is served and carries out orders; *devicedb.Desk does.
type Desk interface {
	Files
	Key(ctx context.Context) (string, error)
	Releases(ctx context.Context) ([]devicedb.Release, error)
	Spent(ctx context.Context) (device.Spend, error)
	Accept(ctx context.Context, o devicedb.Order) (devicedb.Release, error)
	Release(ctx context.Context, o devicedb.Order) (devicedb.Release, error)
	End(ctx context.Context, number int64, by string) error
}

// Proofs are the patterns that need a proof of who it is that is fresh: by these something
// made of people's data leaves for good.
func Proofs() []string { return []string{"POST " + Path + "/release", "POST " + Path + "/accept"} }

type console struct {
	desk  Desk
	base  string
	now   func() time.Time
	pages *web.Pages
	*web.Frame
}

// Console is the page as a section of the staff's console. Base is the address of the
// installation.
func Console(kit *web.Kit, d Desk, base string, now func() time.Time) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "On the device", Href: Path, Icon: "shield", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{desk: d, base: base, now: now, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+Path+"/accept", c.accept)
			mux.HandleFunc("POST "+Path+"/release", c.release)
			mux.HandleFunc("POST "+Path+"/{number}/end", c.end)
		},
	}, nil
}

type body struct {
	Trouble  *web.Callout
	Stats    []web.Stat
	Says     web.Callout
	Facts    []web.KeyValue
	Snippet  web.CodeBlock
	Releases web.Table
	Forms    []web.Form
}

// words are a kind's.
func words(k device.Kind) string {
	switch k {
	case device.Noised:
		return "With noise"
	case device.Counted:
		return "Without noise"
	}
	return "Catalogue"
}

func (c *console) show(w http.ResponseWriter, r *http.Request, status int, trouble *web.Callout) {
	ctx := r.Context()
	f, err := c.desk.Current(ctx)
	var key string
	if err == nil {
		key, err = c.desk.Key(ctx)
	}
	var all []devicedb.Release
	if err == nil {
		all, err = c.desk.Releases(ctx)
	}
	var spent device.Spend
	if err == nil {
		spent, err = c.desk.Spent(ctx)
	}
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	page := web.Page{
		Title: "On the device", Lead: "A list for visitors who let nothing leave: their browser keeps what they looked at, and ranks by the file below. We learn nothing of it.",
		APICall: "GET " + ModelPath, Flash: flash(r.URL.Query().Get("done")),
	}
	page.Body = body{
		Trouble: trouble, Stats: c.stats(f, spent), Releases: c.table(all), Snippet: c.snippet(key), Forms: c.forms(all),
		Says:  web.Callout{Tone: tone(f.Kind), Title: "What the file says of itself", Text: f.Statement},
		Facts: []web.KeyValue{{Key: "SHA-256 of the file", Value: f.Name, Copy: true}, {Key: "Valid until", Value: f.Until}, {Key: "Key that it is signed with", Value: key, Copy: true, Sub: "ECDSA on P-256, as the SDK takes it"}},
	}
	c.Render(w, r, status, c.pages, "device.html", page)
}

func tone(k device.Kind) web.Tone {
	if k == device.Content {
		return web.Good
	}
	return web.Info
}

func (c *console) stats(f devicedb.Served, spent device.Spend) []web.Stat {
	b := device.TheBudget()
	used := web.Stat{Label: "Privacy budget", Value: "unspent", Note: fmt.Sprintf("of ε %g at δ %g, for good", b.Epsilon, b.Delta)}
	if g, err := spent.Guarantee(b.Delta); err == nil && spent != (device.Spend{}) {
		used.Value = fmt.Sprintf("ε %.2f", g.Epsilon)
	}
	return []web.Stat{
		{Label: "Served", Value: words(f.Kind), Note: "since " + web.Clock(f.Made)}, {Label: "Products", Value: f.Items, Note: web.Plural(f.Cells, "pair", "pairs")},
		{Label: "Size", Value: web.Number(float64(len(f.Body)) / 1e6), Unit: "MB", Note: "before compression"}, used,
	}
}

func (c *console) snippet(key string) web.CodeBlock {
	code := `<script type="module">
import {device} from "{base}{rank}";
const mode = device({host: "{base}", key: "{key}"});
// The visitor's own switch: mode.on(), mode.off(). Then on a product's page: mode.saw("SKU").
const {entries} = mode.isOn() ? await mode.rank({n: 10}) : {entries: []};
</script>`
	return web.CodeBlock{Title: "In a page of the shop", Lang: "html", Code: strings.NewReplacer("{base}", c.base, "{rank}", js.RankPath(), "{key}", key).Replace(code)}
}

func (c *console) table(all []devicedb.Release) web.Table {
	t := web.Table{ID: "releases", Caption: "Releases and acceptances", Note: "Each is an entry of the ledger, and so is its end. What was spent stays spent.",
		Columns: []web.Column{{Label: "No."}, {Label: "Kind"}, {Label: "State"}, {Label: "From"}, {Label: "Until"}, {Label: "Spent", Secondary: true}, {Label: "Who", Secondary: true}, {Label: "Why", Secondary: true}},
		Empty:   &web.Empty{Icon: "lock", Title: "None", Text: "The file is made from the catalogue. No person is in it, and nothing has to be decided."}}
	for _, r := range all {
		state, until := web.Badge{Text: "counts", Tone: web.Good}, r.Until
		if !r.Valid(c.now()) {
			state = web.Badge{Text: "over"}
		}
		if !r.Ended.IsZero() {
			state, until = web.Badge{Text: "ended"}, r.Ended
		}
		spent := any("nothing")
		if g, err := r.Spend.Guarantee(device.TheBudget().Delta); err == nil && r.Kind == device.Noised {
			spent = fmt.Sprintf("ε %.2f alone", g.Epsilon)
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(r.Number, words(r.Kind), state, r.Made, until, spent, r.By, r.Reason)})
	}
	return t
}

func (c *console) forms(all []devicedb.Release) (forms []web.Form) {
	standing := map[device.Kind]bool{}
	for _, r := range all {
		if !r.Valid(c.now()) {
			continue
		}
		standing[r.Kind] = true
		forms = append(forms, web.Form{ID: fmt.Sprintf("end-%d", r.Number), Action: fmt.Sprintf("%s/%d/end", Path, r.Number), Legend: fmt.Sprintf("End no. %d, %s", r.Number, strings.ToLower(words(r.Kind))),
			Intro: "It is served no more, at once. Browsers that have a file keep it until it runs out.", Submit: "End it"})
	}
	why := web.Field{Name: "reason", Label: "Why", Hint: "Kept in the ledger, and shown here. Name nobody.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}
	b := device.TheBudget()
	g, err := b.Each().Guarantee(b.Delta)
	if err == nil && !standing[device.Noised] {
		forms = append(forms, web.Form{ID: "release", Action: Path + "/release", Legend: "Release a file with noise", Fields: []web.Field{why}, Submit: "Release",
			Intro: fmt.Sprintf("Made from people who permit that we learn from them, so that nobody can tell whether any one of them is in it: ε %.2f at δ %g for this file, %g for all of them together, for good. It is valid for 90 days and is not changed when somebody is erased. A shop with too few people is told so, and nothing is spent.",
				g.Epsilon, b.Delta, b.Epsilon)})
	}
	if !standing[device.Counted] {
		forms = append(forms, web.Form{ID: "accept", Action: Path + "/accept", Legend: "Accept files without noise", Danger: true, Submit: "Accept",
			Fields: []web.Field{why, {Name: "accepted", Kind: web.CheckField, Value: "yes", Required: true, Label: "I accept that copies stay in browsers for up to a day after somebody has withdrawn or was erased."}},
			Intro: fmt.Sprintf("Made from the model that serves, without noise: only pairs that at least %d people who permit it have in common. Whoever knows much about a person may conclude from changes of the file that they are in it. Your name, your reason and the time are signed into the ledger. It ends after 30 days.",
				device.LeastBehind)})
	}
	return forms
}

func flash(code string) *web.Flash {
	switch code {
	case "accepted":
		return &web.Flash{Kind: web.Good, Text: "Accepted. The file without noise is served from the next request, and made anew whenever the model changes."}
	case "released":
		return &web.Flash{Kind: web.Good, Text: "Released. The file with noise is served from the next request."}
	case "ended":
		return &web.Flash{Kind: web.Good, Text: "Ended. It is served no more."}
	}
	return nil
}

func order(r *http.Request) (devicedb.Order, error) {
	if err := r.ParseForm(); err != nil {
		return devicedb.Order{}, errors.Join(err, thimble.ErrInvalid)
	}
	o := devicedb.Order{By: web.VisitorFrom(r.Context()).Staff, Reason: strings.TrimSpace(r.PostForm.Get("reason"))}
	return o, o.Check()
}

// done goes back to the page; what is refused is said there.
func (c *console) done(w http.ResponseWriter, r *http.Request, code string, err error) {
	switch {
	case err == nil:
		http.Redirect(w, r, Path+"?done="+code, http.StatusSeeOther)
	case errors.Is(err, thimble.ErrInvalid):
		c.show(w, r, http.StatusUnprocessableEntity, &web.Callout{Tone: web.Bad, Title: "Not done", Text: "Write in 1 to 500 characters why, and tick what has to be accepted."})
	case errors.Is(err, thimble.ErrConflict):
		c.show(w, r, http.StatusConflict, &web.Callout{Tone: web.Warn, Title: "Not done, and nothing is spent", Text: plainly(err)})
	default:
		c.Fail(w, r, err)
	}
}

// plainly is what an error of package device says, without what is for programs.
func plainly(err error) string {
	text := strings.TrimSuffix(err.Error(), ": "+thimble.ErrConflict.Error())
	if at := strings.LastIndex(text, "device: "); at >= 0 {
		text = text[at+len("device: "):]
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (c *console) accept(w http.ResponseWriter, r *http.Request) {
	o, err := order(r)
	if err == nil && r.PostForm.Get("accepted") != "yes" {
		err = fmt.Errorf("device: accepting: the box was not ticked: %w", thimble.ErrInvalid)
	}
	if err == nil {
		_, err = c.desk.Accept(r.Context(), o)
	}
	c.done(w, r, "accepted", err)
}

func (c *console) release(w http.ResponseWriter, r *http.Request) {
	o, err := order(r)
	if err == nil {
		_, err = c.desk.Release(r.Context(), o)
	}
	c.done(w, r, "released", err)
}

func (c *console) end(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		c.Fail(w, r, fmt.Errorf("device: the number of a release is expected: %w", thimble.ErrNotFound))
		return
	}
	c.done(w, r, "ended", c.desk.End(r.Context(), number, web.VisitorFrom(r.Context()).Staff))
}
