package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Table is a list of like things: sorted, filtered and paged by its URL.
// Its template block is "table".
type Table struct {
	// ID names the table on its page; made from the caption when empty.
	ID      string
	Caption string // always read out; shown unless HideCaption
	Note    string // a sentence below the caption
	// HideCaption is for a table that is all its page has.
	HideCaption bool
	Columns     []Column
	Rows        []Row
	// URL is the page's own address: sorting and paging change its query.
	URL     *url.URL
	Filters []Field  // a GET form; Field.Value comes from the URL
	Paging  *Paging  // nil when everything is shown
	Empty   *Empty   // shown without rows
	Actions []Action // at the right of the caption
	// Scroll keeps the columns side by side on a phone and lets the region
	// scroll. Without it a row becomes a card.
	Scroll bool
	Totals []Cell // a last row
}

// A ColumnKind says how a column is aligned and set.
type ColumnKind string

// The kinds of column.
const (
	TextColumn   ColumnKind = ""
	NumberColumn ColumnKind = "num"  // right aligned, tabular figures
	TokenColumn  ColumnKind = "mono" // fixed width
	ActionColumn ColumnKind = "act"  // right aligned buttons
)

// A Column describes the cells below it.
type Column struct {
	Key      string // of the "sort" parameter; the column sorts when it is set
	Label    string
	Kind     ColumnKind
	HideHead bool // the label is read out, not shown
	// Secondary columns give way on narrow screens.
	Secondary bool
}

// A Row is one thing. Href makes its first cell the link to it.
type Row struct {
	Cells []Cell
	Href  string
	Tone  Tone
}

// A Cell holds a value of a type that [Text] knows, a [Badge], a []Badge, a
// [Meter] or an []Action, and what surrounds it.
type Cell struct {
	Value any
	Href  string
	Sub   string // a quiet second line
}

// A Meter is a share from 0 to 1, drawn as a thin bar behind its label.
type Meter struct {
	Share float64
	Label string // "34 %" when empty
}

// Cells makes cells of bare values.
func Cells(values ...any) []Cell {
	cells := make([]Cell, len(values))
	for i, v := range values {
		if c, ok := v.(Cell); ok {
			cells[i] = c
			continue
		}
		cells[i] = Cell{Value: v}
	}
	return cells
}

// Paging is where in a long list the page stands: by cursors or by number.
type Paging struct {
	Prev, Next string // cursors for the "after" parameter; empty at the ends
	PrevParam  string // the parameter of Prev; "before" when empty
	NextParam  string // the parameter of Next; "after" when empty
	Page       int    // with Pages: numbered pages, parameter "page"
	Pages      int
	From, To   int // rows shown, when known
	Total      int
}

// PageLink is one step of a numbered paging; Gap stands for pages left out.
type PageLink struct {
	Number  int
	Href    string
	Current bool
	Gap     bool
}

const sortParam, pageParam = "sort", "page"

// TableID is the id of the table's region, the target of htmx.
func (t Table) TableID() string {
	return or(t.ID, slug("table", t.Caption))
}

// Filtered reports whether a filter holds rows back.
func (t Table) Filtered() bool {
	return slices.ContainsFunc(t.Filters, func(f Field) bool { return f.Value != "" && f.Kind != HiddenField })
}

// ClearHref is the page without its filters.
func (t Table) ClearHref() string {
	changes := []string{pageParam, "", "after", "", "before", ""}
	for _, f := range t.Filters {
		changes = append(changes, f.Name, "")
	}
	return t.href(changes...)
}

// FilterFields are the filters with ids of this table.
func (t Table) FilterFields() []Field { return withIDs(t.TableID(), t.Filters) }

// KeptSort is the sort order that a filter form has to carry along.
func (t Table) KeptSort() string {
	if t.URL == nil {
		return ""
	}
	return t.URL.Query().Get(sortParam)
}

// Path is the page's address without its query.
func (t Table) Path() string {
	if t.URL == nil {
		return ""
	}
	return t.URL.EscapedPath()
}

// Head is a column as its header shows it.
type Head struct {
	Column
	Href string // sorts by the column, or the other way round
	Dir  string // "ascending", "descending" or ""
	Form string // the id that survives a swap, so that focus does
}

// Heads are the columns with their sort links.
func (t Table) Heads() []Head {
	heads := make([]Head, len(t.Columns))
	current := t.KeptSort()
	for i, c := range t.Columns {
		heads[i] = Head{Column: c}
		if c.Key == "" || t.URL == nil {
			continue
		}
		next := c.Key
		switch current {
		case c.Key:
			heads[i].Dir, next = "ascending", "-"+c.Key
		case "-" + c.Key:
			heads[i].Dir = "descending"
		}
		heads[i].Href = t.href(sortParam, next, pageParam, "", "after", "", "before", "")
		heads[i].Form = t.TableID() + "-by-" + c.Key
	}
	return heads
}

// Lines are the rows with each cell's column beside it.
func (t Table) Lines() []Line {
	lines := make([]Line, len(t.Rows))
	for i, row := range t.Rows {
		lines[i] = Line{Tone: row.Tone, Cells: t.placed(row.Cells, row.Href)}
	}
	return lines
}

// Sums is the last row, or nothing.
func (t Table) Sums() []PlacedCell { return t.placed(t.Totals, "") }

func (t Table) placed(cells []Cell, href string) []PlacedCell {
	out := make([]PlacedCell, 0, len(cells))
	for i, c := range cells {
		p := PlacedCell{Cell: c, First: i == 0}
		if i < len(t.Columns) {
			p.Column = t.Columns[i]
		}
		if i == 0 && p.Href == "" {
			p.Href = href
		}
		out = append(out, p)
	}
	return out
}

// A Line is a row ready to be drawn.
type Line struct {
	Tone  Tone
	Cells []PlacedCell
}

// A PlacedCell knows its column.
type PlacedCell struct {
	Cell
	Column Column
	First  bool
}

// PrevHref leads one page back, or is empty.
func (t Table) PrevHref() string { return t.step(-1) }

// NextHref leads one page on, or is empty.
func (t Table) NextHref() string { return t.step(+1) }

func (t Table) step(by int) string {
	p := t.Paging
	switch {
	case p == nil:
		return ""
	case p.Pages > 0:
		if n := p.Page + by; n >= 1 && n <= p.Pages {
			return t.pageHref(n)
		}
		return ""
	case by < 0 && p.Prev != "":
		return t.href("after", "", "before", "", or(p.PrevParam, "before"), p.Prev)
	case by > 0 && p.Next != "":
		return t.href("after", "", "before", "", or(p.NextParam, "after"), p.Next)
	}
	return ""
}

// PageLinks lists the numbered pages around the current one, with the ends.
func (t Table) PageLinks() []PageLink {
	p := t.Paging
	if p == nil || p.Pages < 2 {
		return nil
	}
	var links []PageLink
	for n := 1; n <= p.Pages; n++ {
		near := n >= p.Page-1 && n <= p.Page+1
		if n == 1 || n == p.Pages || near {
			links = append(links, PageLink{Number: n, Href: t.pageHref(n), Current: n == p.Page})
		} else if !links[len(links)-1].Gap {
			links = append(links, PageLink{Gap: true})
		}
	}
	return links
}

func (t Table) pageHref(n int) string {
	if n == 1 {
		return t.href(pageParam, "")
	}
	return t.href(pageParam, strconv.Itoa(n))
}

// href is the page's address with parameters changed; an empty value removes one.
func (t Table) href(changes ...string) string {
	if t.URL == nil {
		return ""
	}
	return WithQuery(t.URL, changes...)
}

// WithQuery returns u's path and query with the named parameters changed: pairs of
// name and value, where an empty value removes the parameter.
func WithQuery(u *url.URL, pairs ...string) string {
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + q.Encode()
}

// SortBy reads the "sort" parameter: the column's key and whether it descends.
// A key that is not allowed gives the fallback, such as "-placed".
func SortBy(q url.Values, fallback string, allowed ...string) (key string, descending bool) {
	if k := q.Get(sortParam); slices.Contains(allowed, strings.TrimPrefix(k, "-")) {
		fallback = k
	}
	key, descending = strings.CutPrefix(fallback, "-")
	return key, descending
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
