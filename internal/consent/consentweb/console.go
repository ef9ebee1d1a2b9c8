package consentweb

import (
	"context"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleCounts says how many people are in each state of a purpose: consentdb does.
type ConsoleCounts interface {
	Counts(ctx context.Context, p thimble.Purpose) (map[consent.State]int, error)
}

// A ConsoleStore counts who stands where, and what was chosen.
type ConsoleStore interface {
	ConsoleCounts
	ConsoleMade
}

// ConsolePeople counts the customers, so that those who said nothing count too.
type ConsolePeople interface {
	Count(ctx context.Context) (int, error)
}

const consolePath = "/console/consent"

// consoleUnanswered is no state of a person: it is what is left.
const consoleUnanswered consent.State = "unanswered"

func consoleStates() [5]consent.State {
	return [...]consent.State{consent.Given, consent.Refused, consent.Withdrawn, consent.Expired, consoleUnanswered}
}

// consoleState is under which of the shown states somebody counts.
func consoleState(s consent.State) consent.State {
	switch s {
	case consent.Renewed:
		return consent.Given
	case consent.Invalidated:
		return consent.Refused
	case consent.Deferred:
		return consoleUnanswered
	}
	return s
}

// Console is the consent part of the staff console: nobody in particular.
func Console(kit *web.Kit, counts ConsoleStore, people ConsolePeople) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Consent", Href: consolePath, Icon: "check", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) {
				body, err := consoleBodyOf(r.Context(), counts, people)
				if err != nil {
					f.Fail(w, r, err)
					return
				}
				f.Render(w, r, http.StatusOK, pages, "console_consent.html", web.Page{
					Title: "Consent", Lead: "What people permit, as counts. A purpose nobody answered is a purpose nobody permits.", Body: body,
					APICall: "GET /v1/notice",
				})
			})
		},
	}, nil
}

// A consoleTally is one purpose's answers.
type consoleTally struct {
	ask    consent.Ask
	counts map[consent.State]int
	people int
}

func (t consoleTally) share(s consent.State) float64 {
	return float64(t.counts[s]) / float64(max(t.people, 1))
}

func consoleTallies(ctx context.Context, counts ConsoleCounts, people ConsolePeople) ([]consoleTally, error) {
	n, err := people.Count(ctx)
	if err != nil {
		return nil, err
	}
	var all []consoleTally
	for _, ask := range consent.Asked {
		found, err := counts.Counts(ctx, ask.Purpose)
		if err != nil {
			return nil, fmt.Errorf("consentweb: counting %s: %w", ask.Purpose, err)
		}
		t := consoleTally{ask: ask, counts: map[consent.State]int{}, people: n}
		answered := 0
		for state, k := range found {
			if state = consoleState(state); state != consoleUnanswered {
				t.counts[state] += k
				answered += k
			}
		}
		// The two counts are read one after the other: somebody may join in between.
		t.people = max(n, answered)
		t.counts[consoleUnanswered] = t.people - answered
		all = append(all, t)
	}
	return all, nil
}

type consoleBody struct {
	Stats   []web.Stat
	Charts  []web.Chart
	Table   web.Table
	Rates   []consoleRate
	NoRates *web.Empty
	Notice  []web.KeyValue
	Text    web.CodeBlock
	Nothing *web.Callout
}

func consoleBodyOf(ctx context.Context, counts ConsoleStore, people ConsolePeople) (consoleBody, error) {
	all, err := consoleTallies(ctx, counts, people)
	if err != nil {
		return consoleBody{}, err
	}
	rates, err := consoleRates(ctx, counts)
	if err != nil {
		return consoleBody{}, err
	}
	n := consent.Current()
	body := consoleBody{Rates: rates, Stats: consoleStats(all), Charts: consoleCharts(all), Table: consoleTable(all),
		Notice: []web.KeyValue{
			{Key: "Version", Value: n.Version}, {Key: "Language", Value: n.Lang},
			{Key: "SHA-256", Value: n.Ref().SHA256, Copy: true, Sub: "each recorded choice names the hash of the text that was on the page"},
		},
		Text: web.CodeBlock{Title: "Notice " + n.Version, Code: n.Text}}
	if len(rates) == 0 {
		body.NoRates = &web.Empty{Icon: "check", Title: "No finished day with an answer yet", Text: "Answers are counted by the day, and a day is shown when it is over: the counts of one under way would tell single answers. Have people asked, by the banner or the API, and come back tomorrow."}
	}
	if len(all) > 0 && all[0].people == 0 {
		body.Nothing = &web.Callout{Tone: web.Info, Title: "Nobody is here to answer yet", Text: "Import orders first: run “thimble import orders FILE”. Until somebody permits a purpose, nothing is used for it."}
	}
	return body, nil
}

// ConsoleTiles shows for the overview what share of people permits each purpose.
func ConsoleTiles(counts ConsoleCounts, people ConsolePeople) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		all, err := consoleTallies(ctx, counts, people)
		return consoleStats(all), err
	}
}

func consoleStats(all []consoleTally) []web.Stat {
	var stats []web.Stat
	for _, t := range all {
		stats = append(stats, web.Stat{Label: consoleTitle(t.ask.Purpose), Value: web.Percent(t.share(consent.Given)), Href: consolePath,
			Note: fmt.Sprintf("permitted by %s of %s", web.Text(t.counts[consent.Given]), web.Text(t.people))})
	}
	return stats
}

// consoleTitle is an ask in two or three words, for staff.
func consoleTitle(p thimble.Purpose) string {
	switch p {
	case thimble.PersonalizeContent:
		return "Personal lists"
	case thimble.TrainAISystem:
		return "Learning from orders"
	}
	return string(p)
}

func consoleCharts(all []consoleTally) []web.Chart {
	charts := make([]web.Chart, len(all))
	for i, t := range all {
		c := web.Chart{ID: fmt.Sprintf("answers-%d", i+1), Title: consoleTitle(t.ask.Purpose), Unit: "people", XLabel: "Answer", Kind: web.BarChart, Small: true,
			Finding: fmt.Sprintf("%s of %s people permit it.", web.Percent(t.share(consent.Given)), web.Text(t.people))}
		series := web.Series{Label: "People"}
		for _, s := range consoleStates() {
			c.Labels = append(c.Labels, string(s))
			series.Values = append(series.Values, float64(t.counts[s]))
		}
		c.Series = []web.Series{series}
		charts[i] = c
	}
	return charts
}

func consoleTable(all []consoleTally) web.Table {
	t := web.Table{
		ID: "purposes", Caption: "Purposes", Note: "Shares are of all customers.",
		Columns: []web.Column{{Label: "Purpose"}, {Label: "Given"}, {Label: "Refused"}, {Label: "Withdrawn"}, {Label: "Expired"}, {Label: "Unanswered"}},
	}
	for _, one := range all {
		row := web.Row{Cells: []web.Cell{{Value: consoleTitle(one.ask.Purpose), Sub: string(one.ask.Purpose)}}}
		for _, s := range consoleStates() {
			row.Cells = append(row.Cells, web.Cell{Value: web.Text(one.counts[s]), Sub: web.Percent(one.share(s))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// ConsoleHistories opens a person's choices: consentdb does.
type ConsoleHistories interface {
	History(ctx context.Context, g thimble.Grant) ([]consentdb.Recorded, error)
}

// CustomerPanel shows a customer's choices, the newest first.
func CustomerPanel(histories ConsoleHistories) subjectweb.Panel {
	return subjectweb.Panel{
		Categories: []thimble.Category{thimble.PrivacyPreferences},
		Show: func(ctx context.Context, r subjectweb.Reading) (subjectweb.Part, error) {
			part := subjectweb.Part{ID: "choices", Title: "Choices", Empty: &web.Empty{Icon: "check", Title: "No choices yet", Text: "The customer was not asked, or has not answered. Nothing that needs consent is done."}}
			all, err := histories.History(ctx, r.Grant)
			if err != nil || len(all) == 0 {
				return part, err
			}
			part.Tables = []web.Table{consoleChoiceLog(all)}
			return part, nil
		},
	}
}

func consoleChoiceLog(all []consentdb.Recorded) web.Table {
	t := web.Table{
		ID: "choice-log", Caption: "Recorded choices", HideCaption: true,
		Columns: []web.Column{{Label: "Purpose"}, {Label: "Choice"}, {Label: "When"}, {Label: "Notice"}, {Label: "Made by", Secondary: true}},
	}
	current := map[string]bool{}
	key := func(e consent.Event) string { return string(e.Purpose) + ";" + e.Scope.String() }
	for i := len(all) - 1; i >= 0; i-- {
		e := all[i].Event
		badge := web.Badge{Text: string(e.State)}
		if k := key(e); !current[k] {
			current[k] = true
			badge = web.Badge{Text: string(e.State) + ", in force", Tone: consoleTone(e.State)}
		}
		hash := e.Notice.SHA256
		if b, err := hex.DecodeString(hash); err == nil && len(b) > 6 {
			hash = hex.EncodeToString(b[:6]) + "…"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(
			web.Cell{Value: consoleTitle(e.Purpose), Sub: consoleReach(e)}, badge, e.At,
			web.Cell{Value: e.Notice.Version, Sub: hash}, web.Cell{Value: e.By.Actor, Sub: e.UI.Component})})
	}
	return t
}

// consoleReach is the purpose's key, and the part that a choice is for.
func consoleReach(e consent.Event) string {
	if e.Scope == (consent.Scope{}) {
		return string(e.Purpose)
	}
	return string(e.Purpose) + ", " + e.Scope.String()
}

func consoleTone(s consent.State) web.Tone {
	switch s {
	case consent.Given, consent.Renewed:
		return web.Good
	case consent.Refused, consent.Withdrawn:
		return web.Warn
	}
	return web.Neutral
}
