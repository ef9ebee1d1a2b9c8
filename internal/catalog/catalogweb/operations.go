package catalogweb

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/web"
)

// OperationCatalog knows the items; *catalogdb.Store does.
type OperationCatalog interface {
	Page(ctx context.Context, q catalog.Query) (catalog.Page, error)
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// An Item is a product as the API shows it.
type Item struct {
	ID       string `json:"id" doc:"The shop's own number of the product."`
	Name     string `json:"name"`
	Kind     string `json:"kind" enum:"product,service" doc:"Services, such as postage, are sold and never recommended."`
	Price    *Price `json:"price,omitempty" doc:"Left out where no price is known."`
	Category string `json:"category,omitempty"`
	Attributes
	SoldOrders int64 `json:"sold_orders,omitempty" doc:"Orders that contained it; in lists of items."`
	SoldUnits  int64 `json:"sold_units,omitempty" doc:"Units sold; in lists of items."`
}

// Attributes are what the feed says of a product; what is unknown is left out.
type Attributes struct {
	Brand        string `json:"brand,omitempty"`
	Colour       string `json:"colour,omitempty"`
	Size         string `json:"size,omitempty" doc:"Of this variant."`
	Gender       string `json:"gender,omitempty" doc:"Whom it is made for."`
	AgeGroup     string `json:"age_group,omitempty"`
	Material     string `json:"material,omitempty"`
	Season       string `json:"season,omitempty"`
	Group        string `json:"group,omitempty" doc:"What the variants of one product share."`
	Adult        string `json:"adult,omitempty" enum:"yes,no" doc:"Whether it is for grown-ups only."`
	Availability string `json:"availability,omitempty" doc:"What the feed says: for sale, in stock, out of stock, preorder, backorder, withdrawn."`
	Since        string `json:"since,omitempty" format:"date" doc:"The day on which it was first seen for sale."`
}

// A Price is an amount of money.
type Price struct {
	Minor    int64  `json:"minor" doc:"In minor units, such as pence."`
	Currency string `json:"currency" doc:"ISO 4217."`
}

// ItemOf shows a product.
func ItemOf(p catalog.Product) Item {
	item := Item{ID: string(p.ID), Name: p.Name, Kind: string(p.Kind), Category: p.Category}
	a := p.Attributes
	item.Attributes = Attributes{
		Brand: a.Brand, Colour: a.Colour, Size: a.Size, Gender: a.Gender, AgeGroup: a.AgeGroup, Material: a.Material, Season: a.Season,
		Group: a.Group, Adult: string(a.Adult), Availability: string(a.Availability),
	}
	if !a.Since.IsZero() {
		item.Since = a.Since.UTC().Format(time.DateOnly)
	}
	if item.Kind == "" { // no longer in the catalogue
		item.Kind = string(catalog.Goods)
	}
	if p.Price != (thimble.Money{}) {
		item.Price = &Price{Minor: p.Price.Minor, Currency: p.Price.Currency}
	}
	return item
}

// Items is a page of the catalogue.
type Items struct {
	Items []Item `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; left out on the last."`
	Total int64  `json:"total" doc:"Of all pages."`
}

type itemsInput struct {
	Q        string `query:"q" maxLength:"200" doc:"Words that each occur in name or number." example:"cake stand"`
	Category string `query:"category" maxLength:"64" doc:"A category of the catalogue."`
	Sort     string `query:"sort" enum:"name,-name,price,-price,sold,-sold" default:"name" doc:"The order; a minus turns it round." example:"-sold"`
	Cursor   string `query:"cursor" maxLength:"1000" doc:"The field next of the page before, with the other parameters as they were."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items." example:"1"`
}

type itemsOutput struct{ Body Items }

type itemInput struct {
	ID string `path:"id" maxLength:"64" doc:"The product's number." example:"22423"`
}

type itemOutput struct{ Body Item }

var exampleItem = Item{ID: "22423", Name: "REGENCY CAKESTAND 3 TIER", Kind: "product", Price: &Price{Minor: 1275, Currency: "GBP"}}

// Operations are the catalogue's part of the API.
func Operations(c OperationCatalog) func(huma.API) {
	return func(api huma.API) {
		listed := exampleItem
		listed.SoldOrders, listed.SoldUnits = 2169, 13890
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "catalog", Description: "What the shop sells. Nothing here is about a person."})
		huma.Register(api, operation("listItems", "/v1/items", "List items",
			"A page of the catalogue, searched, filtered and sorted.", Items{Items: []Item{listed}, Next: "eyJzIjoic29sZCIsImQiOnRydWV9", Total: 38}),
			func(ctx context.Context, in *itemsInput) (*itemsOutput, error) { return items(ctx, c, in) })
		one := operation("getItem", "/v1/items/{id}", "Get an item", "One product of the catalogue.", exampleItem)
		one.Errors = []int{http.StatusNotFound}
		huma.Register(api, one, func(ctx context.Context, in *itemInput) (*itemOutput, error) {
			id := thimble.ItemID(in.ID)
			found, err := c.Get(ctx, id)
			if err != nil {
				return nil, err
			}
			p, ok := found[id]
			if !ok {
				return nil, fmt.Errorf("catalog: item: %w", thimble.ErrNotFound)
			}
			return &itemOutput{Body: ItemOf(p)}, nil
		})
	}
}

func operation(id, path, summary, about string, example any) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"catalog"}, Summary: summary, Description: about,
		Metadata:  map[string]any{"scope": "read"},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}},
	}
}

func items(ctx context.Context, c OperationCatalog, in *itemsInput) (*itemsOutput, error) {
	sort, desc := strings.CutPrefix(in.Sort, "-")
	q, err := catalog.Query{Search: in.Q, Sort: sort, Desc: desc, Limit: in.Limit}.Normal()
	if err != nil {
		return nil, web.FieldProblems{{Field: "query.q", Detail: "expected at most 8 words and 200 printable characters"}}
	}
	q.Category = in.Category
	if q, err = q.Normal(); err != nil {
		return nil, web.FieldProblems{{Field: "query.category", Detail: "expected a word of the catalogue"}}
	}
	q.After = in.Cursor
	if q.After != "" {
		if _, err := q.Position(); err != nil {
			return nil, web.FieldProblems{{Field: "query.cursor", Detail: "expected the field next of a page of this list; start from its first page"}}
		}
	}
	page, err := c.Page(ctx, q)
	if err != nil {
		return nil, err
	}
	out := Items{Items: make([]Item, len(page.Products)), Next: page.Next, Total: page.Total}
	for i, p := range page.Products {
		out.Items[i] = ItemOf(p.Product)
		out.Items[i].SoldOrders, out.Items[i].SoldUnits = p.SoldOrders, p.SoldUnits
	}
	return &itemsOutput{Body: out}, nil
}
