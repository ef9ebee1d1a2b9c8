package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/disclose/wiretest"
	"thimble/internal/thimbletest"
)

// discloses makes recipients, agreements, messages and a letter, so that their pages have
// something to show.
func (h *house) discloses(t *testing.T, who thimble.SubjectID) {
	t.Helper()
	h.Discloses(who)
	to := h.Recipient("Night Vans", "https://vans.example/in", thimbletest.Fulfilment)
	if _, err := h.Disclose.Submit(t.Context(), to, strings.Replace(thimbletest.Fulfilment, "retention: 30d", "retention: 60d", 1), "grace"); err != nil {
		t.Fatal(err)
	}
	if err := h.Disclose.Mail(t.Context(), disclose.Letter{To: who, Address: thimble.Hide("ada@example.org"), Purpose: thimble.EssentialService, Subject: "Your code", Text: thimble.Hide("Your code is 123 456.")}); err != nil {
		t.Fatal(err)
	}
	for did := true; did; {
		var err error
		if did, err = h.Disclose.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// parcels is a recipient on loopback: it keeps what comes, and may confirm it.
type parcels struct {
	mu     sync.Mutex
	bodies []string
	ids    []string
}

func (p *parcels) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	_, _ = b.ReadFrom(r.Body) // a cut body is not what these tests are about
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bodies, p.ids = append(p.bodies, b.String()), append(p.ids, r.Header.Get(wire.HeaderID))
}

func sendAll(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	for did := true; did; {
		var err error
		if did, err = s.Disclose.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The whole way of an order to whoever sends the parcel, and of the erasure after it.
func TestAnOrderGoesToItsRecipientWhoIsToldOfTheErasure(t *testing.T) {
	p := &parcels{}
	server := httptest.NewServer(p)
	defer server.Close()
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "disclose-loopback": server.Listener.Addr().String()})
	to := s.Recipient("Parcels", server.URL+"/in", thimbletest.Fulfilment+"acknowledge: 1h\n")
	if err := s.Disclose.Subscribe(t.Context(), to, disclose.OrderFeed, "owner"); err != nil {
		t.Fatal(err)
	}
	ada := s.Subject("ada")
	s.Buys(ada, "shirt", "scarf")
	if err := s.Feed(t.Context()); err != nil {
		t.Fatal(err)
	}
	sendAll(t, s)
	if len(p.bodies) != 1 || !strings.Contains(p.bodies[0], `"item":"shirt"`) || strings.Contains(p.bodies[0], ada.String()) {
		t.Fatalf("the recipient has %q", p.bodies)
	}
	// It confirms at the address that it was given, with its key.
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.Disclose.NewSecret(t.Context(), to, "owner")
	if err != nil {
		t.Fatal(err)
	}
	confirm := func(key wire.SigningKey) int {
		body := []byte(`{"acknowledged":"` + p.ids[0] + `"}`)
		head, err := wire.Sign("ack-1", time.Now(), body, key)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/disclose/ack/"+to.Token(disclose.RecipientPrefix), bytes.NewReader(body))
		r.Header = head
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	other, err := wire.NewSecret(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := confirm(other); got != http.StatusForbidden {
		t.Errorf("a forged confirmation is answered %d", got)
	}
	if got := confirm(key); got != http.StatusNoContent {
		t.Errorf("a confirmation is answered %d", got)
	}
	all, err := s.Disclose.SentTo(t.Context(), to, 10)
	if err != nil || len(all) != 1 || all[0].State != disclose.Acknowledged {
		t.Fatalf("the outbox has %+v, %v", all, err)
	}
	// Nothing new, nothing sent.
	if err := s.Feed(t.Context()); err != nil {
		t.Fatal(err)
	}
	sendAll(t, s)
	if len(p.bodies) != 1 {
		t.Errorf("%d messages after a run with nothing new", len(p.bodies))
	}
	// Her download says who got what, and her erasure is told.
	if text, err := json.Marshal(exported(t, s.Disclose, ada)); err != nil || !strings.Contains(string(text), `"name":"Parcels"`) {
		t.Errorf("the export is %s, %v", text, err)
	}
	s.Erase(ada)
	sendAll(t, s)
	if len(p.bodies) != 2 || !strings.Contains(p.bodies[1], `"kind":"erase"`) {
		t.Fatalf("after the erasure the recipient has %q", p.bodies)
	}
	_, rest, _ := strings.Cut(p.bodies[0], `"person":"`)
	pseudonym, _, _ := strings.Cut(rest, `"`)
	if !strings.Contains(p.bodies[1], pseudonym) {
		t.Error("the notice names another pseudonym than the data")
	}
	if _, err := s.Audit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACodeGoesByMailWhenThereIsAServer(t *testing.T) {
	box := &wiretest.Mailbox{}
	addr := box.Start(t)
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "smtp-url": "smtp://" + addr, "mail-from": "Shop <shop@shop.example>"})
	ada := s.Subject("ada")
	err := s.Disclose.Mail(t.Context(), disclose.Letter{To: ada, Address: thimble.Hide("ada@example.org"), Purpose: thimble.EssentialService, Subject: "Your code", Text: thimble.Hide("Your code is 123 456.")})
	if err != nil {
		t.Fatal(err)
	}
	sendAll(t, s)
	got := box.Received()
	if len(got) != 1 || !strings.Contains(got[0].To, "ada@example.org") || !strings.Contains(got[0].Data, "123 456") {
		t.Fatalf("%d letters arrived", len(got))
	}
	all, err := s.Disclose.Of(t.Context(), ada, 10)
	if err != nil || len(all) != 1 || all[0].State != disclose.Sent {
		t.Errorf("she sees %d entries, %v", len(all), err)
	}
}

// A mail server that is gone has the letter wait; nobody is told it was sent.
func TestALetterWaitsForAServerThatIsAway(t *testing.T) {
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "smtp-url": "smtp://127.0.0.1:9", "mail-from": "shop@shop.example"})
	ada := s.Subject("ada")
	if err := s.Disclose.Mail(context.Background(), disclose.Letter{To: ada, Address: thimble.Hide("ada@example.org"), Purpose: thimble.EssentialService, Subject: "Your code", Text: thimble.Hide("x")}); err != nil {
		t.Fatal(err)
	}
	sendAll(t, s)
	all, err := s.Disclose.Outbox(t.Context(), "", 1)
	if err != nil || all[0].State != disclose.Retrying || all[0].Why != string(wire.Unreachable) {
		t.Errorf("got %+v, %v", all, err)
	}
}
