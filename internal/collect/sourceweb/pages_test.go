package sourceweb

import (
	"testing"
	"time"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/collect/sourcedb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestPagesRenderWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := source.Source{
		Source: intake.Source{Number: 2, Name: "shop", Kind: intake.Browser, Consents: true}, Origins: []string{"https://shop.example"}, Created: now, Ended: now,
		Keys: []source.Key{{Text: "wkp_x", Hint: "xxxx"}, {Hint: "yyyy", Ends: now}, {Hint: "zzzz", Ends: now.Add(time.Hour)}},
	}
	problem, _ := problemOf(&source.FieldError{Field: "origins", Rule: "https was expected"})
	form := newForm().Explain(problem)
	end := web.Action{Label: "End", Href: "/x"}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"sources.html": {Title: "Sources", Body: listBody{Table: table([]source.Source{s}), Form: form}},
		"key.html": {Title: "The key", Body: keyBody{
			Callout: web.Callout{Title: "x"}, Key: web.CodeBlock{ID: "key", Code: "wks_"}, Programs: programs(s, "https://thimble.example", "wkp_x"), Go: end,
		}},
		"source.html": {Title: "shop", Body: sourceBody{
			Facts: facts(s), Hint: "Tick it.", Programs: programs(s, "https://thimble.example", "wkp_x"), Keys: keysTable(s, now), Forms: forms(s), End: &end,
			Past: past([]sourcedb.Change{{What: sourcedb.Added, Staff: "mara", At: now}}),
		}},
		"end.html": {Title: "End?", Body: endBody{Callout: web.Callout{Title: "x"}, Facts: facts(s), Form: web.Form{ID: "end"}}},
	})
}
