package hookweb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/collect/hooks"
	"thimble/internal/collect/hookweb"
	"thimble/internal/holdertest"
	"thimble/internal/order/orderdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

const secret = "a-secret-of-the-shop"

type everything struct{}

func (everything) Collect(context.Context, thimble.Purpose, ...thimble.Category) error { return nil }

// A shop takes deliveries.
type shop struct {
	*testing.T
	*holdertest.Kernel
	store  *collectdb.Store
	orders *orderdb.Store
	feeds  []hooks.Feed
	door   http.Handler
	erased []thimble.SubjectID
	log    strings.Builder
}

func each(t *testing.T, f func(*shop)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := &shop{T: t, Kernel: k, orders: orderdb.New(k.Core, k.Vault, k.Vault)}
		s.store = collectdb.New(k.Core, collectdb.Parts{People: k.Subjects, Orders: s.orders, Catalogue: catalogdb.New(k.Core), Keys: k.Vault, Consents: k.Consent}, k.Now, nil)
		var err error
		if s.feeds, err = hooks.Parse("shopify/main=" + secret + " woocommerce/outlet=" + secret); err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle(hookweb.Pattern, hookweb.Handler(hookweb.Deps{
			Feeds: s.feeds, Importer: collect.New(s.store, everything{}), Store: s.store, People: k.Subjects, Now: k.Now, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
			Erase: func(_ context.Context, _ *sqldb.Tx, who thimble.SubjectID) error {
				s.erased = append(s.erased, who)
				return nil
			},
		}))
		s.door = mux
		f(s)
	})
}

// delivers posts a body as the feed does, and returns the status.
func (s *shop) delivers(feed int, topic, body string, change ...func(*http.Request)) int {
	s.Helper()
	f := s.feeds[feed]
	r := httptest.NewRequest(http.MethodPost, hookweb.Path+f.String(), strings.NewReader(body))
	r.Header.Set(f.TopicHeader(), topic)
	r.Header.Set(f.SignatureHeader(), f.Sign([]byte(body)))
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.door.ServeHTTP(w, r)
	return w.Code
}

func (s *shop) find(k subject.Kind, value string) thimble.SubjectID {
	s.Helper()
	found, err := s.Subjects.FindAll(s.Context(), []subject.Identifier{{Kind: k, Value: thimble.Hide(value)}})
	if err != nil {
		s.Fatal(err)
	}
	return found[0]
}

// account finds who has a number of a feed's shop.
func (s *shop) account(feed int, number string) thimble.SubjectID {
	s.Helper()
	return s.find(subject.Account, collect.ShopPrefix(s.feeds[feed].String())+number)
}

const shopifyOrder = `{"id":820982911946154508,"name":"#9999","created_at":"2024-05-01T10:00:00-05:00","currency":"USD","email":"jon@example.org","financial_status":"%s",
"customer":{"id":115310627314723954,"email":"jon@example.org","first_name":"John","last_name":"Smith","default_address":{"country_code":"US","province_code":"KY"}},
"shipping_address":{"country_code":"US","address1":"123 Xyzzy Road"},"note":"xyzzy","line_items":[{"sku":"IPOD","title":"IPod","quantity":2,"price":"199.00","tax_lines":[{"price":"1.00"}]},{"sku":"CASE","title":"Case","quantity":1,"price":"9.90"}],"tax_lines":[{"price":"3.00"}]}`

func TestAShopifyOrderComesInOnceAndItsRefundToo(t *testing.T) {
	each(t, func(s *shop) {
		for range 2 { // it is sent again when the answer is lost
			if got := s.delivers(0, "orders/create", fmt.Sprintf(shopifyOrder, "paid")); got != http.StatusOK {
				t.Fatalf("got %d: %s", got, s.log.String())
			}
		}
		who := s.account(0, "115310627314723954")
		if who.IsZero() || who != s.find(subject.Email, "jon@example.org") {
			t.Fatal("number and address do not name the same person")
		}
		all, err := s.orders.Of(t.Context(), who, 0)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d orders, %v, want one", len(all), err)
		}
		s.delivers(0, "orders/updated", fmt.Sprintf(shopifyOrder, "refunded"))
		if all, err = s.orders.Of(t.Context(), who, 0); err != nil || len(all) != 2 {
			t.Errorf("%d orders, %v, want the return too", len(all), err)
		}
		imports, err := s.store.Imports(t.Context())
		if err != nil || len(imports) != 2 || imports[0].Feed != "shopify/main" {
			t.Errorf("got %+v, %v, want one feed of orders and one of customers", imports, err)
		}
	})
}

// A refund that is delivered before its order brings the order with it.
func TestARefundThatIsDeliveredBeforeItsOrderIsNotLost(t *testing.T) {
	each(t, func(s *shop) {
		s.delivers(0, "orders/updated", fmt.Sprintf(shopifyOrder, "refunded"))
		s.delivers(0, "orders/create", fmt.Sprintf(shopifyOrder, "paid"))
		s.delivers(1, "order.updated", strings.Replace(wooOrder, "completed", "refunded", 1))
		s.delivers(1, "order.created", wooOrder)
		for name, who := range map[string]thimble.SubjectID{"shopify": s.account(0, "115310627314723954"), "woocommerce": s.find(subject.Email, "eve@example.org")} {
			all, err := s.orders.Of(t.Context(), who, 0)
			if err != nil || len(all) != 2 || all[0].Direction == all[1].Direction {
				t.Errorf("%s: %d orders, %v, want the order and its return", name, len(all), err)
			}
		}
	})
}

const wooOrder = `{"id":727,"number":"727","status":"completed","currency":"EUR","date_created_gmt":"2024-03-22T16:28:02","customer_id":0,"billing":{"email":"eve@example.org","phone":"(555) 555-5555","country":"DE"},"shipping":{"country":"DE"},
"line_items":[{"id":315,"name":"Woo Single","sku":"W-1","quantity":2,"price":3.00,"taxes":[{"id":75,"total":"0.45"}],"meta_data":[]}],"shipping_lines":[{"method_title":"Flat"}],"refunds":[]}`

func TestAWooCommerceOrderOfAGuestIsByAddress(t *testing.T) {
	each(t, func(s *shop) {
		if got := s.delivers(1, "order.created", wooOrder); got != http.StatusOK {
			t.Fatalf("got %d: %s", got, s.log.String())
		}
		all, err := s.orders.Of(t.Context(), s.find(subject.Email, "eve@example.org"), 0)
		if err != nil || len(all) != 1 {
			t.Errorf("%d orders, %v, want one", len(all), err)
		}
		// What a shop sends when a webhook is made, and what nobody asked for.
		for _, body := range []string{"webhook_id=5", `{"id":1}`} {
			if got := s.delivers(1, "action.woocommerce_x", body); got != http.StatusOK {
				t.Errorf("%s: got %d", body, got)
			}
		}
	})
}

// Customer 7 of one shop is not customer 7 of another, nor order 7 order 7.
func TestTheNumbersOfOneShopAreNoOtherShops(t *testing.T) {
	each(t, func(s *shop) {
		own := "Customer ID,Name\n7,Olga Own\n"
		src := collect.Source{Name: "own.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(own)), nil }}
		importer := collect.New(s.store, everything{})
		byShop := func(shop string) (collect.Report, error) {
			g, err := collect.Look(t.Context(), collect.Customers, src, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.Mapping.Shop = shop
			return importer.Import(t.Context(), collect.Customers, src, collect.Options{Map: &g.Mapping})
		}
		if r, err := byShop(""); err != nil || r.Subjects != 1 {
			t.Fatalf("with one shop there is nothing to say: %+v, %v", r.Counts, err)
		}
		order := func(feed int, body string) {
			if got := s.delivers(feed, []string{"orders/create", "order.created"}[feed], body); got != http.StatusOK {
				t.Fatalf("got %d: %s", got, s.log.String())
			}
		}
		order(0, `{"id":1,"name":"7","created_at":"2024-05-01T10:00:00Z","currency":"EUR","customer":{"id":7,"first_name":"Shona"},"line_items":[{"sku":"A","quantity":1,"price":"1.00"}]}`)
		order(1, `{"id":7,"number":"7","status":"completed","currency":"EUR","date_created_gmt":"2024-03-22T16:28:02","customer_id":7,"billing":{},"line_items":[{"sku":"B","quantity":1,"price":2}]}`)
		who := []thimble.SubjectID{s.find(subject.Account, "7"), s.account(0, "7"), s.account(1, "7")}
		for i, want := range []int{0, 1, 1} {
			all, err := s.orders.Of(t.Context(), who[i], 0)
			if who[i].IsZero() || who[i] == who[(i+1)%3] || err != nil || len(all) != want {
				t.Errorf("customer 7 of shop %d: %s with %d orders, %v, want somebody with %d", i, who[i], len(all), err, want)
			}
		}
		// From now on a file with numbers must say whose they are.
		own += "8,Second\n"
		if _, err := byShop(""); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "shopify/main, woocommerce/outlet") {
			t.Errorf("a file that does not say whose its numbers are: %v", err)
		}
		if r, err := byShop("shopify/main"); err != nil || r.Subjects != 1 || r.Written != 2 {
			t.Errorf("by the shop's name: %+v, %v, want customer 8 new and 7 the same", r.Counts, err)
		}
		if s.account(0, "8").IsZero() || !s.find(subject.Account, "8").IsZero() {
			t.Error("customer 8 is not the shop's")
		}
		if r, err := byShop(collect.Own); err != nil || r.Subjects != 1 {
			t.Errorf("by the own shop: %+v, %v", r.Counts, err)
		}
		// To forget the one shop's customer is not to forget the other's.
		s.delivers(0, "customers/redact", `{"shop_id":1,"shop_domain":"x.myshopify.com","customer":{"id":7},"orders_to_redact":[]}`)
		if len(s.erased) != 1 || s.erased[0] != who[1] {
			t.Errorf("asked to forget %v, want %s", s.erased, who[1])
		}
	})
}

// A shop that delivered before numbers had a shop before them goes on with bare ones.
func TestTheNumbersOfAShopThatWasThereBeforeStayAsTheyAre(t *testing.T) {
	each(t, func(s *shop) {
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into collect_shops (name, bare, at) values ('shopify/main', 1, 1)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.delivers(0, "orders/create", fmt.Sprintf(shopifyOrder, "paid"))
		if s.find(subject.Account, "115310627314723954").IsZero() || !s.account(0, "115310627314723954").IsZero() {
			t.Error("the customer has another number than before")
		}
	})
}

const redact = `{"shop_id":1,"shop_domain":"x.myshopify.com","customer":{"id":7,"email":"%s"},"orders_to_redact":[%s]}`

func TestARequestToForgetIsOpenedOnceForWhomItNames(t *testing.T) {
	each(t, func(s *shop) {
		s.delivers(0, "customers/update", `{"id":7,"created_at":"2024-05-01T10:00:00Z","email":"ada@example.org","phone":"+442079460018","first_name":"Ada"}`)
		ada := s.find(subject.Email, "ada@example.org")
		for range 2 {
			if got := s.delivers(0, "customers/redact", fmt.Sprintf(redact, "ada@example.org", "")); got != http.StatusOK {
				t.Errorf("got %d", got)
			}
		}
		if len(s.erased) != 1 || s.erased[0] != ada {
			t.Errorf("asked to forget %v, want %s once", s.erased, ada)
		}
		// Another delivery of the same request, under another id in its headers, is the same.
		s.delivers(0, "customers/redact", fmt.Sprintf(redact, "ada@example.org", ""), func(r *http.Request) { r.Header.Set("X-Shopify-Webhook-Id", "other") })
		s.delivers(0, "customers/redact", `{"shop_id":1,"shop_domain":"x.myshopify.com","customer":{"id":8,"email":"nobody@example.org"},"orders_to_redact":[]}`)
		if len(s.erased) != 1 {
			t.Errorf("asked to forget %v, want once", s.erased)
		}
	})
}

// A number and an address may be of two people: both are to be forgotten.
func TestARequestToForgetReachesEverybodyWhomItNames(t *testing.T) {
	each(t, func(s *shop) {
		s.delivers(0, "customers/update", `{"id":7,"created_at":"2024-05-01T10:00:00Z","first_name":"Ada"}`)
		s.delivers(0, "customers/update", `{"id":8,"created_at":"2024-05-01T10:00:00Z","email":"ada@example.org"}`)
		seven, eight := s.account(0, "7"), s.find(subject.Email, "ada@example.org")
		if seven.IsZero() || seven == eight {
			t.Fatal("two customers were expected")
		}
		s.delivers(0, "customers/redact", fmt.Sprintf(redact, "ada@example.org", ""))
		if len(s.erased) != 2 || s.erased[0] != seven || s.erased[1] != eight {
			t.Errorf("asked to forget %v, want %s and %s", s.erased, seven, eight)
		}
	})
}

// Whoever is forgotten before they ever came here does not come by a later import.
func TestWhoIsForgottenBeforeTheyCameStaysOut(t *testing.T) {
	each(t, func(s *shop) {
		if got := s.delivers(0, "customers/redact", fmt.Sprintf(redact, "ada@example.org", "")); got != http.StatusOK {
			t.Fatalf("got %d", got)
		}
		s.delivers(0, "customers/update", `{"id":7,"created_at":"2024-05-01T10:00:00Z","first_name":"Ada"}`)
		s.delivers(0, "customers/update", `{"id":70,"created_at":"2024-05-01T10:00:00Z","email":"ADA@example.org"}`)
		for _, who := range []thimble.SubjectID{s.account(0, "7"), s.account(0, "70"), s.find(subject.Email, "ada@example.org")} {
			if !who.IsZero() {
				t.Errorf("a delivery brought %s, who was forgotten before", who)
			}
		}
		if len(s.erased) != 0 {
			t.Errorf("asked to forget %v, who is nobody", s.erased)
		}
	})
}

func TestWhatStaffHaveToDoWaitsUntilItIsDone(t *testing.T) {
	each(t, func(s *shop) {
		s.delivers(0, "customers/data_request", `{"shop_id":1,"shop_domain":"x.myshopify.com","orders_requested":[],"customer":{"id":7,"email":"ada@example.org"},"data_request":{"id":9}}`)
		s.delivers(0, "shop/redact", `{"shop_id":1,"shop_domain":"x.myshopify.com"}`)
		all, err := s.store.Waiting(t.Context())
		if err != nil || len(all) != 2 || strings.Contains(fmt.Sprintf("%+v", all), "ada") {
			t.Fatalf("got %+v, %v", all, err)
		}
		if err := s.store.Settle(t.Context(), all[0].Digest); err != nil {
			t.Error(err)
		}
		if err := s.store.Settle(t.Context(), all[0].Digest); err == nil {
			t.Error("it was settled twice")
		}
		if left, err := s.store.Waiting(t.Context()); err != nil || len(left) != 1 {
			t.Errorf("%d are left, %v", len(left), err)
		}
	})
}

func TestWhatIsNotSignedIsNotReadAndSlowedDown(t *testing.T) {
	each(t, func(s *shop) {
		body := fmt.Sprintf(shopifyOrder, "paid")
		unsigned := func(r *http.Request) { r.Header.Set("X-Shopify-Hmac-Sha256", "AAAA") }
		for i := range 12 {
			want := http.StatusUnauthorized
			if i >= 10 {
				want = http.StatusTooManyRequests
			}
			if got := s.delivers(0, "orders/create", body, unsigned); got != want {
				t.Errorf("try %d: got %d, want %d", i, got, want)
			}
		}
		// Whoever can sign is not slowed down by that.
		if got := s.delivers(0, "orders/create", body); got != http.StatusOK {
			t.Errorf("signed: got %d", got)
		}
		for name, c := range map[string]struct {
			topic, body string
			status      int
		}{
			"no JSON": {"orders/create", "{", 422}, "another form": {"customers/redact", `{"id":1,"created_at":"x"}`, 422}, "a key twice": {"orders/create", `{"name":"a","name":"b"}`, 422},
			"deep": {"orders/create", strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), 422},
		} {
			if got := s.delivers(0, c.topic, c.body); got != c.status {
				t.Errorf("%s: got %d, want %d", name, got, c.status)
			}
		}
		for _, path := range []string{"/hooks/shopify/other", "/hooks/magento/main"} {
			w := httptest.NewRecorder()
			s.door.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: got %d", path, w.Code)
			}
		}
		if said := s.log.String(); strings.Contains(said, "jon@") || strings.Contains(strings.ToLower(said), "xyzzy") || strings.Contains(said, secret) {
			t.Errorf("the log says %s", said)
		}
	})
}

func TestForgottenPeopleStayOutOfDeliveries(t *testing.T) {
	each(t, func(s *shop) {
		s.delivers(0, "orders/create", fmt.Sprintf(shopifyOrder, "paid"))
		who := s.find(subject.Email, "jon@example.org")
		for _, h := range []thimble.Holder{s.Subjects, s.orders, s.store} {
			if _, err := h.Erase(t.Context(), who); err != nil {
				t.Fatal(err)
			}
		}
		s.delivers(0, "orders/updated", strings.Replace(fmt.Sprintf(shopifyOrder, "paid"), "#9999", "#10000", 1))
		s.delivers(0, "customers/update", `{"id":115310627314723954,"created_at":"2024-05-01T10:00:00Z","email":"jon@example.org"}`)
		if !s.find(subject.Email, "jon@example.org").IsZero() || !s.account(0, "115310627314723954").IsZero() {
			t.Error("a delivery brought somebody back who was forgotten")
		}
		if n, err := s.orders.Count(t.Context()); err != nil || n != 0 {
			t.Errorf("%d orders are left, %v", n, err)
		}
	})
}
