package timelineweb

import (
	"testing"
	"time"

	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.RenderAll(t, pages, map[string]web.Page{"portal_events.html": {Title: "What you looked at", Body: body{web.Table{
		ID: "events", Caption: "What you looked at", Columns: []web.Column{{Label: "What"}, {Label: "When"}},
		Rows:   []web.Row{{Cells: web.Cells(web.Cell{Value: "You looked at a product", Sub: "Linen shirt"}, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))}},
		Paging: &web.Paging{Next: "1.2"},
	}}}})
}
