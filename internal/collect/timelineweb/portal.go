package timelineweb

import (
	"context"
	"embed"
	"net/http"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/collect/timeline"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// PortalPath is where people see what they looked at.
const PortalPath = "/privacy/events"

// Events returns a person's events, the newest first; timelinedb does.
type Events interface {
	Of(ctx context.Context, g thimble.Grant, categories []thimble.Category, before timeline.Place, limit int) ([]timeline.Event, timeline.Place, error)
}

// Names knows the shop's products; *catalogdb.Store does.
type Names interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// PortalDeps are what the page is made of.
type PortalDeps struct {
	Events Events
	Names  Names
	// Own opens a person's own data to that person: the gate does.
	Own func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)
}

// shown is how many events a page has.
const shown = 50

// categories are those of which the page shows something: what an event was.
var categories = []thimble.Category{
	"user.behavior.browsing_history", "user.behavior.search_history", thimble.PurchaseHistory, "thimble.returns_behaviour", "user.content.public",
}

type body struct{ Table web.Table }

// Portal returns the page on which people see what events are kept of them.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "What you looked at", Href: PortalPath}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		mux.HandleFunc("GET "+PortalPath, func(w http.ResponseWriter, r *http.Request) {
			t, err := d.table(r)
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			f.Render(w, r, http.StatusOK, pages, "portal_events.html", web.Page{
				Title: "What you looked at", Lead: "What the shop has kept of your visits, the newest first. All of it, with every detail, is in your download.",
				Notice: &web.AccessNotice{Purpose: "showing you your own data"}, Body: body{t},
			})
		})
	}}, nil
}

func (d PortalDeps) table(r *http.Request) (web.Table, error) {
	t := web.Table{
		ID: "events", Caption: "What you looked at", HideCaption: true, URL: r.URL,
		Columns: []web.Column{{Label: "What"}, {Label: "When"}},
		Empty: &web.Empty{Icon: "eye", Title: "Nothing is kept of your visits",
			Text: "When you permit it, what you look at in the shop is noted here, and you can take it back at any time."},
	}
	before, err := timeline.ParsePlace(r.URL.Query().Get("after"))
	if err != nil {
		return t, err
	}
	grant, err := d.Own(r.Context(), web.VisitorFrom(r.Context()).Subject, categories...)
	if err != nil {
		return t, err
	}
	events, next, err := d.Events.Of(r.Context(), grant, categories, before, shown)
	if err != nil {
		return t, err
	}
	said, names, err := d.read(r.Context(), events)
	if err != nil {
		return t, err
	}
	for i := range said {
		w := &said[i]
		about := w.About(func(id thimble.ItemID) string { return names[id].Name })
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: w.Words(), Sub: about}, events[i].When(w))})
	}
	if !next.IsZero() {
		t.Paging = &web.Paging{Next: next.String()}
	}
	return t, nil
}

// read reads the events, and asks the catalogue once for what their products are called.
func (d PortalDeps) read(ctx context.Context, events []timeline.Event) (said []timeline.What, names map[thimble.ItemID]catalog.Product, err error) {
	for i := range events {
		said = append(said, events[i].What())
	}
	names, err = namesOf(ctx, d.Names, said)
	return said, names, err
}

// namesOf asks the catalogue what the products of some events are called.
func namesOf(ctx context.Context, catalogue Names, said []timeline.What) (map[thimble.ItemID]catalog.Product, error) {
	seen := map[thimble.ItemID]bool{}
	var ids []thimble.ItemID
	for i := range said {
		for _, p := range said[i].Products {
			if !seen[p.Item] {
				seen[p.Item], ids = true, append(ids, p.Item)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return catalogue.Get(ctx, ids...)
}
