package rules

import (
	"iter"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/staff"
)

// An Action is what is asked for.
type Action string

// The actions.
const (
	Read       Action = "read"       // people's data, in the clear
	ReadMasked Action = "readMasked" // enough of it to know it again
	Export     Action = "export"     // the data of many, or as a file
	Act        Action = "act"        // on a person's behalf
	OpenPage   Action = "open"       // of the console, to look
	ChangePage Action = "change"     // of the console, to do
)

// Actions returns all actions.
func Actions() []Action { return []Action{Read, ReadMasked, Export, Act, OpenPage, ChangePage} }

// A Page is a part of the console.
type Page string

// Pages returns all parts of the console, in its order.
func Pages() []Page {
	return []Page{
		"overview", "account", "customers", "consent", "requests", "agents", "retention", "holds", "decisions", "reviews", "access", "alarms", "glass", "catalogue", "imports", "sources", "events", "plan", "planchanges", "planloosening", "recommendations", "experiments", "models",
		"recipients", "outbox", "ledger", "policy", "keys", "datamap", "jobs", "people", "apikeys",
	}
}

// A Request asks whether somebody may.
type Request struct {
	Account  string
	Roles    []staff.Role
	Action   Action
	Purpose  thimble.Purpose  // of Read, ReadMasked, Export, Act
	Category thimble.Category // of the same
	Page     Page             // of OpenPage, ChangePage
	Trained  bool             // their training counts
	Fresh    bool             // they proved who they are in the last ten minutes
	Glass    bool             // they broke the glass for this person
	People   int              // whose data they opened in the last hour, by number
}

// An Answer says yes or no, and by which policies.
type Answer struct {
	Allowed  bool
	Policies []string // that decided: those that permit, or those that forbid
	Why      string   // of a no, in plain words
}

// Decide answers a request. What is not known is refused. The answer is shared: do not
// change what it holds.
func (s *Set) Decide(r Request) Answer {
	q, plain := r.question()
	if plain {
		if a, ok := s.answers.get(q); ok {
			return a
		}
	}
	a := s.decide(r)
	if plain {
		s.answers.keep(q, a)
	}
	return a
}

func (s *Set) decide(r Request) Answer {
	request, known := s.request(r)
	if !known {
		return Answer{Why: "there is no such purpose, category or page"}
	}
	decision, diagnostic := cedar.Authorize(candidates{s, r}, getter{&s.world, request.Principal, roleSet(r.Roles)}, request)
	a := Answer{Allowed: decision == cedar.Allow && len(diagnostic.Errors) == 0}
	for _, reason := range diagnostic.Reasons {
		a.Policies = append(a.Policies, string(reason.PolicyID))
	}
	if !a.Allowed {
		a.Why = s.whyNot(r, a.Policies)
	}
	return a
}

// whyNot says in plain words what stands against it.
func (s *Set) whyNot(r Request, forbidden []string) string {
	for _, id := range forbidden {
		for _, p := range s.policies {
			if p.ID == id && p.Why != "" {
				return p.Why
			}
		}
	}
	roles := "no role"
	if len(r.Roles) > 0 {
		roles = strings.Join(staff.RoleNames(r.Roles), ", ")
	}
	return "no rule permits it to your role (" + roles + ")"
}

// request puts a request into Cedar's words.
func (s *Set) request(r Request) (request cedar.Request, known bool) {
	request.Principal = cedar.NewEntityUID("Account", cedar.String(r.Account))
	request.Action = cedar.NewEntityUID("Action", cedar.String(r.Action))
	context := cedar.RecordMap{"trained": cedar.Boolean(r.Trained), "fresh": cedar.Boolean(r.Fresh)}
	if r.Action == OpenPage || r.Action == ChangePage {
		request.Resource, request.Context = cedar.NewEntityUID("Page", cedar.String(r.Page)), cedar.NewRecord(context)
		return request, s.world.known[request.Resource]
	}
	purpose := cedar.NewEntityUID("Purpose", cedar.String(r.Purpose))
	context["purpose"], context["glass"], context["people"] = purpose, cedar.Boolean(r.Glass), cedar.Long(r.People)
	request.Resource, request.Context = cedar.NewEntityUID("Category", cedar.String(r.Category)), cedar.NewRecord(context)
	return request, s.world.known[purpose] && s.world.known[request.Resource]
}

// candidates are the policies that could matter to a request: of its action, for anybody
// or for one of the roles, about its category, one above it, or everything.
type candidates struct {
	set *Set
	r   Request
}

// All implements cedar.PolicyIterator.
func (c candidates) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		of := string(c.r.Category)
		if c.r.Page != "" && (c.r.Action == OpenPage || c.r.Action == ChangePage) {
			of = string(c.r.Page)
		}
		for {
			if !c.yield(yield, "", of) {
				return
			}
			for _, role := range c.r.Roles {
				if !c.yield(yield, role, of) {
					return
				}
			}
			if of == "" {
				return
			}
			of = of[:max(strings.LastIndexByte(of, '.'), 0)] // the key of the category above
		}
	}
}

func (c candidates) yield(yield func(cedar.PolicyID, *cedar.Policy) bool, role staff.Role, of string) bool {
	for _, p := range c.set.byKey[key{c.r.Action, role, of}] {
		if !yield(p.id, p.policy) {
			return false
		}
	}
	return true
}

// A world is what exists whoever asks: purposes and categories with their parents, pages.
type world struct {
	entities cedar.EntityMap
	known    map[cedar.EntityUID]bool
}

func newWorld() world {
	w := world{entities: cedar.EntityMap{}, known: map[cedar.EntityUID]bool{}}
	add := func(kind cedar.EntityType, id, parent string) {
		uid := cedar.NewEntityUID(kind, cedar.String(id))
		e := cedar.Entity{UID: uid}
		if parent != "" {
			e.Parents = cedar.NewEntityUIDSet(cedar.NewEntityUID(kind, cedar.String(parent)))
		}
		w.entities[uid], w.known[uid] = e, true
	}
	for _, t := range datamap.Categories() {
		add("Category", t.Key, t.Parent)
	}
	for _, t := range datamap.Purposes() {
		add("Purpose", t.Key, t.Parent)
	}
	for _, p := range Pages() {
		add("Page", string(p), "")
	}
	return w
}

// A getter is the world and whoever asks.
type getter struct {
	world     *world
	principal cedar.EntityUID
	roles     cedar.EntityUIDSet
}

// Get implements cedar.EntityGetter.
func (g getter) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	if uid == g.principal {
		return cedar.Entity{UID: uid, Parents: g.roles}, true
	}
	e, ok := g.world.entities[uid]
	return e, ok
}

func roleSet(roles []staff.Role) cedar.EntityUIDSet {
	uids := make([]cedar.EntityUID, len(roles))
	for i, r := range roles {
		uids[i] = cedar.NewEntityUID("Role", cedar.String(r))
	}
	return cedar.NewEntityUIDSet(uids...)
}
