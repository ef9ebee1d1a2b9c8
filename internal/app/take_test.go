package app_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"thimble"
	"thimble/internal/rights/portability"
	"thimble/internal/session"
	"thimble/internal/thimbletest"
)

// unzipped returns the files of a zip.
func unzipped(t testing.TB, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(body)
	}
	return all
}

var (
	ticketOf = regexp.MustCompile(`name="ticket"[^>]*value="([^"]+)"`)
	wordsOf  = regexp.MustCompile(`<p class="words"[^>]*><code>([^<]+)</code>`)
)

func TestPeopleTakeEverythingAlongInOneLockedFileOnce(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	ada, eve := s.Subject("A-1", thimbletest.Allows(personalize, train)...), s.Subject("E-1")
	s.Buys(ada, "shirt", "scarf")
	s.Buys(eve, "hat")
	s.Browses(ada, "LOOK-1")
	s.Works()
	s.Sees(ada) // a decision, with its reasons
	enter := frontDoor(t, s)
	own := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: ada})
	other := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: eve})

	if code, _, body := own.do("GET", "/privacy/take", nil); code != 200 || !strings.Contains(body, "Make my file") {
		t.Fatalf("the page answers %d", code)
	}
	code, _, page := own.do("POST", "/privacy/take", nil)
	ticket, words := ticketOf.FindStringSubmatch(page), wordsOf.FindStringSubmatch(page)
	if code != 200 || ticket == nil || words == nil {
		t.Fatalf("%d: no ticket or no words on the page", code)
	}
	form := url.Values{"ticket": {ticket[1]}}
	if code, _, _ := other.do("POST", "/privacy/take/file", form); code != 404 {
		t.Errorf("somebody else comes with the ticket: %d, want 404", code)
	}
	code, _, sealed := own.do("POST", "/privacy/take/file", form)
	if code != 200 || strings.Contains(sealed, "PK\x03\x04") {
		t.Fatalf("%d; the file is not locked", code)
	}
	if code, _, _ := own.do("POST", "/privacy/take/file", form); code != 404 {
		t.Errorf("the ticket is good twice: %d, want 404", code)
	}
	id, err := age.NewScryptIdentity(words[1])
	if err != nil {
		t.Fatal(err)
	}
	opened, err := age.Decrypt(strings.NewReader(sealed), id)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(opened)
	if err != nil {
		t.Fatal(err)
	}
	files := unzipped(t, plain)
	for name, text := range map[string]string{
		"tables/subject-account.csv": "A-1", "tables/order.csv": "scarf", "tables/decision.csv": "recommend", "data.jsonld": "LOOK-1", "index.html": "LOOK-1",
		"about/purposes-sources-recipients.csv": "the shop's orders", "manifest.json": "sha256",
	} {
		if !strings.Contains(files[name], text) {
			t.Errorf("%s lacks %s; the files are %v", name, text, keysOf(files))
		}
	}
	for name, body := range files {
		if strings.Contains(body, "E-1") || strings.Contains(body, eve.String()) {
			t.Errorf("%s has what is somebody else's", name)
		}
	}
}

func TestWhoWantsNoLockGetsAZip(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("A-1")
	s.Buys(ada, "shirt")
	own := frontDoor(t, s)("thimble_customer", session.Who{Audience: session.Customer, Subject: ada})
	_, _, page := own.do("POST", "/privacy/take", nil)
	ticket := ticketOf.FindStringSubmatch(page)
	if ticket == nil {
		t.Fatal("no ticket on the page")
	}
	code, _, body := own.do("POST", "/privacy/take/file", url.Values{"ticket": {ticket[1]}, "open": {"yes"}})
	if code != 200 || !strings.Contains(unzipped(t, []byte(body))["index.html"], "shirt") {
		t.Errorf("%d: the file lacks an order", code)
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 22)} {
		if code, _, _ := own.do("POST", "/privacy/take/file", url.Values{"ticket": {bad}}); code != 404 {
			t.Errorf("ticket %q: %d, want 404", bad, code)
		}
	}
}

func keysOf(files map[string]string) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	return names
}

// BenchmarkTakingEverythingAlong writes the locked file of somebody with ten thousand events.
func BenchmarkTakingEverythingAlong(b *testing.B) {
	s := thimbletest.New(b)
	ada := s.Subject("A-1", thimbletest.Allows(personalize)...)
	for k := range 100 {
		var items []thimble.ItemID
		for i := range 100 {
			items = append(items, thimble.ItemID(fmt.Sprintf("LOOK-%d-%d", k, i)))
		}
		s.Browses(ada, items...)
	}
	for b.Loop() {
		a, err := s.Desk.Access(b.Context(), ada)
		if err != nil {
			b.Fatal(err)
		}
		if len(a.Data) < 10_000 {
			b.Fatalf("%d data", len(a.Data))
		}
		w, err := portability.Lock(io.Discard, "words")
		if err == nil {
			err = portability.Write(w, portability.Parcel{Archive: a})
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
