package app_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
)

// The shop is the controller, and a processor hands the copy over to it and to nobody else.
func TestACopyGoesToTheControllerThatAskedForItAndToNobodyElse(t *testing.T) {
	shop, f, ca := firms(t)
	ctx := t.Context()
	registers := func(name string, copies bool) (opendsrdb.Controller, string) {
		t.Helper()
		c, token, err := f.OpenDSR.Register(ctx, opendsrdb.Controller{Name: name, Hosts: []string{"127.0.0.1"}, Copies: copies}, "zoe")
		if err != nil {
			t.Fatal(err)
		}
		return c, token
	}
	copied := func() bool {
		t.Helper()
		_, _, body := f.asks(t, "GET", "/v2/discovery", "", "")
		says, err := opendsr.ParseDiscovery(body)
		if err != nil {
			t.Fatal(err)
		}
		return says.Supports(opendsr.Access, opendsr.Email, opendsr.Raw) && says.Supports(opendsr.Portability, opendsr.Email, opendsr.Raw)
	}
	_, erases := registers("Erases only", false)
	if copied() {
		t.Error("copies are named, and nobody may ask for any")
	}
	mine, token := registers("The shop", true)
	_, foreign := registers("Another", true)
	if !copied() {
		t.Error("copies are not named")
	}
	asks := func(id, account, kind string) string {
		return strings.Replace(erasure(id, "controller_customer_id", account, "raw"), `"erasure"`, `"`+kind+`"`, 1)
	}
	const nobodys, later = "b7551968-d5d6-44b2-9831-815ac9017798", "c7551968-d5d6-44b2-9831-815ac9017798"
	if code, _, body := f.asks(t, "POST", "/v2/requests", erases, asks(later, "ada", "access")); code != http.StatusBadRequest || !strings.Contains(string(body), "not registered for copies") {
		t.Errorf("a controller that may ask for erasures alone: %d %s", code, body)
	}

	y := systems.System{Name: "Processor", Kinds: []cases.Kind{cases.Access}, Means: systems.Processor, Endpoint: f.url, Names: systems.Account, Days: 30}
	if _, _, err := shop.Systems.Add(ctx, y, thimble.Hide(token), "zoe"); err != nil {
		t.Fatal(err)
	}
	there := f.Subject("ada")
	f.Buys(there, "shirt")
	asked, err := shop.Cases.Open(ctx, casesdb.Asked{Subject: shop.Subject("ada"), Kind: cases.Access, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		_, err = shop.Cases.Accept(ctx, asked.ID, cases.ThePerson, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	shop.tells(t)
	task := func() systems.Task { t.Helper(); return onlyTask(t, shop.Shop, asked.ID) }
	known, _, _ := strings.Cut(task().Remote, " ")
	for id, kind := range map[string]string{nobodys: "portability", later: "portability"} {
		if code, _, body := f.asks(t, "POST", "/v2/requests", token, asks(id, "nobody-"+id, kind)); code != http.StatusCreated {
			t.Fatalf("%d %s", code, body)
		}
	}
	status := func(id string) opendsr.Standing {
		t.Helper()
		code, _, body := f.asks(t, "GET", "/v2/requests/"+id, token, "")
		st, err := opendsr.ParseStanding(body)
		if code != http.StatusOK || err != nil {
			t.Fatalf("%d %s, %v", code, body, err)
		}
		return st
	}
	if a, b := status(known), status(nobodys); a.Status != opendsr.Pending || b.Status != opendsr.Pending || a.Results+b.Results != "" || a.Count != nil || b.Count != nil {
		t.Errorf("before anything is done: %+v, nobody's %+v", a, b)
	}
	if code, _, body := f.asks(t, "DELETE", "/v2/requests/"+later, token, ""); code != http.StatusAccepted || status(later).Status != opendsr.Cancelled {
		t.Errorf("calling off what is pending: %d %s", code, body)
	}
	f.settles(t)
	f.settles(t)
	if code, _, body := f.asks(t, "DELETE", "/v2/requests/"+known, token, ""); code != http.StatusConflict {
		t.Errorf("calling off what is done: %d %s", code, body)
	}
	f.tells(t) // the callback, signed, with the address of the copy
	if got := task(); got.State != systems.Done {
		t.Errorf("after the callback it is %s, %s", got.State, got.Why)
	}
	st := status(known)
	path, ours := strings.CutPrefix(st.Results, f.url)
	if st.Status != opendsr.Completed || !ours || st.Count == nil || *st.Count < 2 {
		t.Fatalf("somebody's is %+v", st)
	}
	if n := status(nobodys); n.Status != opendsr.Completed || n.Results != "" || n.Count == nil || *n.Count != 0 {
		t.Errorf("nobody's is %+v", n)
	}
	theirs, err := f.Cases.Of(ctx, there, 10)
	if err != nil || len(theirs) != 1 || theirs[0].State != cases.Fulfilled || theirs[0].Proof != cases.Vouched || theirs[0].Via != cases.Controller {
		t.Errorf("the person sees %+v, %v", theirs, err)
	}

	code, head, file := f.asks(t, "GET", path, token, "")
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if code != http.StatusOK || err != nil || len(z.File) < 3 || head.Get("Cache-Control") != "no-store" {
		t.Fatalf("fetching it: %d, %v", code, err)
	}
	_, _, pem := f.asks(t, "GET", "/v2/certificate.pem", "", "")
	cert, err := opendsr.ParseCertificate(pem, "127.0.0.1", ca.Roots, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if domain, sig, err := opendsr.Signed(head); err != nil || cert.Verify(domain, sig, file) != nil {
		t.Errorf("the copy is not signed, %v", err)
	}
	var all strings.Builder
	for _, part := range z.File {
		r, err := part.Open()
		if err == nil {
			_, err = io.Copy(&all, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(all.String(), "shirt") {
		t.Error("what was bought is not in the copy")
	}
	refused := func(when string, want int, token, path string) {
		t.Helper()
		if code, head, body := f.asks(t, "GET", path, token, ""); code != want || head.Get("Content-Type") != "application/json;charset=UTF-8" {
			t.Errorf("%s: %d %.200s, want %d", when, code, body, want)
		}
	}
	refused("without a token", http.StatusUnauthorized, "", path)
	refused("another controller, with the address", http.StatusNotFound, foreign, path)
	refused("a controller for erasures, with the address", http.StatusNotFound, erases, path)
	refused("another address", http.StatusNotFound, token, "/v2/results/"+known)
	set := func(until time.Time) {
		t.Helper()
		if err := f.Core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update opendsr_requests set results_until = $2 where request_id = $1`, known, until.UnixMicro())
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	// An e-mail address that was added meanwhile has the copy wait, and its address with it.
	mailed(t, f.Shop, there, "stealth@example.org")
	moves := func(by time.Duration) {
		t.Helper()
		if err := f.Core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update subject_identifiers set created_at = created_at + $2 where subject = $1 and kind = 'email'`, there[:], by.Microseconds())
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	moves(time.Hour)
	refused("while its person waits", http.StatusServiceUnavailable, token, path)
	for range 2 {
		set(time.Now().Add(-time.Minute)) // its time was over before it could be fetched
		f.settles(t)
		if again := status(known); again.Results != st.Results || again.Count == nil || *again.Count != *st.Count {
			t.Fatalf("the address of a copy that waits is %+v, want %s", again, st.Results)
		}
	}
	moves(-time.Hour)
	if code, _, _ := f.asks(t, "GET", path, token, ""); code != http.StatusOK {
		t.Errorf("fetching it once nobody waits any more: %d", code)
	}
	set(time.Now())
	refused("after three days", http.StatusNotFound, token, path)
	if st := status(known); st.Results != "" {
		t.Errorf("the address is told when it is too late: %+v", st)
	}
	set(time.Now().Add(time.Hour))
	moves(time.Hour)
	f.Erase(there)
	refused("of somebody who was erased", http.StatusNotFound, token, path)
	set(time.Now())
	f.settles(t)
	var left int
	if err := f.Core.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from opendsr_requests where results <> '' or results_count > 0`).Scan(&left)
	}); err != nil || left != 0 {
		t.Errorf("%d addresses are left, %v", left, err)
	}
	costs := func(account, id string) int64 {
		t.Helper()
		ask, err := opendsr.ParseRequest([]byte(asks(id, account, "access")))
		if err != nil {
			t.Fatal(err)
		}
		ctx, n := sqldb.Counted(ctx)
		if _, err := f.OpenDSR.Receive(ctx, mine, ask); err != nil {
			t.Fatal(err)
		}
		return n.Load()
	}
	f.Subject("bob")
	if some, none := costs("bob", "d7551968-d5d6-44b2-9831-815ac9017798"), costs("nobody-else", "e7551968-d5d6-44b2-9831-815ac9017798"); some != none {
		t.Errorf("somebody costs %d statements, nobody %d", some, none)
	}
	f.Works()
	if audit, err := f.Audit(ctx); err != nil || len(audit.Findings) > 0 {
		t.Errorf("the audit: %+v, %v", audit.Findings, err)
	}
}
