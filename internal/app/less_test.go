package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"thimble/internal/session"
	"thimble/internal/thimbletest"
)

// The button beside a product of a list says it about its whole category, and the next list
// holds one product of it at most.
func TestLessOfACategoryIsSaidBesideAProductAndCountsAtTheNextList(t *testing.T) {
	s := thimbletest.New(t)
	ada := buyers(s)
	home := frontDoor(t, s)("thimble_customer", session.Who{Audience: session.Customer, Subject: ada})
	personal := func() (n int, page string) {
		_, _, page = home.do(http.MethodGet, "/", nil)
		shelf, _, _ := strings.Cut(page[strings.Index(page, `aria-labelledby="for-you"`):], "</section>")
		return strings.Count(shelf, "<article"), shelf
	}
	n, page := personal()
	if n < 2 || !strings.Contains(page, "Less of other") || !strings.Contains(page, "Because you bought") {
		t.Fatalf("%d products with the button, want two or more and why: %s", n, page)
	}
	if code, to, _ := home.do(http.MethodPost, "/shop/lists", url.Values{"kind": {"less"}, "category": {"other"}}); code != http.StatusSeeOther || to != "/?done=lists-saved" {
		t.Fatalf("the button: %d to %q", code, to)
	}
	if n, page := personal(); n != 1 {
		t.Errorf("%d products of the category in the next list, want 1: %s", n, page)
	}
	if _, _, page := home.do(http.MethodGet, "/privacy/lists", nil); !strings.Contains(page, "Less of the category other") {
		t.Error("what was said is not on the page where it is undone")
	}
	list := s.Sees(ada)
	if len(list.Entries) != 1 || !list.Personal || list.Entries[0].Product.Category != "other" {
		t.Errorf("through another door: %v", list.Entries)
	}
}
