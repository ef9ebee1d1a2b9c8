package retentionweb

import (
	"context"
	"strings"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/web"
)

// clocksCell says the rules that are counted for each person, each for whose law it is.
func clocksCell(rules []retention.Rule) web.Cell {
	var periods, sources []string
	for _, r := range rules {
		periods = append(periods, spanWords(r.Span)+" "+clockWords(r.After))
		source := sourceWords(r.Source)
		if !r.Since.IsZero() {
			source += ", counted from " + web.Date(r.Since) + " at the earliest"
		}
		if !r.Executed() {
			source += " (not executed)"
		}
		sources = append(sources, source)
	}
	return web.Cell{Value: strings.Join(periods, "; "), Sub: strings.Join(sources, ". ")}
}

// awayTable says what became of the letters to people whose period from the last visit ends,
// and how many cannot be told; nil when no rule runs from there.
func awayTable(all []retention.Schedule, tellings []retentiondb.Telling) *web.Table {
	rules := 0
	for _, r := range retention.Clocked(all) {
		if r.Forgets() {
			rules++
		}
	}
	if rules == 0 && len(tellings) == 0 {
		return nil
	}
	t := &web.Table{ID: "away", Caption: "People who stay away",
		Note:    "They get a letter a week before they are forgotten, and 48 hours at least (DPDP Rules 2025, rule 8(2)). Who cannot be written to is forgotten when their period is over; who could be, and has not been, is not.",
		Columns: []web.Column{{Label: "State"}, {Label: "People", Kind: web.NumberColumn}, {Label: "First forgotten from"}},
		Empty:   &web.Empty{Icon: "clock", Title: "Nobody’s period ends soon", Text: "Whoever was there within it stays, whatever they did."}}
	for _, one := range tellings {
		next := any(web.Day(one.Next))
		if one.State == retention.WarningBack {
			next = "–"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(tellingCell(one), one.N, next)})
	}
	return t
}

func tellingCell(t retentiondb.Telling) web.Cell {
	c := web.Cell{Sub: tellingWhy(t.Why)}
	switch t.State {
	case retention.WarningOwed:
		c.Value = web.Badge{Text: "Not told yet", Tone: web.Warn}
	case retention.WarningQueued:
		c.Value = web.Badge{Text: "Letter on its way"}
	case retention.WarningTold:
		c.Value = web.Badge{Text: "Told", Tone: web.Good}
	case retention.WarningUnreached:
		c.Value = web.Badge{Text: "Cannot be told", Tone: web.Bad}
	case retention.WarningBack:
		c.Value = web.Badge{Text: "Came back", Tone: web.Good}
	}
	return c
}

func tellingWhy(why string) string {
	switch why {
	case "":
		return ""
	case "no-mail-server":
		return "no mail server is set up: nobody is forgotten untold"
	case "kept-here":
		return "the letter stays in the outbox, for lack of a mail server: nobody is forgotten untold"
	case "no-address":
		return "there is no e-mail address; they read it in the privacy centre alone"
	case "not-opened":
		return "the address could not be opened; it is tried again"
	case "rejected", "address-invalid":
		return "the mail server refuses the address"
	}
	return "it is tried again (" + why + ")"
}

// AwayStore knows by which rule somebody is forgotten for not having been there, and what they
// were told; *retentiondb.Store does.
type AwayStore interface {
	Away(ctx context.Context, who thimble.SubjectID) (rule retention.Rule, on time.Time, found bool, err error)
	WarningOf(ctx context.Context, members ...thimble.SubjectID) (w retention.Warning, found bool, err error)
}

// PortalAway says on the first page of the privacy centre what happens when somebody stays
// away, and to who was told that they would be forgotten that they are not: to read it is to
// be there.
func PortalAway(store AwayStore, members func(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error), title func(pack string) string) func(context.Context, thimble.SubjectID) (web.Card, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		card := web.Card{Icon: "clock", Title: "If I stay away", Href: "/privacy/data", Text: "Nothing is deleted just because you stay away."}
		rule, on, found, err := store.Away(ctx, who)
		if err != nil {
			return card, err
		}
		if found {
			card.Text = "If you do not come back, we delete your data on " + web.Date(on) + ". We write to you first. The rule: " + spanWords(rule.Span) + ", " + RuleWords(rule.Source, title) + "."
		}
		all, err := members(ctx, who)
		if err != nil {
			return card, err
		}
		w, warned, err := store.WarningOf(ctx, all...)
		if err != nil || !warned {
			return card, err
		}
		said := "You were last here on " + web.Date(w.SeenOn) + ", so your data was to be deleted on " + web.Date(w.Due) + ". You are back: nothing is deleted. "
		card.Title, card.Text = "Good that you are back", said+card.Text
		return card, nil
	}
}
