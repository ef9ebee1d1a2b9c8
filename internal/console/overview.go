package console

import (
	"context"
	"net/http"
	"slices"

	"thimble/internal/web"
)

// An Overview is the first page. Each capability lends its part, so that this
// package knows none of them.
type Overview struct {
	Tiles   []func(context.Context) ([]web.Stat, error)
	Charts  []func(context.Context) (web.Chart, error)
	Moments []func(context.Context) ([]web.Moment, error)
}

const (
	momentsShown = 8 // bounds the timeline
	rowOfTiles   = 4
)

type overviewBody struct {
	Stats    [][]web.Stat // rows of the same length, so that no row ends in a gap
	Charts   []web.Chart
	Timeline web.Timeline
}

// Section makes the overview a section like the others.
func (o Overview) Section(kit *web.Kit) (web.Section, error) {
	pages, err := kit.Pages(files, "pages/overview.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Overview", Href: Home, Icon: "home"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+Home, func(w http.ResponseWriter, r *http.Request) {
				body, err := o.body(r.Context())
				if err != nil {
					f.Fail(w, r, err)
					return
				}
				f.Render(w, r, http.StatusOK, pages, "overview.html", web.Page{
					Title: "Overview", Lead: "What is here, what people permit, and what was done lately.", Body: body,
				})
			})
		},
	}, nil
}

func (o Overview) body(ctx context.Context) (overviewBody, error) {
	body := overviewBody{Timeline: web.Timeline{Title: "Lately", Empty: &web.Empty{Icon: "clock", Title: "Nothing has happened yet", Text: "Start by importing the shop's orders: run “thimble import orders FILE”."}}}
	var all []web.Stat
	for _, tile := range o.Tiles {
		stats, err := tile(ctx)
		if err != nil {
			return body, err
		}
		all = append(all, stats...)
	}
	body.Stats = slices.Collect(slices.Chunk(all, rowOfTiles))
	for _, chart := range o.Charts {
		c, err := chart(ctx)
		if err != nil {
			return body, err
		}
		body.Charts = append(body.Charts, c)
	}
	for _, moments := range o.Moments {
		m, err := moments(ctx)
		if err != nil {
			return body, err
		}
		body.Timeline.Items = append(body.Timeline.Items, m...)
	}
	slices.SortStableFunc(body.Timeline.Items, func(a, b web.Moment) int { return b.At.Compare(a.At) })
	body.Timeline.Items = body.Timeline.Items[:min(len(body.Timeline.Items), momentsShown)]
	return body, nil
}
