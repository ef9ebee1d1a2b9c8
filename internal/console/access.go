package console

import (
	"net/http"
	"slices"
	"strings"

	"thimble/internal/staff"
	"thimble/internal/staff/rules"
	"thimble/internal/web"
)

// pageOf is which page of the rules the first segment of an address below /console is of.
// A segment that is not here belongs to no page: nobody is let in.
var pageOf = map[string]rules.Page{
	"": "overview", "{$}": "overview", "account": "account", "confirm": "account", "sign-out": "account",
	"customers": "customers", "consent": "consent", "requests": "requests", "cases": "requests", "systems": "requests", "controllers": "requests", "retention": "retention", "holds": "holds", "decisions": "decisions", "reviews": "reviews",
	"access": "access", "alarms": "alarms", "reach": "alarms", "glass": "glass",
	"catalogue": "catalogue", "imports": "imports", "sources": "sources", "events": "events", "plan": "plan", "agents": "agents", "plan-changes": "planchanges", "plan-loosening": "planloosening", "recommendations": "recommendations", "experiments": "experiments", "models": "models",
	"recipients": "recipients", "agreements": "recipients", "outbox": "outbox",
	"ledger": "ledger", "policy": "policy", "vault": "keys", "datamap": "datamap", "jobs": "jobs", "people": "people", "keys": "apikeys",
}

// looks are the posts that only look: their form holds what must not be in an address.
var looks = []string{"POST /console/customers", "POST /console/customers/{subject}/unmask", "POST /console/customers/{subject}/events", "POST /console/customers/{subject}/lists"}

// Asked returns what the rules are asked for a pattern of the console: to open a page or to
// change something on it.
func Asked(pattern string) (a rules.Action, p rules.Page, ok bool) {
	method, path, _ := strings.Cut(pattern, " ")
	rest, below := strings.CutPrefix(path, Home)
	segment, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	p, ok = pageOf[segment]
	if !below || rest != "" && rest[0] != '/' || !ok {
		return "", "", false
	}
	if method == http.MethodGet || slices.Contains(looks, pattern) {
		return rules.OpenPage, p, true
	}
	return rules.ChangePage, p, true
}

// A recorder mounts sections and remembers their patterns.
type recorder struct {
	*http.ServeMux
	patterns []string
}

func (r *recorder) Handle(pattern string, h http.Handler) {
	r.patterns = append(r.patterns, pattern)
	r.ServeMux.Handle(pattern, h)
}

func (r *recorder) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(h))
}

// Patterns returns every pattern that sections mount, in their order.
func Patterns(sections []web.Section) []string {
	r := &recorder{ServeMux: http.NewServeMux()}
	for _, s := range sections {
		s.Mount(r, &web.Frame{})
	}
	return r.patterns
}

// may asks the rules whether an account may do what a pattern is for.
func (d *door) may(a staff.Account, v web.Visitor, pattern string) rules.Answer {
	action, page, ok := Asked(pattern)
	if !ok {
		return rules.Answer{Why: "no rule speaks of this page"}
	}
	now := d.Now()
	return d.Rules.Decide(rules.Request{Account: a.Name, Roles: a.Roles, Action: action, Page: page, Trained: a.Trained(now), Fresh: fresh(v, now)})
}

// permitted lets those pass whose roles may, and tells the others why not.
func (d *door) permitted(next http.Handler, matched func(*http.Request) string, f *web.Frame) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pattern := matched(r)
		if pattern == "/" { // no such page, which whoever is in may be told
			next.ServeHTTP(w, r)
			return
		}
		if answer := d.may(staff.From(r.Context()), web.VisitorFrom(r.Context()), pattern); !answer.Allowed {
			f.Render(w, r, http.StatusForbidden, d.pages, "denied.html", web.Page{Title: "Not for your role", Body: deniedBody{Why: answer.Why}})
			return
		}
		next.ServeHTTP(w, r)
	})
}

type deniedBody struct{ Why string }

// shown are the places of the navigation that an account may open.
func (d *door) shown(a staff.Account, v web.Visitor) []web.NavItem {
	return slices.DeleteFunc(slices.Clone(d.nav), func(item web.NavItem) bool {
		path, _, _ := strings.Cut(item.Href, "?")
		return !d.may(a, v, "GET "+path).Allowed
	})
}
