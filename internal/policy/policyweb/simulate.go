package policyweb

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/policy/policydb"
	"thimble/internal/web"
)

type simulateBody struct {
	Note   web.Callout
	Here   web.Form // a pack that is here
	Own    web.Form // one that is pasted or uploaded
	People *web.Empty
	Result *simulation
}

// A simulation is what a pack would change.
type simulation struct {
	Title   string
	Stats   []web.Stat
	Counted string
	Places  web.Table
	Changes []web.Table
	Flows   web.Table
	None    *web.Empty
}

// maxText is how large a pack may be that is pasted or uploaded.
const maxText = 512 << 10

// Few is how many people in a place are named by a number.
const Few = 10

func few(n int64) any {
	if n > 0 && n < Few {
		return fmt.Sprintf("<%d", Few)
	}
	return n
}

// sum shows a total. Where a part of it is not named, neither is the total to the
// person: the part would be what is missing.
func sum(n int64, parts map[string]int64) any {
	for _, p := range parts {
		if p > 0 && p < Few && n >= Few {
			return "about " + web.Text((n+Few/2)/Few*Few)
		}
	}
	return few(n)
}

// A trial is what is asked of the simulator.
type trial struct {
	ask
	q    url.Values
	pack string // of the library
	file policy.File
}

func (d *desk) simulate(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t := trial{ask: d.read(q), q: q, pack: q.Get("pack")}
	if t.pack != "" {
		text, err := d.library().Text(t.pack)
		if err != nil {
			t.problems = append(t.problems, web.FieldProblem{Field: "pack", Detail: "There is no such pack here. Choose one of the list."})
		}
		t.file = policy.File{Name: t.pack, Text: text}
	}
	body := d.simulateBody(t)
	body.Here = body.Here.Explain(t.problems...)
	d.try(w, r, t, body)
}

// simulateFile tries a pack that was pasted or uploaded. Nothing of it is kept.
func (d *desk) simulateFile(w http.ResponseWriter, r *http.Request) {
	err := r.ParseMultipartForm(maxText)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
	}
	if err != nil {
		d.Fail(w, r, fmt.Errorf("policy: reading the form: %w", thimble.ErrInvalid))
		return
	}
	t := trial{ask: d.read(r.PostForm), q: r.PostForm}
	text, problem := uploaded(r)
	if problem != "" {
		t.problems = append(t.problems, web.FieldProblem{Field: "text", Detail: problem})
	}
	t.file = policy.File{Name: "pack", Text: text}
	body := d.simulateBody(t)
	if t.problems == nil {
		if _, _, _, err := d.library().Try(t.file); err != nil {
			t.problems = append(t.problems, web.FieldProblem{Field: "text", Detail: reason(err)})
		}
	}
	body.Own = body.Own.Explain(t.problems...)
	d.try(w, r, t, body)
}

// uploaded is the text of the file, or what was pasted.
func uploaded(r *http.Request) (text []byte, problem string) {
	if f, _, err := r.FormFile("file"); err == nil {
		defer f.Close() //nolint:errcheck // it was only read
		if text, err = io.ReadAll(io.LimitReader(f, maxText+1)); err != nil {
			return nil, "The file could not be read. Send it again."
		}
	}
	if len(text) == 0 {
		text = []byte(strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n"))
	}
	switch {
	case len(strings.TrimSpace(string(text))) == 0:
		return nil, "Paste a pack, or choose its file."
	case len(text) > maxText:
		return nil, fmt.Sprintf("The pack is larger than %d KiB. Split it.", maxText>>10)
	}
	return text, ""
}

// reason is an error in words for the form: with the line, without what programs read.
func reason(err error) string {
	text := strings.TrimSuffix(err.Error(), ": "+thimble.ErrInvalid.Error())
	text = strings.TrimPrefix(strings.TrimPrefix(text, "pack: "), "policy: ")
	return strings.ReplaceAll(text, "\n", " ")
}

func (d *desk) simulateBody(t trial) simulateBody {
	shop := d.shopFields(t.q, t.ask)
	day := dayField("on", "Day", t.on)
	return simulateBody{
		Note: web.Callout{Tone: web.Info, Title: "Nothing changes by trying", Text: "A pack is tried on the people and flows on file as if it were law. " + disclaimer},
		Here: web.Form{ID: "here", Action: simulatePath, Method: "get", Legend: "A pack that is here", Submit: "Try it",
			Fields: append([]web.Field{{Name: "pack", Label: "Pack", Kind: web.SelectField, Value: t.pack, Options: d.triable()}, day}, shop...)},
		Own: web.Form{ID: "own", Action: simulatePath, Legend: "A pack of your own", Submit: "Try it",
			Intro: "It need not be signed: nothing is decided by it, and nothing of it is kept.",
			Fields: append([]web.Field{
				{Name: "file", Label: "File", Kind: web.FileField, Hint: fmt.Sprintf("YAML, at most %d KiB.", maxText>>10)},
				{Name: "text", Label: "Or its text", Kind: web.TextAreaField, Rows: 8, Value: t.q.Get("text")}, day,
			}, shop...)},
	}
}

// triable are the packs whose effect is worth a look: those that come, proposals first.
func (d *desk) triable() []web.Option {
	options := []web.Option{{Label: "Choose a pack"}}
	today := d.Laws.Today()
	var rest []web.Option
	for _, p := range d.library().List() {
		o := web.Option{Value: packID(p.Ref), Label: p.Title + " (" + packID(p.Ref) + ")"}
		switch {
		case p.Status == policy.Proposed:
			o.Label = "Proposed: " + o.Label
			options = append(options, o)
		case today.Before(p.From):
			o.Label = "From " + p.From.String() + ": " + o.Label
			options = append(options, o)
		default:
			o.Label = "In force: " + o.Label
			rest = append(rest, o)
		}
	}
	return append(options, rest...)
}

// try renders the page, with what the pack would change when there is nothing wrong.
func (d *desk) try(w http.ResponseWriter, r *http.Request, t trial, body simulateBody) {
	status := http.StatusOK
	people, err := d.Laws.People(r.Context())
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		body.People = &web.Empty{Icon: "people", Title: "The people on file are not counted yet", Text: "They are counted once a day, by residence, age and what they permit. Each look is a use in the log. Count them now, and come back when the job is done.",
			Action: &web.Action{Label: "Count the people", Href: Path + "/count", Kind: "primary", Post: true}}
	case err != nil:
		d.Fail(w, r, err)
		return
	}
	switch {
	case t.problems != nil:
		status = http.StatusUnprocessableEntity
	case t.file.Text != nil:
		if body.Result, err = d.run(t, people, r); err != nil {
			d.Fail(w, r, err)
			return
		}
	}
	d.show(w, r, status, "simulate.html", web.Page{Title: "Simulator", Lead: "Tomorrow's law, today: what a pack would change for the people, purposes, deadlines, notices and flows on file.", Body: body})
}

func (d *desk) run(t trial, people policydb.Census, r *http.Request) (*simulation, error) {
	before, after, p, err := d.library().Try(t.file)
	if err != nil {
		return nil, err
	}
	s, err := policy.Simulate(before, after, people.Groups(r.Context()), policy.Trial{On: t.on, Establishment: t.shop.Establishment, Facts: t.shop.Facts, Flows: d.Flows()})
	if err != nil {
		return nil, err
	}
	return simulationOf(p, s, people, t.on), nil
}

func simulationOf(p *policy.Pack, s policy.Simulation, people policydb.Census, on calendar.Date) *simulation {
	live, touched := map[string]int64{}, map[string]int64{}
	for place, t := range s.ByPlace {
		live[place], touched[place] = t.People, t.Touched
	}
	out := &simulation{
		Title: fmt.Sprintf("%s (%s) on %s", p.Title, p.Ref(), on),
		Stats: []web.Stat{{Label: "People on file", Value: sum(s.People, live)}, {Label: "Something changes for", Value: sum(s.Touched, touched)},
			{Label: "Values that change", Value: len(s.Changes)}, {Label: "Would wait to be accepted", Value: s.Waits}},
	}
	if !people.At.IsZero() {
		out.Counted = "People counted on " + web.Date(people.At) + "."
	}
	if len(s.Changes)+len(s.Flows) == 0 {
		out.None = &web.Empty{Icon: "check", Title: "Nothing changes for anybody on file", Text: "The pack does not apply to the people on file on that day, or says what the law says already. Try a later day."}
	}
	out.Places = web.Table{ID: "places", Caption: "Who is touched, by place", Note: fmt.Sprintf("Counts, and no names; fewer than %d are shown as <%d.", Few, Few),
		Columns: []web.Column{{Label: "Place"}, {Label: "People", Kind: web.NumberColumn}, {Label: "Touched", Kind: web.NumberColumn}}}
	for _, place := range byCount(s.ByPlace) {
		t := s.ByPlace[place]
		out.Places.Rows = append(out.Places.Rows, web.Row{Cells: web.Cells(placeName(place), few(t.People), few(t.Touched))})
	}
	for _, dim := range dimensions {
		t := web.Table{ID: "sim-" + dim.key, Caption: dim.title, Columns: []web.Column{{Label: "What"}, {Label: "From"}, {Label: "To"}, {Label: "Effect"}, {Label: "People", Kind: web.NumberColumn}, {Label: "Where"}}}
		for _, e := range s.Changes {
			if e.Dim == dim.key {
				t.Rows = append(t.Rows, web.Row{Cells: append(changeCells(e.Change), web.Cell{Value: sum(e.People, e.ByPlace)}, web.Cell{Value: where(e.ByPlace)})})
			}
		}
		if t.Rows != nil {
			out.Changes = append(out.Changes, t)
		}
	}
	out.Flows = flowTable(s.Flows)
	return out
}

func flowTable(flows []policy.FlowChange) web.Table {
	t := web.Table{ID: "flows", Caption: "Flows", Note: "Uses of data as the installation declares them: holder or capability, and purpose. Lost are those of whom data may be used now and not then, won the other way round.",
		Columns: []web.Column{{Label: "Flow"}, {Label: "Asks now"}, {Label: "Would ask"}, {Label: "People", Kind: web.NumberColumn}, {Label: "Lost", Kind: web.NumberColumn}, {Label: "Won", Kind: web.NumberColumn}, {Label: "Where"}},
		Empty:   &web.Empty{Icon: "check", Title: "No flow changes", Text: "Each declared use is asked the same as before."}}
	for _, f := range flows {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(f.Flow, f.From, f.To, sum(f.People, f.ByPlace), sum(f.Lose, f.ByPlace), sum(f.Gain, f.ByPlace), where(f.ByPlace))})
	}
	return t
}

// byCount are the places of tallies, the most people first.
func byCount(all map[string]policy.Tally) []string {
	places := make([]string, 0, len(all))
	for p := range all {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b string) int {
		if c := all[b].People - all[a].People; c != 0 {
			return int(max(min(c, 1), -1))
		}
		return strings.Compare(a, b)
	})
	return places
}

// where lists where people live, the largest places first.
func where(counts map[string]int64) string {
	tallies := map[string]policy.Tally{}
	for p, n := range counts {
		tallies[p] = policy.Tally{People: n}
	}
	var parts []string
	for i, p := range byCount(tallies) {
		if i == 3 && len(counts) > 4 {
			parts = append(parts, fmt.Sprintf("%d more places", len(counts)-i))
			break
		}
		parts = append(parts, placeName(p)+" "+web.Text(few(counts[p])))
	}
	return strings.Join(parts, "; ")
}

func (d *desk) count(w http.ResponseWriter, r *http.Request) {
	if err := d.Count(r.Context()); err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, simulatePath, http.StatusSeeOther)
}
