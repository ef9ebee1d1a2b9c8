package portal

import (
	"testing"

	"thimble/internal/web"
)

func TestTheMenuFitsOnOneLineAndLosesNoPage(t *testing.T) {
	var pages []web.NavItem
	for _, p := range parts {
		for _, href := range p.pages {
			pages = append(pages, web.NavItem{Label: href, Href: href})
		}
	}
	for _, page := range pages {
		nav, tabs := menu(pages, page.Href+"/one")
		if len(nav) > most {
			t.Fatalf("%d entries, want at most %d", len(nav), most)
		}
		entries, there := 0, false
		for _, n := range nav {
			if n.Current {
				entries++
			}
			there = there || n.Href == page.Href
		}
		for _, tab := range tabs {
			there = there || tab.Href == page.Href && tab.Current
		}
		if entries != 1 || !there {
			t.Errorf("at %s %d entries are marked, and a link to it is there: %t", page.Href, entries, there)
		}
	}
	nav, tabs := menu(append(pages, web.NavItem{Label: "New", Href: "/privacy/new"}), Root)
	if len(tabs) != 0 || nav[len(nav)-1].Label != "New" || !nav[0].Current {
		t.Errorf("a page that no part knows, or the overview, is lost: %+v", nav)
	}
}
