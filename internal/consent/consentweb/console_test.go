package consentweb

import (
	"context"
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
