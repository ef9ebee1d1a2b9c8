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
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/cases"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// partner is a recipient as one would be written from the documents: it takes what is
// signed with its key, keeps what it is sent about people, and puts right what it is told.
type partner struct {
	t   *testing.T
	mu  sync.Mutex
	key wire.SigningKey

	orders map[string]map[string]any // by the recipient's word for the order
	mails  map[string]string         // by pseudonym
	heard  []string                  // corrections, as they came
}

func (p *partner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		p.t.Error(err)
	}
	if _, err := wire.Verify(r.Header, body.Bytes(), time.Now(), p.key); err != nil {
		p.t.Errorf("a message whose signature does not hold: %v", err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	lines := strings.Split(strings.TrimSpace(body.String()), "\n")
	var head struct{ Kind, Message string }
	p.read(lines[0], &head)
	for _, text := range lines[1:] {
		var line struct {
			Person, Mail, Order string
			Right, Gone         []map[string]any
		}
		p.read(text, &line)
		if head.Kind == disclose.CorrectMessage {
			p.heard = append(p.heard, text)
			for _, row := range line.Right {
				p.keep(line.Person, row)
			}
			for _, row := range line.Gone {
				delete(p.orders, row["order"].(string))
			}
			continue
		}
		row := map[string]any{}
		p.read(text, &row)
		p.keep(line.Person, row)
	}
	_, _ = w.Write([]byte(`{"acknowledged":"` + head.Message + `"}`)) // who does not get it tries again
}

func (p *partner) read(text string, into any) {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		p.t.Errorf("a line that cannot be read: %v", err)
	}
}

func (p *partner) keep(person string, row map[string]any) {
	if mail, ok := row["mail"].(string); ok {
		p.mails[person] = mail
	}
	if order, ok := row["order"].(string); ok {
		delete(row, "person")
		p.orders[order] = row
	}
}

const partnerTerms = thimbletest.Fulfilment + "acknowledge: 1h\n"

// What a recipient was sent wrong it is told right, in a message that it can check and that
// the person has a receipt of: in the end it has what it would have if nothing had been wrong.
func TestARecipientIsToldWhatIsRightAndThePersonHoldsTheReceipt(t *testing.T) {
	p := &partner{t: t, orders: map[string]map[string]any{}, mails: map[string]string{}}
	server := httptest.NewServer(p)
	defer server.Close()
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "disclose-loopback": server.Listener.Addr().String()})
	terms := strings.Replace(partnerTerms, "fields:\n", "fields:\n  - {name: mail, category: user.contact.email}\n", 1)
	to := s.Recipient("Parcels", server.URL+"/in", terms)
	var err error
	if p.key, err = s.Disclose.NewSecret(t.Context(), to, "owner"); err != nil {
		t.Fatal(err)
	}
	if err := s.Disclose.Subscribe(t.Context(), to, disclose.OrderFeed, "owner"); err != nil {
		t.Fatal(err)
	}
	ada := buyers(s)
	mailed(t, s, ada, "ada@example.org")
	s.OrdersAs("right-1", thimbletest.Lately(101), ada, "BELT")
	s.OrdersAs("mixed-1", thimbletest.Lately(102), ada, "BELT", "ODD-2")
	s.OrdersAs("wrong-1", thimbletest.Lately(103), ada, "ODD-1")
	sent, err := s.Disclose.Send(t.Context(), disclosedb.Disclosure{Recipient: to, Purpose: thimble.EssentialService, Fields: []string{"mail"}, Subjects: []thimble.SubjectID{ada},
		Build: mailOf("ada@example.org")})
	if err != nil || sent.People != 1 {
		t.Fatal(sent, err)
	}
	if err := s.Feed(t.Context()); err != nil {
		t.Fatal(err)
	}
	sendAll(t, s)
	has := func(item string) (n int) {
		for _, o := range p.orders {
			if text, _ := json.Marshal(o); strings.Contains(string(text), item) {
				n++
			}
		}
		return n
	}
	before := len(p.orders)
	if has("ODD-1") != 1 || has("ODD-2") != 1 || len(p.mails) != 1 {
		t.Fatalf("the recipient has %v and %v", p.orders, p.mails)
	}
	w, zoe := browse(t, s, ada), answers(t, s, "zoe", staff.Privacy)
	corrects := func(d thimble.Datum, choice, value string) {
		t.Helper()
		if code, _ := w.sends("/privacy/correct", wrongForm(d, choice, value)); code != http.StatusSeeOther {
			t.Fatalf("asking = %d", code)
		}
		if code := zoe.does(caseOf(t, s, ada), cases.Accepted); code != http.StatusSeeOther || caseOf(t, s, ada).State != cases.Fulfilled {
			t.Fatalf("correcting = %d, %s", code, caseOf(t, s, ada).State)
		}
		sendAll(t, s)
	}
	corrects(datumOf(t, s, ada, "order", "wrong-1"), "not_mine", "")
	corrects(lineOf(t, s, ada, "mixed-1", "ODD-2, 1"), "not_bought", "")
	corrects(datumOf(t, s, ada, "subject", "email"), "replace", "ada@new.example.org")

	if has("ODD-1") != 0 || has("ODD-2") != 0 || len(p.orders) != before-1 || has("BELT") == 0 {
		t.Errorf("after the correction of an order the recipient has %v", p.orders)
	}
	for _, mail := range p.mails {
		if mail != "ada@new.example.org" {
			t.Errorf("after the correction of an address the recipient has %q", mail)
		}
	}
	if len(p.heard) != 3 || strings.Contains(p.heard[0], "ODD-1") || strings.Contains(p.heard[0], "wrong-1") || strings.Contains(strings.Join(p.heard, ""), ada.String()) {
		t.Errorf("it heard %q", p.heard)
	}
	page := w.page("/privacy/shared")
	if strings.Count(page, "told what is right") != 3 {
		t.Errorf("the page says %d times that what is right was told", strings.Count(page, "told what is right"))
	}
	_, rest, _ := strings.Cut(page, `href="/privacy/receipts/disclosure/`)
	receipt, _, _ := strings.Cut(rest, `"`)
	if body := w.page("/privacy/receipts/disclosure/" + receipt); !strings.Contains(body, `correct`) {
		t.Error("the receipt is of something else")
	}
	all, err := s.Disclose.SentTo(t.Context(), to, 10)
	for _, m := range all {
		if err != nil || m.State != disclose.Acknowledged {
			t.Errorf("a message is %s, %v", m.State, err)
		}
	}
	if audit, err := s.Audit(t.Context()); err != nil || len(audit.Findings) != 0 {
		t.Errorf("the audit found %v, %v", audit.Findings, err)
	}
}

func mailOf(address string) func(context.Context, thimble.Grant, thimble.SubjectID) ([]disclose.Row, error) {
	return func(context.Context, thimble.Grant, thimble.SubjectID) ([]disclose.Row, error) {
		return []disclose.Row{{"mail": address}}, nil
	}
}
