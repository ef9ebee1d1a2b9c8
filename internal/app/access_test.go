package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"thimble/internal/app"
	"thimble/internal/console"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// patterns are all that the console of a shop has.
func patterns(t *testing.T, s *thimbletest.Shop) []string {
	t.Helper()
	sections, err := s.ConsoleSections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := console.Patterns(sections)
	slices.Sort(all)
	return slices.Compact(all)
}

func TestEveryPageOfTheConsoleIsOneOfTheRules(t *testing.T) {
	all := patterns(t, thimbletest.New(t))
	if len(all) < 40 {
		t.Fatalf("only %d patterns were found", len(all))
	}
	for _, p := range all {
		if _, _, ok := console.Asked(p); !ok {
			t.Errorf("%s is a page of no rule; name its first segment in internal/console/access.go", p)
		}
	}
}

// hole is the part of a pattern that an address fills.
var hole = regexp.MustCompile(`\{[^}]*\}`)

// The whole matrix: what each role gets at each address. The file was read by hand; what
// changes in it is read again.
func TestEachRoleGetsWhatTheRulesSayAtEachAddress(t *testing.T) {
	s := thimbletest.New(t)
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cookies := map[staff.Role]string{}
	for _, role := range staff.Roles() {
		name := "only-" + string(role)
		s.Employs(name, role)
		if cookies[role], err = s.Sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: name}, session.UnknownDevice); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	for _, p := range patterns(t, s) {
		method, path, _ := strings.Cut(p, " ")
		if path == "/console/sign-out" || strings.HasPrefix(path, "/console/account") || path == "/console/confirm" {
			continue // they would end the session that asks, or are everybody's
		}
		var may []string
		for _, role := range staff.Roles() {
			r := httptest.NewRequest(method, hole.ReplaceAllString(path, "x"), strings.NewReader(""))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(&http.Cookie{Name: "thimble_staff", Value: cookies[role]})
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			denied := w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "Your role does not open this page")
			answer := s.Rules.Decide(ruled(p, role))
			if denied == answer.Allowed {
				t.Errorf("%s as %s: %d, and the rules say %t (%s)", p, role, w.Code, answer.Allowed, answer.Why)
			}
			if !denied {
				may = append(may, string(role))
			}
		}
		fmt.Fprintf(&got, "%s: %s\n", p, strings.Join(may, " "))
	}
	golden := filepath.Join("testdata", "access.golden")
	if os.Getenv("UPDATE_ACCESS") != "" {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("who may what has changed; read the difference, then run with UPDATE_ACCESS=1:\n%s", got.String())
	}
}

// Whoever has left, is locked or never was sees nothing, whatever is in their session.
func TestAnAccountThatCannotBeUsedOpensNothing(t *testing.T) {
	s := thimbletest.New(t)
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Employs("left")
	s.Employs("locked")
	ask := func(name string) int {
		cookie, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: name}, session.UnknownDevice)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/console", nil)
		r.AddCookie(&http.Cookie{Name: "thimble_staff", Value: cookie})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask("left"); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	if err := s.Staff.Leave(t.Context(), "left", app.Owner, "moved on"); err != nil {
		t.Fatal(err)
	}
	if err := s.Staff.Lock(t.Context(), "locked", true, app.Owner, "lost laptop"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"left", "locked", "never-was"} {
		if got := ask(name); got != http.StatusSeeOther {
			t.Errorf("%s: %d, want to be sent to the sign-in", name, got)
		}
	}
}
