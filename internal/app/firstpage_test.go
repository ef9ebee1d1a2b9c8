package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"thimble/internal/decision/decisiontest"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// Everything about somebody is on one page: what is held, what they asked for, what they can
// do, and the newest proofs, each to be checked where it stands.
func TestTheFirstPageHasEverythingAboutSomebodyInPlainWords(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
	s.Buys(ada, "shirt", "scarf")
	w := browse(t, s, ada)
	if page := w.page("/privacy"); strings.Contains(page, "What I asked for") {
		t.Error("who asked for nothing is shown requests")
	}
	if code, _ := w.sends("/privacy/requests", url.Values{"kind": {"rectify"}, "text": {"my size is wrong"}}); code != http.StatusSeeOther {
		t.Fatalf("asking = %d", code)
	}
	page := w.page("/privacy")
	held := strings.Join(webtest.Select(t, page, "#held"), " ")
	for _, want := range []string{"Orders", "Choices", "Who you are", "See and correct"} {
		if !strings.Contains(held, want) {
			t.Errorf("what is held does not name %q: %s", want, held)
		}
	}
	if open := webtest.Select(t, page, "#asked"); len(open) != 1 || !strings.Contains(open[0], "A correction") || !strings.Contains(page, `hx-trigger="every 5s"`) {
		t.Errorf("what was asked for is %v", open)
	}
	if n := len(webtest.Select(t, page, ".receipt[data-receipt]")); n != 3 {
		t.Errorf("%d proofs are to be checked in place, want 3", n)
	}
	for _, href := range []string{"/privacy/data", "/privacy/data.json", "/privacy/limit", "/privacy/shared", "/privacy/forget", "/privacy/data?of=order"} {
		if !strings.Contains(page, `href="`+href+`"`) {
			t.Errorf("there is no way to %s", href)
		}
	}
	for _, part := range []string{"main > p, main section p", "#held td"} {
		text := strings.Join(webtest.Select(t, page, part), ". ")
		if grade, words := decisiontest.Grade(text); words == 0 || grade > 7 {
			t.Errorf("%s: %d words of grade %.1f, want at most 7: %s", part, words, grade, text)
		} else {
			t.Logf("%s: %d words of grade %.1f", part, words, grade)
		}
	}
}
