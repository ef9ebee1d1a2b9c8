package consentweb

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryConsolePageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	body, err := consoleBodyOf(t.Context(), consoleFake{}, consoleFake{})
	if err != nil {
		t.Fatal(err)
	}
	if got := body.Table.Rows[0].Cells[5].Value; got != "6" { // 10 people, 3 given, 1 refused
		t.Errorf("unanswered = %v, want 6", got)
	}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_consent.html": {Layout: web.Console, Title: "Consent", Body: body}})
}

// consoleFake counts ten people.
type consoleFake struct{}

func (consoleFake) Count(context.Context) (int, error) { return 10, nil }

func (consoleFake) Counts(context.Context, thimble.Purpose) (map[consent.State]int, error) {
	return map[consent.State]int{consent.Given: 3, consent.Refused: 1}, nil
}

// Made has a banner of two versions, and a form that hardly anybody used.
func (consoleFake) Made(_ context.Context, p thimble.Purpose, _ int) ([]consent.Count, error) {
	if p == thimble.TrainAISystem {
		return nil, nil
	}
	return []consent.Count{
		{Day: 20_000, State: consent.Given, Component: "banner@1", Notice: "2026-11", N: 40}, {Day: 20_000, State: consent.Refused, Component: "banner@1", Notice: "2026-11", N: 60},
		{Day: 20_008, State: consent.Renewed, Component: "banner@2", Notice: "2026-11", N: 30}, {Day: 20_008, State: consent.Given, Component: "preferences@1", Notice: "2026-11", N: 3},
		{Day: 20_008, State: consent.Withdrawn, Component: "banner@2", Notice: "2026-11", N: 50}, {Day: 20_008, State: consent.Invalidated, Component: "import", Notice: "2026-11", N: 9},
	}, nil
}

func TestRatesHideSmallCountsAndWhatWouldTellThem(t *testing.T) {
	rates, err := consoleRates(t.Context(), consoleFake{})
	if err != nil || len(rates) != 1 {
		t.Fatalf("%d purposes with rates, %v, want the one that has answers", len(rates), err)
	}
	rows := func(table int) map[string][]string {
		all := map[string][]string{}
		for _, row := range rates[0].Tables[table].Rows {
			var cells []string
			for _, c := range row.Cells[1:] {
				cells = append(cells, fmt.Sprint(c.Value))
			}
			all[fmt.Sprint(row.Cells[0].Value)] = cells
		}
		return all
	}
	// 3 yes of the form are few; with 30 of the banner hidden too nobody can subtract.
	const hidden = "<10 or hidden"
	for where, want := range map[string][]string{
		"banner@1": {"40", "60", "0", "40\u00a0%"}, "banner@2": {hidden, "50", "0", "–"}, "preferences@1": {hidden, "0", "0", "–"},
	} {
		if got := rows(1)[where]; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", where, got, want)
		}
	}
	if got := rows(2)["2026-11"]; !slices.Equal(got, []string{"73", "110", "0", "40\u00a0%"}) {
		t.Errorf("by notice: %q", got)
	}
	if got := len(rows(0)); got != 2 {
		t.Errorf("%d weeks, want 2", got)
	}
}
