package app_test

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/ledger"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/trial"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/rights"
	"thimble/internal/rights/certificate"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// certified is the newest certificate of an erasure, checked with the log's key.
func certified(t *testing.T, s *thimbletest.Shop, request string) ([]byte, certificate.Statement) {
	t.Helper()
	s.Works()
	id, err := thimble.ParseID(rights.TokenPrefix, request)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Requests.Certificate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Ledger.Receipt(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := certificate.Write(r)
	if err != nil {
		t.Fatal(err)
	}
	v, err := certificate.Verify(text, s.Ledger.VerifierKey())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return text, v.Statement
}

func TestACertificateSaysWhatWasDestroyedAndNamesNobody(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada := someone(t, s, "ada-lovelace-1815")
		twin := s.Subject("ada-byron-1815", thimbletest.Allows(personalize, train, trial.Analytics)...)
		s.Buys(twin, "shirt")
		s.Join(ada, twin)
		s.Works()
		if _, err := s.Shop.TrainAs(ctx, lists.Training{Reason: "a version to compare with", Stage: registry.Shadow}); err != nil {
			t.Fatal(err)
		}
		before, err := s.Models.Kept(ctx, lists.ModelName)
		if err != nil || len(before) < 2 {
			t.Fatalf("%d versions are kept, %v: one serves and one is in shadow", len(before), err)
		}

		report := s.Erase(ada)

		text, said := certified(t, s, report.Request)
		after, err := s.Models.Kept(ctx, lists.ModelName)
		if err != nil {
			t.Fatal(err)
		}
		if len(said.Models) != 1 || len(said.Models[0].Before) != len(before) || len(said.Models[0].After) != len(after) {
			t.Fatalf("models: %+v, kept were %d, are %d", said.Models, len(before), len(after))
		}
		for i, v := range before {
			if got := said.Models[0].Before[i]; got.Weights != hex.EncodeToString(v.Hash[:]) || got.Stage != string(v.Stage) {
				t.Errorf("before: %+v, want version %d", got, v.Number)
			}
		}
		for i, v := range after {
			if got := said.Models[0].After[i]; got.Weights != hex.EncodeToString(v.Hash[:]) || slices.ContainsFunc(before, func(b registrydb.Version) bool { return b.Hash == v.Hash }) {
				t.Errorf("after: %+v, want version %d, and weights that nobody had before", got, v.Number)
			}
		}
		for _, h := range s.Holders() {
			if !slices.ContainsFunc(said.Holders, func(c certificate.Holder) bool { return c.Holder == h.HolderName() }) {
				t.Errorf("holder %s is not in it", h.HolderName())
			}
		}
		if len(said.Keys.Hashes) != 2 || said.Keys.Scanned != (s.Keys.Engine() == sqldb.SQLite) {
			t.Errorf("keys of two accounts: %+v", said.Keys)
		}
		if len(said.Kept) == 0 || !said.Backups.UnreadableAfter.Equal(s.Vault.UnreadableAfter()) || len(said.Beyond) < 5 {
			t.Errorf("kept %+v, backups %+v, not covered %d", said.Kept, said.Backups, len(said.Beyond))
		}
		for _, who := range []string{"ada-", "1815", ada.String(), twin.String(), hex.EncodeToString(ada[:])} {
			if bytes.Contains(text, []byte(who)) {
				t.Errorf("the certificate names a person: %s", who)
			}
		}
		if audit, err := s.Audit(ctx); err != nil || len(audit.Findings) > 0 {
			t.Errorf("the audit: %+v, %v", audit.Findings, err)
		}
	})
}

func TestACertificateIsIssuedAgainWhenARecipientConfirms(t *testing.T) {
	var told atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(wire.HeaderID)
		told.Store(&id)
	}))
	defer server.Close()
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "disclose-loopback": server.Listener.Addr().String()})
	ctx := t.Context()
	to := s.Recipient("Parcels", server.URL+"/in", thimbletest.Fulfilment)
	ada := s.Subject("ada")
	s.Discloses(ada)
	sendAll(t, s)

	report := s.Erase(ada)

	state := func(issue int64, want string) {
		t.Helper()
		_, said := certified(t, s, report.Request)
		if said.Issue != issue || len(said.Recipients) != 1 || said.Recipients[0].Name != "Parcels" || said.Recipients[0].State != want {
			t.Fatalf("certificate %d says of recipients %+v, want certificate %d and %s", said.Issue, said.Recipients, issue, want)
		}
	}
	certify := func(want int) {
		t.Helper()
		if n, err := s.Desk.Certify(ctx); n != want || err != nil {
			t.Fatalf("%d certificates were issued, %v, want %d", n, err, want)
		}
	}
	state(1, certificate.Told)
	certify(0)
	sendAll(t, s)
	certify(1)
	state(2, certificate.Delivered)
	key, err := s.Disclose.NewSecret(ctx, to, "owner")
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"acknowledged":"` + *told.Load() + `"}`)
	head, err := wire.Sign("ack-1", time.Now(), body, key)
	if err == nil {
		err = s.Disclose.Acknowledge(ctx, to, head, body)
	}
	if err != nil {
		t.Fatal(err)
	}
	certify(1)
	state(3, certificate.Acknowledged)
	certify(0)
	if audit, err := s.Audit(ctx); err != nil || len(audit.Findings) > 0 {
		t.Errorf("the audit: %+v, %v", audit.Findings, err)
	}
}

// Whoever was told before a crash is in the certificate of the resumed erasure.
func TestTheCertificateOfAResumedErasureKnowsWhoWasToldBefore(t *testing.T) {
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "drop-folder": t.TempDir()})
	ada := s.Subject("ada")
	s.Discloses(ada)
	sendAll(t, s)
	holders := s.Holders()
	holders[slices.IndexFunc(holders, func(h thimble.Holder) bool { return h.HolderName() == "gate" })] = dead{s.Uses}
	if _, err := rights.NewDesk(s.Requests, s.Vault, func() string { return "" }, holders...).Erase(t.Context(), ada); err == nil {
		t.Fatal("the erasure was not interrupted")
	}
	if n, err := s.Desk.Certify(t.Context()); n != 0 || err != nil {
		t.Fatalf("a half erasure has %d certificates, %v", n, err)
	}
	report := s.Erase(ada)
	_, said := certified(t, s, report.Request)
	if !said.Resumed || len(said.Recipients) != 1 || said.Recipients[0].Name != "Parcels" {
		t.Errorf("resumed %v, recipients %+v", said.Resumed, said.Recipients)
	}
	if len(said.Kept) != 1 || said.Kept[0].Count != 1 {
		t.Errorf("what was kept before the interruption is not told: %+v", said.Kept)
	}
	if i := slices.IndexFunc(said.Holders, func(h certificate.Holder) bool { return h.Holder == "subject" }); said.Holders[i].Erased == 0 {
		t.Error("what the first holder destroyed before the interruption is not counted")
	}
}

func TestACertificateThatWasChangedInTheDatabaseIsFound(t *testing.T) {
	s := thimbletest.New(t)
	first, second := s.Erase(s.Subject("ada")), s.Erase(s.Subject("bob"))
	s.Works()
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		id, err := thimble.ParseID(rights.TokenPrefix, first.Request)
		if err != nil {
			return err
		}
		other, err := thimble.ParseID(rights.TokenPrefix, second.Request)
		if err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `update rights_certificates set opening = (select opening from rights_certificates where request_id = $1) where request_id = $2`, other, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	audit, err := s.Audit(t.Context())
	if err != nil || !slices.ContainsFunc(audit.Findings, func(f ledger.Finding) bool { return f.Table == "rights_certificates" }) {
		t.Errorf("findings %+v, %v", audit.Findings, err)
	}
}

func TestTheForgottenDownloadTheCertificateWithoutAnAccount(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	enter := frontDoor(t, s)
	v := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: ada})
	code, to, body := v.do("POST", "/privacy/forget", url.Values{"word": {"FORGET"}})
	if code != http.StatusSeeOther {
		t.Fatalf("forgetting: %d %s", code, body)
	}
	s.Works()
	guest := visitor{t, v.base, &http.Cookie{Name: "none", Value: "none"}}
	_, _, page := guest.do("GET", to, nil)
	if !strings.Contains(page, to+"/certificate.json") || !strings.Contains(page, "check-certificate.html") {
		t.Fatal("the last page does not offer the certificate and the page that checks it")
	}
	code, _, text := guest.do("GET", to+"/certificate.json", nil)
	if _, err := certificate.Verify([]byte(text), s.Ledger.VerifierKey()); code != http.StatusOK || err != nil {
		t.Errorf("the certificate: %d, %v", code, err)
	}
	if code, _, page := guest.do("GET", "/privacy/forgotten/check-certificate.html", nil); code != http.StatusOK || !strings.Contains(page, s.Ledger.VerifierKey()) || strings.Contains(page, "import ") {
		t.Errorf("the page that checks it: %d", code)
	}
	staff := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: "owner"})
	request := "/console/requests/" + strings.TrimPrefix(to, "/privacy/forgotten/")
	if _, _, page := staff.do("GET", request, nil); !strings.Contains(page, request+"/certificate.json") {
		t.Error("the console does not offer the certificate")
	}
	if code, _, again := staff.do("GET", request+"/certificate.json", nil); code != http.StatusOK || again != text {
		t.Errorf("the console's certificate: %d, the same: %v", code, again == text)
	}
	access := s.Subject("bob")
	s.Archive(access)
	all, err := s.Requests.List(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Kind == rights.Access {
			if code, _, _ := guest.do("GET", "/privacy/forgotten/"+r.ID.Token(rights.TokenPrefix)+"/certificate.json", nil); code != http.StatusNotFound {
				t.Errorf("the certificate of a request of access: %d", code)
			}
		}
	}
}
