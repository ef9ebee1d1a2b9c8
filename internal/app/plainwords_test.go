package app_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// What is left out of the measure, and why. Everything else on a page is read.
func notOurs(name string, attr func(string) string) bool {
	class := " " + attr("class") + " "
	switch {
	case attr("data-words") == "shop":
		return true // texts that people agree to: the shop's lawyers write them, and each is kept by its hash
	case attr("data-words") == "law":
		return true // laws and their rules, in their own words
	case strings.Contains(class, " tree "):
		return name == "dl" // what is kept, as it is kept
	}
	return false
}

// hardest is the grade of a single text of eight words or more; a whole page has [schooling].
const (
	schooling = 7
	hardest   = 10
)

// Each page of the privacy centre, filled, is read by who has gone to school for seven years.
// No text on it that stands by itself is harder than ten.
func TestEveryPageOfThePrivacyCentreIsInPlainWords(t *testing.T) {
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "establishment": "DE"})
	ada := filled(t, s)
	pages := readable(t, browse(t, s, ada))
	forgets := browse(t, s, s.Subject("eve"))
	_, pages["the last page"] = forgets.sends("/privacy/forget", url.Values{"word": {"FORGET"}})
	_, pages["to be forgotten, misspelt"] = browse(t, s, ada).post("/privacy/forget", url.Values{"word": {"forget"}})
	_, pages["a file to take along"] = browse(t, s, ada).post("/privacy/take", url.Values{})
	roles := staff.RoleNames(staff.Roles())
	names := func(text string) bool { // that somebody of the staff has several roles is a list of names
		return !slices.ContainsFunc(strings.Split(text, ", "), func(n string) bool { return !slices.Contains(roles, n) })
	}
	for path, page := range pages {
		all := slices.DeleteFunc(webtest.Prose(t, page, notOurs), func(text string) bool { return len(strings.Fields(text)) < 4 || names(text) })
		grade, words := decisiontest.Grade(strings.Join(all, ". ") + ".")
		if words < 10 {
			t.Errorf("%s has %d words: it was not read", path, words)
		}
		if grade > schooling {
			t.Errorf("%s: %d words of grade %.1f, want at most %d: %s", path, words, grade, schooling, strings.Join(all, " / "))
		}
		for _, one := range all {
			if g, n := decisiontest.Grade(one + "."); n >= 8 && g > hardest {
				t.Errorf("%s says %q: grade %.1f, want at most %d", path, one, g, hardest)
			}
		}
	}
	if len(pages) < 70 { // there were 75
		t.Errorf("%d pages were read: links to some are missing", len(pages))
	}
}

// filled is an installation with everything in it that a page of the privacy centre shows.
func filled(t *testing.T, s *thimbletest.Shop) thimble.SubjectID {
	t.Helper()
	ctx := t.Context()
	crowd(s)
	ada := someone(t, s, "ada-1")
	child := s.Subject("child-1")
	err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		return s.Subjects.Relate(ctx, tx, subject.Relation{From: ada, To: child, Kind: subject.Guardian})
	})
	if err != nil {
		t.Fatal(err)
	}
	mailed(t, s, ada, "ada@example.org")
	s.Browses(ada, "shirt", "scarf")
	searches(t, s, ada, "a lamp for the hall")
	h := &house{Shop: s}
	h.contests(t, ada, s.Sees(ada))
	h.discloses(t, ada)
	holds(t, s, ada)
	s.Join(ada, s.Subject("ada-2"))
	w := browse(t, s, ada)
	if code, page := w.sends("/privacy/requests", url.Values{"kind": {"access"}, "for": {"1"}}); code != http.StatusSeeOther {
		t.Fatalf("asking for a child = %d: %s", code, page)
	}
	questioned, err := s.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Complain, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Words: thimble.Hide("The size is wrong.")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cases.Do(ctx, questioned.ID, cases.Event{What: cases.Questioned, By: cases.TheStaff, Staff: "owner"}, thimble.Hide("Which size?")); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Erase, Via: cases.Mail, By: cases.TheStaff, Staff: "owner", Words: thimble.Hide("Please forget me.")}); err != nil {
		t.Fatal(err)
	}
	refused, err := s.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Explain, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		_, err = s.Cases.Do(ctx, refused.ID, cases.Event{What: cases.Declined, By: cases.TheStaff, Staff: "owner", Ground: cases.NotHeld}, thimble.Hide("There is none."))
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := w.sends("/privacy/limit", url.Values{"kind": {"opt_out_sale"}}); code != http.StatusSeeOther {
		t.Fatalf("limit = %d", code)
	}
	if code, _ := w.sends("/privacy/lists", url.Values{"kind": {"less"}, "category": {"other"}}); code != http.StatusSeeOther {
		t.Fatalf("lists = %d", code)
	}
	s.Works()
	return ada
}

// post sends a form and returns what answers it.
func (w walker) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	res := w.do(http.MethodPost, path, form)
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// readable are the pages of the privacy centre, one of each shape, by their addresses.
func readable(t *testing.T, w walker) map[string]string {
	t.Helper()
	pages, shapes := map[string]string{}, map[string]int{}
	queue := []string{"/privacy", "/privacy/sign-in", "/privacy/code", "/privacy/link/x", "/privacy/take", "/privacy/confirm"}
	for ; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		plain, query, _ := strings.Cut(path, "?")
		if _, seen := pages[path]; seen || !strings.HasPrefix(plain, "/privacy") || shapes[shape(plain)] >= 6 || query != "" && shapes[shape(plain)+"?"] >= 8 {
			continue
		}
		res := w.do(http.MethodGet, path, nil)
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || res.Header.Get("Content-Disposition") != "" {
			continue
		}
		shapes[shape(plain)]++
		if query != "" {
			shapes[shape(plain)+"?"]++
		}
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s, to which a link leads, answers %d", path, res.StatusCode)
			continue
		}
		pages[path] = w.page(path)
		for _, href := range webtest.SelectAttr(t, pages[path], "a[href]", "href") {
			queue = append(queue, strings.SplitN(href, "#", 2)[0])
		}
	}
	return pages
}
