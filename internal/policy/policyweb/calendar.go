package policyweb

import (
	"net/http"
	"strings"
	"time"

	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/web"
)

type calendarBody struct {
	Form   web.Form
	Months []month
	Open   web.Timeline // proposals without a day
	Empty  *web.Empty
}

// A month is a run of days on which something turns.
type month struct {
	Title string
	Days  []turnDay
}

type turnDay struct {
	Date  time.Time
	Turns []web.Card
}

func (d *desk) calendar(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var a ask
	from := a.readDay(q, "from", d.Laws.Today())
	body := calendarBody{Form: web.Form{ID: "from", Action: calendarPath, Method: "get", Submit: "Show", Legend: "From which day on?",
		Fields: []web.Field{dayField("from", "First day", from)}}.Explain(a.problems...)}
	status := http.StatusOK
	if a.problems != nil {
		status = http.StatusUnprocessableEntity
	}
	fillCalendar(&body, d.library().Upcoming(from))
	d.show(w, r, status, "calendar.html", web.Page{
		Title: "Upcoming", Lead: "Laws that come into force, change within themselves, or end; and proposals, which change nothing until they are adopted. " + disclaimer, Body: body,
	})
}

func fillCalendar(body *calendarBody, events []policy.Event) {
	for _, e := range events {
		t := turnOf(e)
		if e.On.IsZero() {
			body.Open.Items = append(body.Open.Items, web.Moment{Title: t.Title, Href: t.Href, Text: t.Text, Icon: "flag", Badge: t.Badge})
			continue
		}
		at := e.On.Start(time.UTC)
		title := at.Format("January 2006")
		if n := len(body.Months); n == 0 || body.Months[n-1].Title != title {
			body.Months = append(body.Months, month{Title: title})
		}
		m := &body.Months[len(body.Months)-1]
		if n := len(m.Days); n == 0 || !m.Days[n-1].Date.Equal(at) {
			m.Days = append(m.Days, turnDay{Date: at})
		}
		last := &m.Days[len(m.Days)-1]
		last.Turns = append(last.Turns, t)
	}
	body.Open.Title = "Proposed, without a day"
	if len(body.Months) == 0 {
		body.Empty = &web.Empty{Icon: "clock", Title: "Nothing is dated from that day on", Text: "No pack here starts, changes or ends. Choose an earlier day, or add a pack to the folder of your own."}
	}
}

var turnWords = map[policy.Turn]web.Badge{
	policy.Starts: {Text: "Comes into force", Tone: web.Info}, policy.Changes: {Text: "Changes", Tone: web.Info},
	policy.Ends: {Text: "Ends", Tone: web.Warn}, policy.Proposes: {Text: "Proposed"},
}

func turnOf(e policy.Event) web.Card {
	badge := turnWords[e.Turn]
	c := web.Card{Icon: "scale", Title: e.Title, Href: packHref(e.Pack), Badge: &badge, Text: e.Pack + ": " + e.Cite}
	if e.Key != "" {
		c.Title = strings.ReplaceAll(e.List, "_", " ") + ": " + e.Key
		c.Text = e.Title + " (" + e.Pack + "), " + e.Cite
	}
	if n := len(e.Packs); n > 0 {
		c.Text += "; and in " + web.Plural(n, "law", "laws") + " that build on it"
	}
	c.Text += "."
	if e.Verify {
		c.Text += " Not yet checked against the primary source."
	}
	if e.List == "" && e.Turn != policy.Ends && !e.On.IsZero() {
		c.Action = &web.Action{Label: "Try it", About: e.Title, Kind: "quiet", Href: simulateHref(packID(e.Pack), e.On)}
	}
	return c
}

func packID(ref string) string {
	id, _, _ := strings.Cut(ref, "@")
	return id
}

func packHref(ref string) string { return packsPath + "/" + packID(ref) }

func simulateHref(id string, on calendar.Date) string {
	return simulatePath + "?pack=" + id + "&on=" + on.String()
}
