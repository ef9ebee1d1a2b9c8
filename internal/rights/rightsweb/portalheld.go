package rightsweb

import (
	"context"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/web"
)

// Until says until when each kind of what is held of somebody is kept; what is not in it goes
// when they are forgotten. The table has what laws keep beyond; it has no rows when none does.
type Until = func(ctx context.Context, who thimble.SubjectID) (map[thimble.Category]time.Time, web.Table, error)

// PortalHeld sums up what is held of somebody, for the first page of the privacy centre: a
// row for each place that has something, with what for, how much, how new it is and until
// when the last of it is kept, and below it what laws keep longer. It is no request.
func PortalHeld(d PortalDesk, kept Until) func(ctx context.Context, who thimble.SubjectID) ([]web.Table, error) {
	return func(ctx context.Context, who thimble.SubjectID) ([]web.Table, error) {
		t := web.Table{ID: "held", Caption: "What the shop knows about me",
			Columns: []web.Column{{Label: "What"}, {Label: "How much"}, {Label: "Newest"}, {Label: "Kept until"}, {Label: "Do", HideHead: true, Kind: web.ActionColumn}},
			Empty:   &web.Empty{Icon: "box", Title: "Nothing", Text: "The shop keeps nothing about you but that you are here."}}
		archive, err := d.Look(ctx, who)
		if err != nil {
			return nil, err
		}
		until, laws, err := kept(ctx, who)
		if err != nil {
			return nil, err
		}
		newest, last, stays := map[string]time.Time{}, map[string]time.Time{}, map[string]bool{}
		for _, datum := range archive.Data {
			if datum.At.After(newest[datum.Holder]) {
				newest[datum.Holder] = datum.At
			}
			ends, scheduled := until[datum.Category]
			if stays[datum.Holder] = stays[datum.Holder] || !scheduled; ends.After(last[datum.Holder]) {
				last[datum.Holder] = ends
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
			var ends any = "you are forgotten"
			if when := last[line.Holder]; !when.IsZero() && !stays[line.Holder] {
				ends = web.Day(when)
			}
			t.Rows = append(t.Rows, web.Row{Href: href, Cells: web.Cells(web.Cell{Value: w.title, Sub: w.text}, line.Count, at, ends,
				[]web.Action{{Label: "See it", Href: href, About: w.title}})})
		}
		if len(laws.Rows) == 0 {
			return []web.Table{t}, nil
		}
		return []web.Table{t, laws}, nil
	}
}
