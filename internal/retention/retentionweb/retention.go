package retentionweb

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/web"
)

type retentionBody struct {
	Stats     []web.Stat
	Waiting   []card
	Proposals []card
	Away      *web.Table // nil: no rule runs from the last visit
	Weeks     web.Table
	Schedules web.Table
	Runs      web.Table
	Document  []web.KeyValue
	Change    web.Form
}

// A card is something that waits for somebody.
type card struct {
	ID    string
	Title string
	Badge web.Badge
	Facts []web.KeyValue
	Form  web.Form
}

func (c *console) retention(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	ctx := r.Context()
	plan, err := c.Store.Plan(ctx)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	weeks, err := c.Store.Upcoming(ctx, plan.Schedules)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	runs, err := c.Store.Runs(ctx, shown)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	proposals, err := c.Store.Proposals(ctx)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	tellings, err := c.Store.Tellings(ctx)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	c.Render(w, r, status, c.pages, "console_retention.html", web.Page{
		Title: "Retention", Lead: "How long what is kept, by which law or rule, what goes next, and the proof of what went.",
		Actions: []web.Action{{Label: "Holds", Href: holdsPath}}, Body: retentionBodyOf(plan, weeks, runs, proposals, tellings, c.Now(), refused),
	})
}

func retentionBodyOf(plan retentiondb.Plan, weeks []retentiondb.Week, runs []retention.Run, proposals []retentiondb.Proposal, tellings []retentiondb.Telling, now time.Time, refused *web.Form) retentionBody {
	waits, red := counts(runs)
	var next int64
	for _, w := range weeks {
		next += retention.Sum(w.Counts)
	}
	b := retentionBody{
		Stats: []web.Stat{{Label: "Expire in " + strconv.Itoa(retentiondb.Weeks) + " weeks", Value: next, Note: "entries"}, {Label: "Wait for a person", Value: waits, Note: "runs"},
			{Label: "Kept too long", Value: red, Note: "categories"}},
		Weeks: weeksTable(weeks), Schedules: schedulesTable(plan.Schedules, now), Runs: runsTable(runs), Change: fill(changeForm(plan.Document), refused),
		Document: []web.KeyValue{{Key: "In force", Value: "version " + strconv.FormatInt(plan.Document.Version, 10)}},
	}
	if plan.Document.Version > 0 {
		b.Document = append(b.Document, web.KeyValue{Key: "Changed", Value: plan.Document.At, Sub: "by " + plan.Document.Staff}, web.KeyValue{Key: "Why", Value: plan.Document.Reason})
	}
	b.Away = awayTable(plan.Schedules, tellings)
	for _, r := range runs {
		if r.State == retention.Waiting {
			b.Waiting = append(b.Waiting, waitingCard(r, refused))
		}
	}
	for _, p := range proposals {
		if p.State == "open" {
			b.Proposals = append(b.Proposals, proposalCard(p, refused))
		}
	}
	return b
}

func waitingCard(r retention.Run, refused *web.Form) card {
	return card{ID: r.ID.Token(retention.RunPrefix), Title: runWords(r) + ": " + web.Text(retention.Sum(r.Proof.Listed)) + " to expire", Badge: stateBadge(r.State), Facts: []web.KeyValue{
		{Key: "Why it waits", Value: r.Why}, {Key: "Older than", Value: web.Day(r.Before)}, {Key: "What would go", Value: countWords(r.Proof.Listed)}, {Key: "By", Value: sourceWords(r.Proof.Source)},
	}, Form: fill(confirmForm(r), refused)}
}

func reasonField(label string) web.Field {
	return web.Field{Name: "reason", Label: label, Hint: "10 to 500 characters, and no customer’s data.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}
}

func confirmForm(r retention.Run) web.Form {
	id := r.ID.Token(retention.RunPrefix)
	return web.Form{ID: "confirm-" + id, Action: runPath + "/" + id, Legend: "Is that right?", Submit: "Let it expire", Danger: true,
		Intro: "It goes for good. Change the document instead if it should not go.", Fields: []web.Field{reasonField("What you looked at")}}
}

func changeForm(v retentiondb.Version) web.Form {
	return web.Form{ID: "change", Action: documentPath, Legend: "Change it", Submit: "Put it in force", Fields: []web.Field{
		{Name: "after", Kind: web.HiddenField, Value: strconv.FormatInt(v.Version, 10)},
		{Name: "text", Label: "Document", Hint: "JSON: rules with category, purpose, max such as 3y, and why; kept_here and kept_elsewhere name laws’ records. A period only shortens what the laws say.", Kind: web.TextAreaField, Rows: 10, Required: true, Value: v.Text},
		reasonField("Why it changes"),
	}}
}

func proposalCard(p retentiondb.Proposal, refused *web.Form) card {
	used := any(p.Used)
	if p.Used.IsZero() {
		used = "never since " + web.Date(p.Since) + ", when the use log begins"
	}
	return card{ID: "unread-" + p.Holder + "-" + string(p.Category), Title: categoryWords(p.Category) + " in " + p.Holder + ": nobody reads it", Badge: web.Badge{Text: "Proposed for deletion", Tone: web.Warn},
		Facts: []web.KeyValue{{Key: "Read last", Value: used}, {Key: "Known by", Value: "category and holder, as the use log has it; not by single field"}}, Form: fill(proposalForm(p), refused)}
}

func proposalForm(p retentiondb.Proposal) web.Form {
	return web.Form{ID: "propose-" + p.Holder + "-" + string(p.Category), Action: proposalPath, Legend: "Keep it?", Submit: "Decide", Danger: true,
		Intro: "Accepted, the document gets a rule of 0 days for the whole category, in every holder. The run that follows waits for a person.",
		Fields: []web.Field{
			{Name: "category", Kind: web.HiddenField, Value: string(p.Category)}, {Name: "holder", Kind: web.HiddenField, Value: p.Holder},
			{Name: "do", Label: "Decision", Kind: web.SelectField, Required: true, Options: []web.Option{{Label: "Choose"}, {Value: "accept", Label: "Delete it, and keep none from now on"}, {Value: "decline", Label: "Keep it"}}},
			reasonField("Why"),
		}}
}

func weeksTable(weeks []retentiondb.Week) web.Table {
	t := web.Table{ID: "weeks", Caption: "What expires next", Note: "By week, under the schedules of now. What is due already is in the first.",
		Columns: []web.Column{{Label: "Week from"}, {Label: "Entries", Kind: web.NumberColumn}, {Label: "Of"}},
		Empty:   &web.Empty{Icon: "clock", Title: "Nothing expires", Text: "No category with a period has anything that comes to its end in the coming weeks."}}
	for _, w := range weeks {
		if n := retention.Sum(w.Counts); n > 0 {
			named := make([]retention.Count, len(w.Counts))
			for i, c := range w.Counts {
				named[i] = retention.Count{Of: strings.ToLower(categoryWords(thimble.Category(c.Of))), N: c.N}
			}
			t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Day(w.From), n, countWords(named))})
		}
	}
	return t
}

func schedulesTable(all []retention.Schedule, now time.Time) web.Table {
	t := web.Table{ID: "schedules", Caption: "Schedules", Note: "For each purpose the shortest period counts; a record goes when its last purpose has ended.",
		Columns: []web.Column{{Label: "What"}, {Label: "Goes after"}, {Label: "By"}, {Label: "Used for"}, {Label: "At least", Secondary: true}, {Label: "For each person", Secondary: true}}}
	for _, s := range all {
		goes, by := web.Cell{Value: "with the person"}, web.Cell{Value: "no source has a period for each purpose"}
		if s.Ends != nil {
			goes, by = web.Cell{Value: spanWords(s.Ends.Span), Sub: "older than " + web.Date(s.Before(now))}, web.Cell{Value: string(s.Ends.Source.Kind), Sub: sourceWords(s.Ends.Source)}
		}
		if part := retention.Blocked(s, all, now); s.Ends != nil && part != "" {
			goes.Sub = "not executed: " + string(part) + " is kept longer"
		}
		least, other := web.Cell{Value: "–"}, web.Cell{Value: "–"}
		if len(s.Floors) > 0 {
			f := s.Floors[0]
			least = web.Cell{Value: spanWords(f.Span) + " (" + f.Record + ")", Sub: sourceWords(f.Source)}
			if _, conflict := s.Conflict(now); conflict {
				least.Sub += ". Longer than the schedule: kept for that law alone"
			}
		}
		if len(s.Shown) > 0 {
			other = clocksCell(s.Shown)
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: categoryWords(s.Category), Sub: string(s.Category)}, goes, by, usesText(s), least, other)})
	}
	return t
}

func runHref(r retention.Run) string { return runPath + "/" + r.ID.Token(retention.RunPrefix) }

func runsTable(runs []retention.Run) web.Table {
	t := web.Table{ID: "runs", Caption: "Runs", Note: "The newest " + strconv.Itoa(shown) + " at most.",
		Columns: []web.Column{{Label: "When"}, {Label: "What"}, {Label: "State"}, {Label: "Older than"}, {Label: "Expired", Kind: web.NumberColumn}, {Label: "Left", Kind: web.NumberColumn}},
		Empty:   &web.Empty{Icon: "clock", Title: "No run yet", Text: "Each category with a period is run once a day, and proves that nothing older is left."}}
	for _, r := range runs {
		when := r.Done
		if when.IsZero() {
			when = r.At
		}
		t.Rows = append(t.Rows, web.Row{Href: runHref(r), Cells: web.Cells(when, runWords(r), stateBadge(r.State), web.Day(r.Before), retention.Sum(r.Proof.Expired), retention.Sum(r.Proof.Left))})
	}
	return t
}

type runBody struct {
	Facts  []web.KeyValue
	Counts web.Table
	Proof  web.CodeBlock
}

func runBodyOf(r retention.Run, proof string) runBody {
	said := r.Why
	if n := r.Proof.Kept; r.Clock == retention.LastSeen && len(n) > 0 && said == "" {
		said = web.Text(n[0].N) + " stay until they have been told for 48 hours"
	}
	b := runBody{Proof: web.CodeBlock{Title: "Proof", Lang: "json", Code: proof}, Facts: []web.KeyValue{
		{Key: "State", Value: stateBadge(r.State), Sub: said}, {Key: "Older than", Value: r.Before}, {Key: "By", Value: sourceWords(r.Proof.Source)},
		{Key: "Older when it began", Value: countWords(r.Proof.Listed)}, {Key: "Left afterwards", Value: countWords(r.Proof.Left)},
	}}
	if r.Proof.Root != "" {
		b.Facts = append(b.Facts, web.KeyValue{Key: "Root over what expired", Value: web.Token(r.Proof.Root), Copy: true})
	}
	if r.By != "" {
		b.Facts = append(b.Facts, web.KeyValue{Key: "Confirmed by", Value: r.By})
	}
	b.Counts = web.Table{ID: "counts", Caption: "By holder", Columns: []web.Column{{Label: "Holder"}, {Label: "Expired", Kind: web.NumberColumn}, {Label: "Kept", Kind: web.NumberColumn}, {Label: "By"}},
		Empty: &web.Empty{Icon: "check", Title: "Nothing was due", Text: "No holder had anything that was older."}}
	for _, c := range r.Proof.Expired {
		b.Counts.Rows = append(b.Counts.Rows, web.Row{Cells: web.Cells(c.Of, c.N, 0, "–")})
	}
	for _, k := range r.Proof.Kept {
		b.Counts.Rows = append(b.Counts.Rows, web.Row{Cells: web.Cells(k.Holder, 0, k.N, web.Cell{Value: k.What, Sub: k.Law})})
	}
	return b
}
