package storefront

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"thimble/internal/catalog"
	"thimble/internal/consent"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/web"
)

// A shelf is a row of products with its reason.
type shelf struct {
	ID       string
	Title    string
	Badge    web.Badge
	Why      string
	WhyHref  string // the decision behind the shelf
	WhyLabel string
	Products []web.Product
}

// A category is a link to a part of the catalogue.
type category struct {
	Label  string
	Href   string
	Swatch int
}

type homeBody struct {
	Shelves    []shelf
	Categories []category
	SignIn     bool // invites to the demo's sign-in
	Device     *onDevice
	Demo       bool
}

// How many products the shelves show.
const (
	homeSize = 10
	goesSize = 5
)

// actor is who asks the gate on behalf of the pages.
func actor() gate.Actor { return gate.Actor{Kind: gate.Machine, Name: "storefront"} }

func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	first, err := s.first(r)
	var sold catalog.Page
	if err == nil {
		sold, err = s.Catalog.Page(r.Context(), catalog.Query{Sort: catalog.BySold, Desc: true, Kind: catalog.Goods, Limit: goesSize})
	}
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	most := shelf{ID: "most-sold", Title: "Most sold of all", Why: "By units, over all orders. Nothing about you was used."}
	for _, p := range sold.Products {
		most.Products = append(most.Products, card(p.Product))
	}
	shelves := []shelf{first}
	if seen, err := s.seen(r); err != nil {
		s.frame.Fail(w, r, err)
		return
	} else if len(seen.Products) > 0 {
		shelves = append(shelves, seen)
	}
	for _, kind := range []lists.Kind{lists.Trending, lists.Season} {
		more, err := s.made(r, lists.Ask{Kind: kind, Placement: "home", N: goesSize})
		if err != nil {
			s.frame.Fail(w, r, err)
			return
		}
		if len(more.Products) > 0 {
			shelves = append(shelves, more)
		}
	}
	own, scripts := s.device(r, "")
	s.frame.Render(w, r, http.StatusOK, s.pages, "home.html", web.Page{
		Scripts: scripts,
		Title:   "Small things for the house and for giving", Description: "The demo shop of Thimble, on real orders.",
		Lead: s.lead(),
		Body: homeBody{Shelves: append(shelves, most), Categories: s.categories(), Demo: s.Demo, Device: own, SignIn: s.Demo && web.VisitorFrom(r.Context()).Subject.IsZero()},
	})
}

func (s *shop) lead() string {
	if s.Demo {
		return "What a real shop sold between December 2010 and December 2011. Look as a customer who allows a personal list, or as one who refused."
	}
	return ""
}

// first is the shelf that is personal for whoever allows it.
func (s *shop) first(r *http.Request) (shelf, error) {
	who := web.VisitorFrom(r.Context()).Subject
	var list lists.List
	var err error
	if who.IsZero() {
		list, err = s.Lists.Popular(r.Context(), homeSize)
	} else {
		list, err = s.Lists.ForYou(r.Context(), actor(), who, "home", homeSize)
	}
	if err != nil {
		return shelf{}, err
	}
	if list.Personal {
		return personal(list), nil
	}
	v := shelf{ID: "popular", Title: "Popular", Badge: web.Badge{Text: "Not personal"}, Why: list.Why}
	if list.Verdict != nil {
		v.Why = whyNot(list)
		v.WhyHref, v.WhyLabel = "/privacy/choices", "Change my choices"
	}
	for _, e := range list.Entries {
		p := card(*e.Product)
		p.Why = "In " + web.Plural(int(e.Orders), "order", "orders") + " lately"
		v.Products = append(v.Products, p)
	}
	return v, nil
}

// seen is the shelf of what somebody looked at, for who allows it.
func (s *shop) seen(r *http.Request) (shelf, error) {
	who := web.VisitorFrom(r.Context()).Subject
	if who.IsZero() {
		return shelf{}, nil
	}
	list, err := s.Lists.Make(r.Context(), lists.Ask{Kind: lists.Recent, Actor: actor(), Subject: who, Placement: "home", N: goesSize})
	v := shelf{ID: "recent", Title: "Recently seen", Badge: web.Badge{Text: "Personal", Tone: web.Good}, Why: list.Why, WhyHref: tasteweb.PortalPath, WhyLabel: "What shapes my lists"}
	for _, e := range list.Entries {
		p := card(*e.Product)
		p.Why = e.Why
		p.Says = []web.Say{{Label: "Forget that I looked at this", About: decisionweb.ItemName(e.Product.Name), Action: tasteweb.ShopPath,
			Hidden: []web.Hidden{{Name: "kind", Value: string(taste.Forget)}, {Name: "item", Value: string(e.Product.ID)}}}}
		v.Products = append(v.Products, p)
	}
	return v, err
}

// whyNot says in plain words why a list is not personal.
func whyNot(list lists.List) string {
	if list.Why == lists.WithoutLists {
		return list.Why
	}
	switch list.Verdict.Consent.State {
	case "", consent.Deferred:
		return "Not personal, because you have not said whether you allow it. Nothing about you was used."
	case consent.Refused, consent.Withdrawn, consent.Invalidated:
		return "Not personal, because you do not allow it. Nothing about you was used."
	case consent.Given, consent.Renewed:
		if !list.Verdict.Allowed {
			return "Not personal, because your yes has run out or cannot be checked now. Nothing about you was used."
		}
	}
	return list.Why
}

func personal(list lists.List) shelf {
	why := decisionweb.WhyHref(list.Decision)
	v := shelf{ID: "for-you", Title: "For you", Badge: web.Badge{Text: "Personal", Tone: web.Good}, Why: list.Why, WhyHref: why, WhyLabel: "Why am I seeing this? All reasons and the receipt"}
	for i, e := range list.Entries {
		p := card(*e.Product)
		if p.Why = personalWhy(e); p.Why != "" {
			p.WhyHref = why + "#" + decisionweb.Anchor(i)
		}
		p.Says = says(e)
		v.Products = append(v.Products, p)
	}
	return v
}

// personalWhy is why a product is in somebody's list: a campaign holds the place, or what
// they had speaks for it, and what the shop's rules add to that.
func personalWhy(e lists.Entry) string {
	if e.Campaign != "" {
		return e.Campaign
	}
	all := e.Reasons()
	for i := range all {
		all[i].Name = decisionweb.ItemName(all[i].Name)
	}
	why := taste.Because(all)
	if len(e.Because) > 0 && why != "" {
		why += "; the shop’s rules: " + strings.Join(e.Because, ", ")
	}
	return why
}

// says are the buttons by which the reader of a list says what they think of an entry.
func says(e lists.Entry) []web.Say {
	button := func(label, about string, kind taste.Kind, name, value string) web.Say {
		return web.Say{Label: label, About: about, Action: tasteweb.ShopPath, Hidden: []web.Hidden{{Name: "kind", Value: string(kind)}, {Name: name, Value: value}}}
	}
	name := decisionweb.ItemName(e.Product.Name)
	all := []web.Say{button("Less like this", name, taste.Less, "item", string(e.Product.ID))}
	if e.Product.Category != "" {
		all = append(all, button("Less of "+e.Product.Category, "in my lists", taste.Less, "category", e.Product.Category))
	}
	if len(e.Terms) > 0 && !e.Terms[0].Unwanted {
		t := e.Terms[0]
		all = append(all, button("Forget that I "+t.Did.Words()+" "+decisionweb.ItemName(t.Because.Name), "", taste.Forget, "item", string(t.Because.ID)))
	}
	if e.Product.Category != "" {
		all = append(all, button("Never use "+e.Product.Category, "for my lists", taste.Never, "category", e.Product.Category))
	}
	return all
}

func card(p catalog.Product) web.Product {
	c := web.Product{Name: decisionweb.ItemName(p.Name), Href: itemHref(p), Category: capital(p.Category)}
	if p.Price.Minor > 0 {
		c.Price = p.Price
	}
	return c
}

// capital writes a category's word as a label.
func capital(word string) string {
	r, size := utf8.DecodeRuneInString(word)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + word[size:]
}

func itemHref(p catalog.Product) string { return "/shop/items/" + url.PathEscape(string(p.ID)) }

func (s *shop) categories() []category {
	all := make([]category, 0, len(s.Categories))
	for _, c := range s.Categories {
		label := capital(c)
		all = append(all, category{Label: label, Href: "/shop/items?category=" + url.QueryEscape(c), Swatch: web.Swatch(label)})
	}
	return all
}
