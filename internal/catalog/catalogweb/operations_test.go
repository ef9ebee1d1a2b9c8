package catalogweb_test

import (
	"strings"
	"testing"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/catalog"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func stocked(t *testing.T) *apitest.Door {
	t.Helper()
	db := sqldbtest.SQLite(t, sqldb.Core)
	store := catalogdb.New(db)
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		return store.Upsert(t.Context(), tx, []catalog.Product{
			{ID: "22423", Name: "REGENCY CAKESTAND 3 TIER", Kind: catalog.Goods, Price: thimble.Money{Minor: 1275, Currency: "GBP"}, Category: "cakestands"},
			{ID: "85123A", Name: "WHITE HANGING HEART", Kind: catalog.Goods},
			{ID: "POST", Name: "POSTAGE", Kind: catalog.Service},
		})
	})
	if err == nil {
		err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
			return store.AddDemand(t.Context(), tx, []catalog.Demand{{Item: "85123A", Day: 20000, Orders: 3, Units: 9}})
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return apitest.Open(t, catalogweb.Operations(store))
}

func TestItemsArePagedSortedAndFiltered(t *testing.T) {
	d := stocked(t)
	var first, second, found catalogweb.Items
	d.Into(&first, d.Get(apitest.Read, "/v1/items?sort=-sold&limit=2"))
	if len(first.Items) != 2 || first.Total != 3 || first.Next == "" || first.Items[0].ID != "85123A" || first.Items[0].SoldUnits != 9 || first.Items[0].Price != nil {
		t.Errorf("the first page: %+v", first)
	}
	d.Into(&second, d.Get(apitest.Read, "/v1/items?sort=-sold&limit=2&cursor="+first.Next))
	if len(second.Items) != 1 || second.Next != "" || second.Items[0].ID == first.Items[1].ID {
		t.Errorf("the second page: %+v", second)
	}
	d.Into(&found, d.Get(apitest.Read, "/v1/items?q=regency+tier&category=cakestands"))
	if len(found.Items) != 1 || *found.Items[0].Price != (catalogweb.Price{Minor: 1275, Currency: "GBP"}) {
		t.Errorf("found: %+v", found)
	}
	d.Into(&found, d.Get(apitest.Read, "/v1/items?q=nothing"))
	if found.Items == nil || len(found.Items) != 0 {
		t.Errorf("nothing is an empty list, got %+v", found)
	}
}

func TestAnItemIsFoundByItsNumber(t *testing.T) {
	d := stocked(t)
	var item catalogweb.Item
	d.Into(&item, d.Get(apitest.Read, "/v1/items/85123A"))
	if item.Name != "WHITE HANGING HEART" || item.Kind != "product" {
		t.Errorf("got %+v", item)
	}
	d.Refuses(d.Get(apitest.Read, "/v1/items/ada@example.org"), 404, "not-found", "", "ada@example.org")
}

func TestBadInputOfItemsIsNamed(t *testing.T) {
	d := stocked(t)
	for path, field := range map[string]string{
		"/v1/items?limit=0":                         "query.limit",
		"/v1/items?limit=secret":                    "query.limit",
		"/v1/items?sort=secret":                     "query.sort",
		"/v1/items?cursor=secret":                   "query.cursor",
		"/v1/items?q=a+b+c+d+e+f+g+h+secret":        "query.q",
		"/v1/items?category=secret%00":              "query.category",
		"/v1/items/" + strings.Repeat("secret", 11): "path.id",
	} {
		d.Refuses(d.Get(apitest.Read, path), 422, "invalid", field, "secret")
	}
	d.Refuses(d.Get(apitest.None, "/v1/items"), 401, "key-missing", "")
	d.Refuses(d.Get(apitest.Collect, "/v1/items/85123A"), 403, "scope-missing", "")
}
