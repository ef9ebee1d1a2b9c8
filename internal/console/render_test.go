package console

import (
	"context"
	"testing"
	"time"

	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(files, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	o := Overview{
		Tiles: []func(context.Context) ([]web.Stat, error){func(context.Context) ([]web.Stat, error) { return []web.Stat{{Label: "Customers", Value: 4372}}, nil }},
		Charts: []func(context.Context) (web.Chart, error){func(context.Context) (web.Chart, error) {
			return web.Chart{Title: "Units", Labels: []string{"Jan"}, Series: []web.Series{{Label: "Units", Values: []float64{1}}}}, nil
		}},
		Moments: []func(context.Context) ([]web.Moment, error){func(context.Context) ([]web.Moment, error) {
			return []web.Moment{{At: time.Unix(1, 0), Title: "a"}, {At: time.Unix(2, 0), Title: "b"}}, nil
		}},
	}
	body, err := o.body(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := body.Timeline.Items[0].Title; got != "b" {
		t.Errorf("the newest moment is %q, want b", got)
	}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"overview.html": {Layout: web.Console, Title: "Overview", Body: body},
		"denied.html":   {Layout: web.Console, Title: "Not for your role", Body: deniedBody{"no rule permits it"}},
	})
}
