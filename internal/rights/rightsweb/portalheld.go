package rightsweb

import (
	"context"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/web"
)

// PortalHeld sums up what is held of somebody, for the first page of the privacy centre: a
// row for each place that has something, with how much and how new it is. It is no request.
func PortalHeld(d PortalDesk) func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
		t := web.Table{ID: "held", Caption: "What the shop knows about me",
			Columns: []web.Column{{Label: "What"}, {Label: "How much"}, {Label: "Newest"}, {Label: "Do", HideHead: true, Kind: web.ActionColumn}},
			Empty:   &web.Empty{Icon: "box", Title: "Nothing", Text: "The shop keeps nothing about you but that you are here."}}
		archive, err := d.Look(ctx, who)
		if err != nil {
			return t, err
		}
		newest := map[string]time.Time{}
		for _, datum := range archive.Data {
			if datum.At.After(newest[datum.Holder]) {
				newest[datum.Holder] = datum.At
			}
		}
		for _, line := range archive.Report.Holders {
			if line.Count == 0 {
				continue
			}
			w := holderWords(line.Holder)
			href := "/privacy/data?of=" + url.QueryEscape(line.Holder)
			var at any = "" // some things have no day
			if when := newest[line.Holder]; !when.IsZero() {
				at = when
			}
			t.Rows = append(t.Rows, web.Row{Href: href, Cells: web.Cells(web.Cell{Value: w.title, Sub: w.text}, line.Count, at,
				[]web.Action{{Label: "See it", Href: href, About: w.title}})})
		}
		return t, nil
	}
}
