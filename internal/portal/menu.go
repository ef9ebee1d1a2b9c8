package portal

import (
	"slices"
	"strings"

	"thimble/internal/web"
)

// A part is one entry of the menu. Its pages are tabs of each other.
type part struct {
	label string
	pages []string // the addresses of its pages, the first of which the entry leads to
}

// parts are the entries of the menu, at most [most] with the overview.
var parts = []part{
	{"My data", []string{"/privacy/data", "/privacy/events", "/privacy/accounts", "/privacy/devices"}},
	{"My choices", []string{"/privacy/choices", "/privacy/limit", "/privacy/lists"}},
	{"Decisions", []string{"/privacy/decisions"}},
	{"Who has seen it", []string{"/privacy/access", "/privacy/shared"}},
	{"My requests", []string{"/privacy/requests", "/privacy/receipts"}},
}

// most is how many entries fit on one line at a desk.
const most = 6

// menu sorts the sections' pages into the entries of the menu, and marks where the address
// is. A page that no part knows has an entry of its own, so that none is ever lost. The
// tabs are the pages of the part that the address is in; none when it has one page alone.
func menu(pages []web.NavItem, path string) (nav []web.NavItem, tabs []web.Tab) {
	nav = []web.NavItem{{Label: "Overview", Href: Root, Current: path == Root}}
	left := slices.Clone(pages)
	for _, p := range parts {
		var own []web.Tab
		here := false
		for _, href := range p.pages {
			at := slices.IndexFunc(left, func(i web.NavItem) bool { return i.Href == href })
			if at < 0 {
				continue
			}
			current := within(path, href)
			own = append(own, web.Tab{Label: left[at].Label, Href: href, Current: current})
			here, left = here || current, slices.Delete(left, at, at+1)
		}
		if len(own) == 0 {
			continue
		}
		nav = append(nav, web.NavItem{Label: p.label, Href: own[0].Href, Current: here})
		if here && len(own) > 1 {
			tabs = own
		}
	}
	for _, i := range left {
		i.Current = within(path, i.Href)
		nav = append(nav, i)
	}
	return nav, tabs
}

func within(path, href string) bool { return path == href || strings.HasPrefix(path, href+"/") }
