package storefront

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/lists"
	"thimble/internal/web"
)

// pageSize is how many products a page of the catalogue shows.
const pageSize = 40

type browseBody struct {
	Filter   []web.Field
	Total    int64
	Products []web.Product
	First    string // the first page, when this is a later one
	Next     string
	Clear    string
	Filtered bool
}

// orders are the ways to sort, by the value of the "sort" parameter.
func orders() []web.Option {
	return []web.Option{
		{Value: "sold", Label: "Most sold first"}, {Value: "name", Label: "By name"},
		{Value: "cheap", Label: "Lowest price first"}, {Value: "dear", Label: "Highest price first"},
	}
}

func queryOf(v url.Values) catalog.Query {
	q := catalog.Query{Search: v.Get("q"), Category: v.Get("category"), Kind: catalog.Goods, Limit: pageSize, After: v.Get("after"), Sort: catalog.BySold, Desc: true}
	switch v.Get("sort") {
	case "name":
		q.Sort, q.Desc = catalog.ByName, false
	case "cheap":
		q.Sort, q.Desc = catalog.ByPrice, false
	case "dear":
		q.Sort = catalog.ByPrice
	}
	return q
}

func (s *shop) browse(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	page, err := s.Catalog.Page(r.Context(), queryOf(v))
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	body := browseBody{Filter: s.filter(v), Total: page.Total, Clear: "/shop/items", Filtered: v.Get("q") != "" || v.Get("category") != ""}
	for _, p := range page.Products {
		body.Products = append(body.Products, card(p.Product))
	}
	if page.Next != "" {
		body.Next = web.WithQuery(r.URL, "after", page.Next)
	}
	if v.Get("after") != "" {
		body.First = web.WithQuery(r.URL, "after", "")
	}
	title := "All products"
	if c := v.Get("category"); c != "" {
		title = capital(c)
	}
	s.frame.Render(w, r, http.StatusOK, s.pages, "browse.html", web.Page{Title: title, Lead: web.Plural(int(page.Total), "product", "products") + ". Nothing about you was used for this page.", Body: body})
}

func (s *shop) filter(v url.Values) []web.Field {
	categories := []web.Option{{Value: "", Label: "All"}}
	for _, c := range s.Categories {
		categories = append(categories, web.Option{Value: c, Label: capital(c)})
	}
	sort := v.Get("sort")
	if sort == "" {
		sort = "sold"
	}
	return []web.Field{
		{ID: "filter-q", Name: "q", Label: "Words", Kind: web.SearchField, Value: v.Get("q"), MaxLength: 200},
		{ID: "filter-category", Name: "category", Label: "Category", Kind: web.SelectField, Value: v.Get("category"), Options: categories},
		{ID: "filter-sort", Name: "sort", Label: "Order", Kind: web.SelectField, Value: sort, Options: orders()},
	}
}

type itemBody struct {
	Device   *onDevice
	Product  web.Product
	Number   string
	Facts    []web.KeyValue
	Chart    *web.Chart
	GoesWith shelf
	Similar  shelf
}

func (s *shop) item(w http.ResponseWriter, r *http.Request) {
	id := thimble.ItemID(r.PathValue("id"))
	found, err := s.Catalog.Get(r.Context(), id)
	product, ok := found[id]
	if err == nil && !ok {
		err = fmt.Errorf("storefront: no such product: %w", thimble.ErrNotFound)
	}
	var body itemBody
	if err == nil {
		body, err = s.itemBody(r, product)
	}
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	own, scripts := s.device(r, id)
	body.Device = own
	s.frame.Render(w, r, http.StatusOK, s.pages, "item.html", web.Page{
		Scripts: scripts,
		Title:   body.Product.Name,
		Crumbs:  []web.Crumb{{Label: "Shop", Href: "/"}, {Label: body.Product.Category, Href: "/shop/items?category=" + url.QueryEscape(product.Category)}, {Label: body.Product.Name}},
		Body:    body,
	})
}

func (s *shop) itemBody(r *http.Request, p catalog.Product) (itemBody, error) {
	body := itemBody{Product: card(p), Number: string(p.ID)}
	demand, err := s.Catalog.Demand(r.Context(), p.ID)
	if err != nil {
		return body, err
	}
	var units, times int64
	for _, d := range demand {
		units, times = units+d.Units, times+d.Orders
	}
	body.Facts = []web.KeyValue{
		{Key: "Number", Value: string(p.ID)}, {Key: "Category", Value: body.Product.Category},
		{Key: "Sold", Value: web.Plural(int(units), "piece", "pieces"), Sub: "in " + web.Plural(int(times), "order", "orders")},
	}
	body.Chart = monthly(demand)
	if body.GoesWith, err = s.made(r, lists.Ask{Kind: lists.GoesWith, Item: p.ID, Placement: "item", N: goesSize}); err != nil {
		return body, err
	}
	body.Similar, err = s.made(r, lists.Ask{Kind: lists.Similar, Item: p.ID, Placement: "item", N: goesSize})
	return body, err
}

// monthly adds up what was sold per month, months without a sale included.
func monthly(demand []catalog.Demand) *web.Chart {
	if len(demand) == 0 {
		return nil
	}
	month := func(day int64) time.Time {
		t := catalog.DayTime(day)
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	sum := map[time.Time]int64{}
	for _, d := range demand {
		sum[month(d.Day)] += d.Units
	}
	c := &web.Chart{
		ID: "sold", Title: "Sold per month", Finding: "Pieces in all orders of the month. No person is in these numbers.",
		Kind: web.BarChart, XLabel: "Month", Small: true, Series: []web.Series{{Label: "Pieces"}},
	}
	last := month(demand[len(demand)-1].Day)
	for t := month(demand[0].Day); !t.After(last); t = t.AddDate(0, 1, 0) {
		c.Labels = append(c.Labels, t.Format("Jan 2006"))
		c.Series[0].Values = append(c.Series[0].Values, float64(sum[t]))
	}
	return c
}
