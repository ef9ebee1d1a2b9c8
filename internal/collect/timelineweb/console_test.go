package timelineweb

import (
	"testing"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

const (
	searching thimble.Category = "user.behavior.search_history"
	size      thimble.Category = "thimble.size"
)

// searched is an event of somebody in two parts.
func searched() timeline.Event {
	e := timeline.NewEvent(1, 0, &frame.Record{Source: 3})
	e.Opened(searching, []byte(`{"plan":1,"type":"track","event":"Products Searched","time":5,"properties":{"query":"call +33 1 84 17 61 18","products":[{"sku":"S1","price_minor":4995,"sold":true}]}}`))
	e.Opened(size, []byte(`{"properties":{"products":[{"size":"M"}]},"context":{"locale":"de"}}`))
	e.Absent = []thimble.Category{thimble.Country}
	return e
}

func TestAnEventIsShownAsFarAsTheReadingReaches(t *testing.T) {
	e := searched()
	whole := subjectweb.Reading{Opened: []thimble.Category{searching, size}}
	partly := subjectweb.Reading{Opened: []thimble.Category{searching, size}, Masked: []thimble.Category{size}}
	for name, c := range map[string]struct {
		reading subjectweb.Reading
		values  bool
		want    map[string]any
	}{
		"shapes": {whole, false, map[string]any{"query": "text", "products[0].price_minor": "number", "products[0].sold": "yes or no", "products[0].size": "text", "context.locale": "text"}},
		"values": {whole, true, map[string]any{"query": "call [phone]", "products[0].price_minor": "4995", "products[0].sold": "true", "products[0].size": "M"}},
		"partly": {partly, true, map[string]any{"products[0].sku": "S1", "products[0].size": "text", "context.locale": "text"}},
	} {
		got := map[string]any{}
		v := viewOf(&e, 0, c.reading, c.values, "till")
		for _, row := range v.Table.Rows {
			got[row.Cells[0].Value.(string)] = row.Cells[1].Value
		}
		for path, want := range c.want {
			if got[path] != want {
				t.Errorf("%s: %s = %v, want %v", name, path, got[path], want)
			}
		}
		if v.Name != "Products Searched" || len(v.Absent) != 1 || len(got) != 6 {
			t.Errorf("%s: %+v with %d lines", name, v, len(got))
		}
	}
}

func TestThePageOfSomebodysEventsRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	e, who := searched(), thimble.SubjectID{1}
	form := askForm(who, look{problem: &web.FieldProblem{Field: "reason", Detail: "Say it."}})
	kept := web.Table{ID: "kept", Caption: "Kept", Columns: []web.Column{{Label: "Data"}}, Rows: []web.Row{{Cells: web.Cells("size")}}}
	body := eventsBody{Says: says(subjectweb.Reading{}, look{}), Denied: subjectweb.Denied(subjectweb.Reading{Why: "so"}, "Back", "/x"), Ask: &form, AskOpen: true,
		Events: []eventView{viewOf(&e, 0, subjectweb.Reading{}, true, "till")}, Empty: &web.Empty{Title: "Nothing"}, Kept: &kept, Withheld: []web.KeyValue{{Key: "size", Value: "x"}}}
	body.page(who, look{values: true, reason: thimble.Hide("because of this")}, timeline.Place{}, timeline.Place{Seq: 1})
	webtest.RenderAll(t, pages, map[string]web.Page{"console_events.html": {Layout: web.Console, Title: "Events", Body: body}})
}
