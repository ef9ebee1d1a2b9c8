package catalogweb

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleProducts are the products and what was sold of them: catalogdb keeps them.
type ConsoleProducts interface {
	Page(ctx context.Context, q catalog.Query) (catalog.Page, error)
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
	Demand(ctx context.Context, item thimble.ItemID) ([]catalog.Demand, error)
	Stock(ctx context.Context, item thimble.ItemID) ([]catalog.Stock, error)
}

// A Neighbour is an item that goes with another, and the model's weight for it.
type Neighbour struct {
	Item   thimble.ItemID
	Name   string
	Weight int64 // below zero it speaks against
	People int64 // who had both; 0 when that is not told
}

// Learned is what the recommender knows of an item.
type Learned struct {
	Version int64          // of the model that serves; 0 for none
	Why     string         // why there are no weights; "" when there are
	Counts  string         // how people are counted, or why they are not
	Facts   []web.KeyValue // about the item: who had it, which rules have to do with it
	For     []Neighbour    // the items in whose lists it is a reason, the heaviest first
	From    []Neighbour    // the items that are a reason for it
	ForAll  int            // how many there are
	FromAll int
}

// Neighbours asks the serving model which lists an item drives, at most n of each direction.
type Neighbours func(ctx context.Context, item thimble.ItemID, n int) (Learned, error)

const (
	consolePath = "/console/catalogue"
	consoleRows = 50
)

type console struct {
	pages    *web.Pages
	products ConsoleProducts
	goesWith Neighbours
}

// Console is the catalogue's part of the staff console. goesWith may be nil.
func Console(kit *web.Kit, products ConsoleProducts, goesWith Neighbours) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, products: products, goesWith: goesWith}
	return web.Section{
		Nav: []web.NavItem{{Label: "Catalogue", Href: consolePath, Icon: "tag", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{item}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, f) })
		},
	}, nil
}

// ConsoleTiles counts the products for the overview.
func ConsoleTiles(products interface {
	Count(ctx context.Context) (int64, error)
}) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		n, err := products.Count(ctx)
		return []web.Stat{{Label: "Products", Value: n, Note: "goods and services", Href: consolePath}}, err
	}
}

type consoleListBody struct{ Table web.Table }

func (c *console) list(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	values := r.URL.Query()
	q := catalog.Query{Search: values.Get("q"), Category: values.Get("category"), Kind: catalog.Kind(values.Get("kind")), After: values.Get("after"), Limit: consoleRows}
	q.Sort, q.Desc = web.SortBy(values, "-"+catalog.BySold, catalog.ByName, catalog.ByPrice, catalog.BySold)
	t := consoleTable(consoleSorted(r.URL, q), q)
	status := http.StatusOK
	if problems := consoleProblems(&q); len(problems) > 0 {
		status = http.StatusUnprocessableEntity
		form := web.Form{Fields: t.Filters}.Explain(problems...)
		t.Filters, t.Note = form.Fields, form.Problem
	}
	page := catalog.Page{}
	if status == http.StatusOK || t.Note != "" {
		var err error
		if page, err = c.products.Page(r.Context(), q); err != nil {
			f.Fail(w, r, err)
			return
		}
	}
	for _, p := range page.Products {
		t.Rows = append(t.Rows, consoleRow(p))
	}
	t.Paging = &web.Paging{Total: int(page.Total), Next: page.Next}
	if q.After != "" {
		t.Actions = []web.Action{{Label: "First page", Href: web.WithQuery(r.URL, "after", ""), Kind: "quiet"}}
	}
	f.Render(w, r, status, c.pages, "console_catalogue.html", web.Page{
		Title: "Catalogue", Lead: "What the shop sells and how much of it was sold. Nothing here is about a person.", Body: consoleListBody{t}, APICall: consoleCall(q),
	})
}

// consoleProblems says what of a query is wrong, by the filter's name. A cursor
// that is not of this list is dropped: its page is the first one.
func consoleProblems(q *catalog.Query) (problems []web.FieldProblem) {
	if _, err := (catalog.Query{Search: q.Search}).Normal(); err != nil {
		problems = append(problems, web.FieldProblem{Field: "q", Detail: "At most 8 words and 200 characters."})
	}
	if _, err := (catalog.Query{Category: q.Category}).Normal(); err != nil {
		problems = append(problems, web.FieldProblem{Field: "category", Detail: "One word of the catalogue, such as “bags”."})
	}
	if q.Kind != "" && q.Kind != catalog.Goods && q.Kind != catalog.Service {
		problems = append(problems, web.FieldProblem{Field: "kind", Detail: "Choose one of the list."})
	}
	if len(problems) > 0 || q.After == "" {
		return problems
	}
	if _, err := q.Position(); err != nil {
		q.After = ""
		problems = append(problems, web.FieldProblem{Field: "after", Detail: "That page does not exist; this is the first one."})
	}
	return problems
}

// consoleSorted is the page's address with the order it is in, so that the table's
// head shows it.
func consoleSorted(u *url.URL, q catalog.Query) *url.URL {
	sorted := *u
	values := u.Query()
	values.Set("sort", consoleOrder(q))
	sorted.RawQuery = values.Encode()
	return &sorted
}

func consoleOrder(q catalog.Query) string {
	if q.Desc {
		return "-" + q.Sort
	}
	return q.Sort
}

// consoleCall is the first page of the same list as an API call.
func consoleCall(q catalog.Query) string {
	values := url.Values{"sort": {consoleOrder(q)}}
	if q.Search != "" {
		values.Set("q", q.Search)
	}
	if q.Category != "" {
		values.Set("category", q.Category)
	}
	return "GET /v1/items?" + values.Encode()
}

func consoleTable(u *url.URL, q catalog.Query) web.Table {
	return web.Table{
		ID: "products", Caption: "Products", HideCaption: true, URL: u,
		Columns: []web.Column{{Key: catalog.ByName, Label: "Product"}, {Label: "Category"}, {Label: "Kind", Secondary: true},
			{Key: catalog.ByPrice, Label: "Price", Kind: web.NumberColumn}, {Key: catalog.BySold, Label: "Units sold", Kind: web.NumberColumn}, {Label: "In orders", Kind: web.NumberColumn, Secondary: true}},
		Filters: []web.Field{
			{Name: "q", Label: "Name or number", Kind: web.SearchField, Value: q.Search, MaxLength: 200},
			{Name: "category", Label: "Category", Value: q.Category, Short: true, MaxLength: 64},
			{Name: "kind", Label: "Kind", Kind: web.SelectField, Value: string(q.Kind), Short: true,
				Options: []web.Option{{Label: "All"}, {Value: string(catalog.Goods), Label: "Goods"}, {Value: string(catalog.Service), Label: "Services"}}},
		},
		Empty: &web.Empty{Icon: "tag", Title: "No products yet", Text: "They come with the first import of orders: run “thimble import orders FILE”."},
	}
}

func consoleRow(p catalog.Listed) web.Row {
	category := web.Cell{Value: p.Category}
	if p.Category != "" {
		category.Href = consolePath + "?" + url.Values{"category": {p.Category}}.Encode()
	}
	return web.Row{Href: consoleItem(p.ID), Cells: web.Cells(web.Cell{Value: p.Name, Sub: string(p.ID)}, category, consoleKind(p.Kind), consolePrice(p.Price), p.SoldUnits, p.SoldOrders)}
}

func consoleItem(id thimble.ItemID) string { return consolePath + "/" + url.PathEscape(string(id)) }

func consoleKind(k catalog.Kind) string {
	if k == catalog.Service {
		return "Service"
	}
	return "Goods"
}

// consolePrice shows an unknown price as none.
func consolePrice(m thimble.Money) any {
	if m.Minor == 0 {
		return nil
	}
	return m
}

type consoleBody struct {
	Facts []web.KeyValue
	Chart web.Chart
	// Lists is what else decides about the item in lists.
	Lists          []web.KeyValue
	Recommends, By web.Table
}

func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	id := thimble.ItemID(r.PathValue("item"))
	found, err := c.products.Get(r.Context(), id)
	p, ok := found[id]
	if err == nil && !ok {
		err = fmt.Errorf("catalogweb: a product: %w", thimble.ErrNotFound)
	}
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	demand, err := c.products.Demand(r.Context(), id)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	stock, err := c.products.Stock(r.Context(), id)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	body := consoleBody{Facts: append(consoleFacts(p, demand), consoleStock(stock)...), Chart: consoleMonths("Units sold per month", demand)}
	if err := c.learned(r.Context(), id, &body); err != nil {
		f.Fail(w, r, err)
		return
	}
	f.Render(w, r, http.StatusOK, c.pages, "console_product.html", web.Page{
		Title: p.Name, Crumbs: []web.Crumb{{Label: "Catalogue", Href: consolePath}, {Label: string(id)}}, Body: body, APICall: "GET /v1/items/" + url.PathEscape(string(id)),
	})
}

func consoleFacts(p catalog.Product, demand []catalog.Demand) []web.KeyValue {
	var orders, units int64
	for _, d := range demand {
		orders, units = orders+d.Orders, units+d.Units
	}
	facts := []web.KeyValue{
		{Key: "Number", Value: string(p.ID), Copy: true}, {Key: "Kind", Value: consoleKind(p.Kind)}, {Key: "Category", Value: p.Category},
		{Key: "Price", Value: consolePrice(p.Price), Sub: "as last seen in an order"}, {Key: "Sold", Value: web.Plural(int(units), "unit", "units"), Sub: "in " + web.Plural(int(orders), "order", "orders")},
	}
	facts = append(facts, consoleAttributes(p.Attributes)...)
	if n := len(demand); n > 0 {
		facts = append(facts, web.KeyValue{Key: "First sold", Value: web.Day(catalog.DayTime(demand[0].Day))}, web.KeyValue{Key: "Last sold", Value: web.Day(catalog.DayTime(demand[n-1].Day))})
	}
	return facts
}

// consoleAttributes are what the feed says; what it does not say is no line.
func consoleAttributes(a catalog.Attributes) (facts []web.KeyValue) {
	for _, one := range []struct{ key, value, sub string }{
		{"Brand", a.Brand, ""}, {"Colour", a.Colour, ""}, {"Size", a.Size, ""}, {"Made for", a.Gender, ""}, {"Age group", a.AgeGroup, ""},
		{"Material", a.Material, ""}, {"Season", a.Season, ""}, {"Group", a.Group, "what its variants share"},
		{"For grown-ups only", string(a.Adult), ""}, {"Availability", string(a.Availability), "as the feed says it"},
	} {
		if one.value != "" {
			facts = append(facts, web.KeyValue{Key: one.key, Value: one.value, Sub: one.sub})
		}
	}
	if !a.Since.IsZero() {
		facts = append(facts, web.KeyValue{Key: "On sale since", Value: web.Day(a.Since), Sub: "when it was first seen"})
	}
	return facts
}

// consoleStock says how much is where, when that was imported.
func consoleStock(stock []catalog.Stock) (facts []web.KeyValue) {
	for _, l := range stock {
		key := "In stock"
		if l.Place != "" {
			key += ", " + l.Place
		}
		facts = append(facts, web.KeyValue{Key: key, Value: l.Units, Sub: "counted " + l.At.Format("2006-01-02")})
	}
	return facts
}

const consoleNeighbours = 20

// learned fills in which lists the item drives, in both directions.
func (c *console) learned(ctx context.Context, id thimble.ItemID, body *consoleBody) error {
	var l Learned
	if c.goesWith != nil {
		var err error
		if l, err = c.goesWith(ctx, id, consoleNeighbours); err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return err
		}
	}
	body.Lists = l.Facts
	body.Recommends = consoleWeights("recommends", "Which lists it drives", "Product in the list", l, l.For, l.ForAll)
	body.By = consoleWeights("recommended-by", "What drives it into lists", "Because of", l, l.From, l.FromAll)
	return nil
}

func consoleWeights(id, caption, label string, l Learned, all []Neighbour, of int) web.Table {
	t := web.Table{ID: id, Caption: caption, Note: l.Counts,
		Columns: []web.Column{{Label: label}, {Label: "Strength", Secondary: true}, {Label: "Weight", Kind: web.NumberColumn}, {Label: "People who had both", Kind: web.NumberColumn}},
		Empty: &web.Empty{Icon: "spark", Title: "Nothing was learned about this product", Text: cmp.Or(l.Why, "Too few customers who permit learning bought it, or no model serves yet: train one under Recommendations."),
			Action: &web.Action{Label: "Recommendations", Href: "/console/recommendations"}}}
	if len(all) == 0 {
		t.Note = ""
		return t
	}
	shown := ""
	if of > len(all) {
		shown = fmt.Sprintf(" The heaviest %d of %s.", len(all), web.Number(float64(of)))
	}
	t.Note = fmt.Sprintf("Weights of the serving model, version %d, learned from everyone who permits it. Strength is relative to the first; below zero it speaks against.%s %s", l.Version, shown, l.Counts)
	most := float64(max(all[0].Weight, -all[0].Weight, 1))
	for _, n := range all {
		people := any(nil)
		if n.People > 0 {
			people = n.People
		}
		t.Rows = append(t.Rows, web.Row{Href: consoleItem(n.Item), Cells: web.Cells(web.Cell{Value: n.Name, Sub: string(n.Item)}, web.Meter{Share: float64(max(n.Weight, -n.Weight)) / most}, n.Weight, people)})
	}
	return t
}
