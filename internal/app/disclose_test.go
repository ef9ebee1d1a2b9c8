package app_test

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// A recipient goes all the way: one adds it, another accepts its agreement, something goes to
// it, and the person reads who got what and holds a receipt.
func TestWhatGoesToARecipientIsAgreedByTwoAndReadByThePerson(t *testing.T) {
	s := thimbletest.Open(t, map[string]string{"data": filepath.Join(t.TempDir(), "data"), "drop-folder": t.TempDir()})
	ada, eve := s.Subject("A-1"), s.Subject("E-1")
	s.Buys(ada, "shirt")
	enter := frontDoor(t, s)
	s.Employs("mara", staff.Privacy)
	s.Employs("noor", staff.Partners)
	s.Employs("ivo", staff.Admin)
	as := func(name string) visitor {
		return enter("thimble_staff", session.Who{Audience: session.Staff, Staff: name})
	}
	mara, noor, ivo := as("mara"), as("noor"), as("ivo")
	form := url.Values{"name": {"Parcels"}, "kind": {"processor"}, "contact": {"privacy@parcels.example"}, "countries": {"de"}, "transport": {"folder"}}
	if code, _, _ := ivo.do("POST", "/console/recipients", form); code != 403 {
		t.Errorf("an administrator adds a recipient: %d, want refused", code)
	}
	if code, _, body := noor.do("POST", "/console/recipients", url.Values{"name": {"Parcels"}, "kind": {"processor"}, "transport": {"folder"}}); code != 422 || !strings.Contains(body, "What was expected") {
		t.Errorf("a recipient without a contact: %d", code)
	}
	code, page, _ := noor.do("POST", "/console/recipients", form)
	if code != 303 {
		t.Fatalf("adding a recipient: %d", code)
	}
	text := url.Values{"text": {thimbletest.Fulfilment}}
	if code, _, body := noor.do("POST", page+"/agreement", url.Values{"text": {"agreement: 1\nfields: oops\n"}}); code != 422 || !strings.Contains(body, "cannot be read") {
		t.Errorf("an agreement with a mistake: %d", code)
	}
	if _, _, body := noor.do("POST", page+"/agreement", text); !strings.Contains(body, "What it would permit: Fulfilment of orders") || !strings.Contains(body, "Keep it") {
		t.Error("the page does not show what the agreement would permit")
	}
	text.Set("keep", "yes")
	if code, _, _ := noor.do("POST", page+"/agreement", text); code != 303 {
		t.Fatalf("keeping the agreement: %d", code)
	}
	all, err := s.Disclose.Standings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parcels := all[slices.IndexFunc(all, func(s disclosedb.Standing) bool { return s.Name == "Parcels" })]
	if parcels.InForce != nil || !parcels.Waiting {
		t.Fatalf("an agreement that one person submitted: %+v", parcels)
	}
	waiting, err := s.Disclose.Agreements(t.Context(), parcels.ID)
	if err != nil {
		t.Fatal(err)
	}
	accept := url.Values{"agreement": {waiting[0].ID.Token(disclose.AgreementPrefix)}, "reason": {"the contract was read"}}
	if _, _, body := noor.do("GET", page, nil); strings.Contains(body, "Accept it") || !strings.Contains(body, "somebody else has to accept it") {
		t.Error("whoever submitted an agreement is offered to accept it")
	}
	if code, _, _ := noor.do("POST", page+"/accept", accept); code == 303 {
		t.Error("whoever submitted an agreement accepts it")
	}
	if code, to, _ := mara.do("POST", page+"/accept", accept); code != 303 || !strings.HasSuffix(to, "done=changed") {
		t.Fatalf("accepting: %d %s", code, to)
	}
	message := s.Discloses(ada)
	if _, _, body := mara.do("GET", "/console/outbox/"+message.Token(disclose.MessagePrefix), nil); !strings.Contains(body, "order, placed, country, lines") || strings.Contains(body, "A-1") || strings.Contains(body, ada.String()) {
		t.Error("the page of a message does not say which fields, or says whose")
	}
	s.Works()
	own := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: ada})
	_, _, body := own.do("GET", "/privacy/shared", nil)
	if !strings.Contains(body, "Parcels") || !strings.Contains(body, "may keep it for 30 days") {
		t.Error("the person does not read who got what")
	}
	_, receipt, _ := strings.Cut(body, `href="/privacy/receipts/disclosure/`)
	receipt, _, _ = strings.Cut(receipt, `"`)
	if code, _, body := own.do("GET", "/privacy/receipts/disclosure/"+receipt, nil); receipt == "" || code != 200 || !strings.Contains(body, "Parcels") {
		t.Errorf("the receipt %q: %d", receipt, code)
	}
	stranger := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: eve})
	if _, _, body := stranger.do("GET", "/privacy/shared", nil); strings.Contains(body, "Parcels") {
		t.Error("somebody else reads it too")
	}
	if code, _, _ := stranger.do("GET", "/privacy/receipts/disclosure/"+receipt, nil); code != 404 {
		t.Errorf("somebody else has the receipt: %d", code)
	}
}

// A letter that stayed for lack of a mail server is opened by the gate: whoever may, reads it,
// and the person sees that; whoever may not, reads why.
func TestALetterThatStayedIsOpenedByTheGate(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("A-1")
	err := s.Disclose.Mail(t.Context(), disclose.Letter{To: ada, Address: thimble.Hide("ada@example.org"), Purpose: thimble.EssentialService, Subject: "Your code", Text: thimble.Hide("It is 4711.")})
	if err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = s.Disclose.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	enter := frontDoor(t, s)
	for name, tc := range map[string]struct {
		roles []staff.Role
		reads bool
	}{"mara": {[]staff.Role{staff.Privacy, staff.Support}, true}, "noor": {[]staff.Role{staff.Partners}, false}} {
		s.Employs(name, tc.roles...)
		v := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: name})
		code, _, body := v.do("GET", "/console/outbox/letters", nil)
		if code != 200 || strings.Contains(body, "4711") != tc.reads || strings.Contains(body, "ada@example.org") != tc.reads || strings.Contains(body, "Opened for") != tc.reads {
			t.Errorf("%s: %d, reads the letter: %t, want %t", name, code, strings.Contains(body, "4711"), tc.reads)
		}
		if strings.Contains(body, "Not shown: ") == tc.reads {
			t.Errorf("%s: whether it says why it shows nothing: %t", name, tc.reads)
		}
	}
	uses, err := s.Uses.Of(t.Context(), ada, 10)
	looked := slices.ContainsFunc(uses, func(u gatedb.Use) bool { return u.Actor == "mara" })
	if err != nil || !looked || slices.ContainsFunc(uses, func(u gatedb.Use) bool { return u.Actor == "noor" && u.Kind == gate.Staff }) {
		t.Errorf("recorded uses: %+v, %v", uses, err)
	}
}
