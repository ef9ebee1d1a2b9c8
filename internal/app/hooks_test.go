package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect/hooks"
	"thimble/internal/collect/hookweb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// TestAShopsRequestToForgetIsDoneByTheDesk goes from the signed delivery to the erasure.
func TestAShopsRequestToForgetIsDoneByTheDesk(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		const secret = "a-secret-of-the-shop"
		who := s.Subject("shopify/main:191167")
		s.Buys(who, "shirt")
		feeds, err := hooks.Parse("shopify/main=" + secret)
		if err != nil {
			t.Fatal(err)
		}
		s.Config.Hooks = "shopify/main=" + secret
		handler, err := s.Handler(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		body := `{"shop_id":1,"shop_domain":"x.myshopify.com","customer":{"id":191167},"orders_to_redact":[]}`
		r := httptest.NewRequest(http.MethodPost, hookweb.Path+"shopify/main", strings.NewReader(body))
		r.Header.Set("X-Shopify-Topic", "customers/redact")
		r.Header.Set("X-Shopify-Hmac-Sha256", feeds[0].Sign([]byte(body)))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("got %d: %s", w.Code, w.Body)
		}
		if _, err := s.Desk.Retry(t.Context()); err != nil {
			t.Fatal(err)
		}
		found, err := s.Subjects.FindAll(t.Context(), []subject.Identifier{{Kind: subject.Account, Value: thimble.Hide("shopify/main:191167")}})
		if err != nil || !found[0].IsZero() {
			t.Errorf("the person is still there: %v", err)
		}
		if left, err := s.Orders.Of(t.Context(), who, 0); err != nil || len(left) != 0 {
			t.Errorf("%d orders are left, %v", len(left), err)
		}
	})
}

// TestWithoutASecretNoShopSystemIsHeard: the address is not there.
func TestWithoutASecretNoShopSystemIsHeard(t *testing.T) {
	s := thimbletest.New(t)
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, hookweb.Path+"shopify/main", strings.NewReader("{}")))
	if w.Code == http.StatusOK || w.Code == http.StatusUnauthorized {
		t.Errorf("got %d, want no such address", w.Code)
	}
}
