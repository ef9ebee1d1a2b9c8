package policyweb

import (
	"cmp"
	"net/http"
	"strings"

	"thimble/internal/policy"
	"thimble/internal/web"
)

type compareBody struct {
	Form    web.Form
	Note    web.Callout
	Stats   []web.Stat
	Changes web.Table
}

// compare shows what differs between the law of one place and day and that of another.
func (d *desk) compare(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a := d.read(q)
	other := a.place
	if q.Has("place2") {
		other = a.readPlace(q, "place2")
	}
	then := a.readDay(q, "on2", a.on.Add(365))
	body := compareBody{Note: web.Callout{Tone: web.Info, Title: disclaimer, Text: "A change that loosens, or cannot be compared, would wait until somebody accepts it."}}
	body.Form = web.Form{ID: "compare", Action: comparePath, Method: "get", Legend: "From where and when, to where and when?", Submit: "Show the difference",
		Fields: append([]web.Field{
			d.placeField("place", "From: place", a.place), dayField("on", "From: day", a.on),
			d.placeField("place2", "To: place", other), dayField("on2", "To: day", then),
		}, d.shopFields(q, a)...)}.Explain(a.problems...)
	status := http.StatusOK
	if a.problems != nil {
		status = http.StatusUnprocessableEntity
	} else {
		before, err := d.library().Law(a.question(a.place, a.on))
		var after *policy.Law
		if err == nil {
			after, err = d.library().Law(a.question(other, then))
		}
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		changes := policy.Diff(before, after)
		loosens := 0
		for _, c := range changes {
			if c.Loosens {
				loosens++
			}
		}
		body.Stats = []web.Stat{{Label: "Differences", Value: len(changes)}, {Label: "Stricter", Value: len(changes) - loosens}, {Label: "Looser, or not comparable", Value: loosens}}
		body.Changes = changeTable("changes", "What differs", changes)
	}
	d.show(w, r, status, "compare.html", web.Page{Title: "Difference", Lead: "What differs between two days in one place, or between two places.", Body: body})
}

func changeTable(id, caption string, changes []policy.Change) web.Table {
	t := web.Table{ID: id, Caption: caption, Columns: []web.Column{{Label: "What"}, {Label: "From"}, {Label: "To"}, {Label: "Effect"}},
		Empty: &web.Empty{Icon: "check", Title: "Nothing differs", Text: "Both laws say the same. Choose another day or place."}}
	for _, c := range changes {
		t.Rows = append(t.Rows, web.Row{Cells: changeCells(c)})
	}
	return t
}

func changeCells(c policy.Change) []web.Cell {
	effect := web.Badge{Text: "Stricter", Tone: web.Info}
	if c.Loosens {
		effect = web.Badge{Text: "Looser", Tone: web.Warn}
	}
	sub := ""
	if c.After.Verify || c.After.Pack == "" && c.Before.Verify {
		sub = notChecked
	}
	to := web.Cell{Value: cmp.Or(c.To, "nothing"), Sub: sourceText(c.After)}
	if c.From == c.To {
		to.Sub += "; the strictest stays, and what it wins over changes"
	}
	return []web.Cell{{Value: dimensionTitle(c.Dim), Sub: c.Key}, {Value: cmp.Or(c.From, "nothing"), Sub: sourceText(c.Before)}, to, {Value: effect, Sub: sub}}
}

func sourceText(o policy.Origin) string {
	if o.Pack == "" {
		return ""
	}
	return strings.ReplaceAll(o.Pack, "~waiting", "") + ": " + o.Cite
}
