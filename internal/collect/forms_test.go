package collect_test

import (
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
)

// The headers are those that the vendors document (docs/collect.md); the rows are made up.
const (
	shopifyOrders = "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at," +
		"Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Country,Billing Phone,Shipping Name,Shipping Country,Notes\n" +
		"#1001,ada@example.org,paid,2024-05-01 10:00:00 +0200,fulfilled,,yes,EUR,49.80,0,0,49.80,,0,Post,2024-05-01 09:59:00 +0200,1,Shirt,29.90,,S-1,true,true,fulfilled,Ada Xyzzy,DE,'+49301234567,Ada Xyzzy,DE,gift for Xyzzy\n" +
		"#1001,,,,,,,,,,,,,,,2024-05-01 09:59:00 +0200,2,Socks,9.95,,S-2,true,true,fulfilled,,,,,,\n" +
		"#1002,bob@example.org,refunded,2024-05-02 10:00:00 +0200,fulfilled,,no,EUR,29.90,0,0,29.90,,0,Post,2024-05-02 09:59:00 +0200,1,Shirt,29.90,,S-1,true,true,fulfilled,Bob,FR,,Bob,FR,\n"
	shopifyCustomers = "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags\n" +
		"'7012345678,Ada,Lovelace,ada@example.org,yes,,12 Xyzzy St,Berlin,BE,DE,'10115,'+49301234567,no,49.80,1,likes Xyzzy,no,vip\n"
	shopifyProducts = "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Image Src,Gift Card,Status\n" +
		"shirt,Linen shirt,<p>x</p>,V,Apparel > Shirts,Shirts,,true,Size,M,S-1,200,shopify,12,deny,manual,29.90,,true,true,,false,active\nshirt,,,,,,,,,L,S-1-L,200,shopify,-1,deny,manual,31.90,,true,true,,false,\n"
	wooProducts = "ID,Type,SKU,Name,Published,Is featured?,Visibility in catalog,Short description,Description,Tax status,In stock?,Stock,Backorders allowed?,Sale price,Regular price,Categories,Tags,Images\n" +
		"10,simple,W-1,Hoodie,1,0,visible,,,taxable,1,7,0,,45,\"Clothing > Hoodies\",,\n"
	wooCustomers = "Name,Username,Last active,Sign up,Email,Orders,Total spend,AOV,Country / Region,City,Region,Postal code\n" +
		"Ada Lovelace,ada,2024-05-01 10:00:00,2023-01-01 00:00:00,ada@example.org,3,99.00,33.00,DE,Berlin,BE,10115\n"
	merchantTabs = "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tbrand\tgtin\tproduct_type\tgoogle_product_category\n" +
		"M-1\tLinen shirt\tx\thttps://shop.example/1\thttps://shop.example/1.png\tin_stock\t29.90 EUR\tV\t\tClothing > Shirts\t212\n"
	merchantRSS = `<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>M-2</g:id><g:title>Trousers &amp; belt</g:title><g:link>https://shop.example/2</g:link><g:price>1,049.00 USD</g:price><g:availability>in_stock</g:availability><g:product_type>Clothing &gt; Trousers</g:product_type></item>
<item><g:id>M-3</g:id><g:title>Skirt</g:title><g:price>free</g:price></item></channel></rss>`
	wooOrders = `{"id":727,"number":"727","status":"processing","currency":"EUR","date_created_gmt":"2024-05-03T10:00:00","customer_id":0,"billing":{"email":"eve@example.org","country":"DE"},"shipping":{"country":"DE"},"line_items":[{"name":"Hoodie","sku":"W-1","quantity":2,"price":45}],"tax_lines":[],"refunds":[]}`
)

func TestTheFormsOfShopSystemsAreKnown(t *testing.T) {
	for name, c := range map[string]struct {
		kind   collect.Kind
		text   string
		preset string
		say    collect.Answers
	}{
		"Shopify's orders":       {collect.Orders, shopifyOrders, "Shopify, orders export", collect.Answers{}},
		"Shopify's customers":    {collect.Customers, shopifyCustomers, "Shopify, customers export", collect.Answers{}},
		"Shopify's products":     {collect.Products, shopifyProducts, "Shopify, products export", collect.Answers{Currency: "EUR"}},
		"Shopify's stock":        {collect.Stock, shopifyProducts, "Shopify, products export", collect.Answers{}},
		"WooCommerce's products": {collect.Products, wooProducts, "WooCommerce, products export", collect.Answers{Currency: "EUR"}},
		"WooCommerce's stock":    {collect.Stock, wooProducts, "WooCommerce, products export", collect.Answers{}},
		"WooCommerce's people":   {collect.Customers, wooCustomers, "WooCommerce, customers report", collect.Answers{}},
		"WooCommerce's orders":   {collect.Orders, wooOrders + "\n", "WooCommerce, orders as objects", collect.Answers{}},
		"Merchant, tabs":         {collect.Products, merchantTabs, "Google Merchant, product feed", collect.Answers{}},
		"Merchant, RSS":          {collect.Products, merchantRSS, "Google Merchant, product feed", collect.Answers{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
			g, err := collect.Look(s.ctx, c.kind, source(c.text), nil)
			if err != nil || g.Preset != c.preset {
				t.Fatalf("it is taken for %q, %v, want %q", g.Preset, err, c.preset)
			}
			r, err := s.brings(c.kind, source(c.text), c.say, 0)
			if err != nil || r.Written+r.Orders == 0 {
				t.Errorf("got %+v, %v", r.Counts, err)
			}
			s.nothingSays("Xyzzy")
		})
	}
}

func TestShopifysOrdersAreWhatTheExportSays(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.brought(collect.Customers, shopifyCustomers)
		r := s.brought(collect.Orders, shopifyOrders)
		if r.Orders != 3 || r.Returns != 1 || r.Rows != 3 || r.Rejected != 0 || r.Subjects != 1 {
			t.Errorf("got %+v", r.Counts)
		}
		all := s.everything()
		for number, want := range map[string][]string{
			"#1001":   {"7012345678", "ada@example.org", "Item:S-1", "Item:S-2 Units:2", "Country:DE"},
			"#1002":   {"bob@example.org", "Return:false"},
			"#1002-R": {"bob@example.org", "Return:true"},
		} {
			for _, w := range want {
				if !strings.Contains(all[number], w) {
					t.Errorf("order %s is %s, want %q in it", number, all[number], w)
				}
			}
		}
		if _, said := s.person(subject.Account, "7012345678"); !strings.Contains(said, "+49301234567") || !strings.Contains(said, "Ada Lovelace; BE") {
			t.Errorf("ada is %q", said)
		}
	})
}

func TestAMerchantFeedIsTheCatalogues(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		r := s.brought(collect.Products, merchantRSS)
		got, err := s.goods.Get(s.ctx, "M-2")
		p := got["M-2"]
		if err != nil || p.Name != "Trousers & belt" || p.Price != (thimble.Money{Minor: 104900, Currency: "USD"}) || p.Category != "trousers" {
			t.Errorf("got %+v, %v", p, err)
		}
		if r.Written != 1 || len(r.Rejects) != 1 || r.Rejects[0] != (collect.Reject{Line: 2, Reason: collect.BadPrice}) {
			t.Errorf("got %+v, %v", r.Counts, r.Rejects)
		}
	})
}
