package discloseweb

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/holdertest"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	console, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{now: func() time.Time { return time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC) }}
	a, err := disclose.ParseAgreement([]byte(Example))
	if err != nil {
		t.Fatal(err)
	}
	rec := disclose.Recipient{ID: thimble.ID{1}, Name: "Parcels", Kind: disclose.Processor, Status: disclose.Suspended, Why: "a breach", Transport: disclose.Webhook, Endpoint: "https://x.example", SealTo: "x25519:AA=="}
	signed := disclose.Signed{ID: thimble.ID{2}, State: disclose.Waiting, Agreement: a, Loosens: []string{"new field order"}, Text: Example, SubmittedBy: "ada"}
	message := disclosedb.Message{ID: thimble.ID{3}, Recipient: rec.ID, Kind: disclose.DataMessage, State: disclose.Dead, Why: string(disclose.AgreementEnded), People: 2}
	preview := previewOf(a, signed.Loosens)
	form := web.Form{ID: "again"}
	webtest.RenderAll(t, console, map[string]web.Page{
		"console_recipients.html": {Body: listBody{Warn: &web.Callout{Title: "x"}, Table: d.recipientsTable([]disclosedb.Standing{{Recipient: rec, InForce: &signed}}), Form: newForm()}},
		"console_recipient.html": {Body: recipientBody{State: d.stateCallout(disclosedb.Standing{Recipient: rec}), Facts: facts(rec), Agreements: agreementsTable([]disclose.Signed{signed}), Counts: countStats(map[disclose.State]int64{disclose.Dead: 1}),
			Messages: messagesTable([]disclosedb.Message{message}, nil), Feeds: feedForms(rec, []disclosedb.Subscription{{Recipient: rec.ID, Feed: disclose.OrderFeed}}), Forms: recipientForms(rec), Acts: web.Timeline{Title: "x", Items: []web.Moment{{Title: "Added"}}}}},
		"console_secret.html":    {Body: secretBody{Callout: web.Callout{Title: "x"}, Key: web.CodeBlock{ID: "key", Code: "whsec_"}, Facts: facts(rec), Next: web.Action{Label: "On", Href: "/x"}}},
		"console_agree.html":     {Body: draftBody{Problem: &web.Callout{Title: "x"}, Preview: &preview, Form: draftForm("/x", Example), Example: web.CodeBlock{ID: "example", Code: Example}}},
		"console_agreement.html": {Body: agreementBodyOf(signed, "grace")},
		"console_outbox.html":    {Body: outboxBody{countStats(nil), messagesTable([]disclosedb.Message{message}, map[thimble.ID]string{rec.ID: "Parcels"})}},
		"console_message.html":   {Body: messageBody{State: web.Callout{Title: "x"}, Facts: messageFacts(message, "Parcels"), Parts: partsTable(map[disclose.Whereabouts]int64{disclose.Sent: 2}), Tries: triesTable([]disclosedb.Try{{N: 1}, {N: 2, EndedAt: time.Now(), Status: 503}}), Form: &form}},
		"console_letters.html":   {Body: outboxBody{Table: messagesTable(nil, nil)}},
		"console_letter.html":    {Body: letterBody{Denied: &web.Callout{Title: "x"}, Facts: facts(rec), Text: web.CodeBlock{ID: "letter", Code: "x"}}},
	})
	portalPages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", ledgerweb.CheckPartial)
	if err != nil {
		t.Fatal(err)
	}
	webtest.RenderAll(t, portalPages, map[string]web.Page{
		"portal_shared.html":    {Layout: web.Portal, Body: sharedBody{web.Table{Caption: "x", Columns: []web.Column{{Label: "Who"}}, Rows: []web.Row{{Cells: web.Cells("x")}}}}},
		"portal_sharedone.html": {Layout: web.Portal, Body: oneBody{State: web.Callout{Title: "x"}, Facts: facts(rec), Check: ledgerweb.Check{Title: "it", Href: "/f", Key: "k"}}},
	})
}

// house is a console with these pages over a real store.
type house struct {
	t     *testing.T
	k     *holdertest.Kernel
	mux   *http.ServeMux
	store *disclosedb.Store
	staff string
}

// ways carry nothing anywhere: what is tried here is pages.
type ways struct{}

func (ways) Check(address string, _ []string) error {
	if !strings.HasPrefix(address, "https://") {
		return thimble.ErrInvalid
	}
	return nil
}

func (ways) Post(context.Context, wire.Hook, wire.Message) wire.Outcome {
	return wire.Outcome{State: wire.Delivered}
}

func (ways) Mail(context.Context, wire.Relay, wire.Letter) wire.Outcome {
	return wire.Outcome{State: wire.Delivered}
}

func (ways) Drop(context.Context, *wire.Folder, thimble.ID, wire.Message) wire.Outcome {
	return wire.Outcome{State: wire.Delivered}
}

func open(t *testing.T) *house {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k := holdertest.NewKernel(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	uses := gatedb.New(k.Core, k.Ledger, k.Vault, gatedb.Config{Now: k.Now})
	g := gate.New(k.Subjects, k.Consent, k.Vault, uses, k.Pack, gate.NewMoves(), k.Now)
	h := &house{t: t, k: k, mux: http.NewServeMux(), staff: "ada"}
	h.store = disclosedb.New(k.Core, k.Ledger, k.Vault, k.Subjects, g, disclosedb.Config{Now: k.Now, Rand: rand.New(rand.NewPCG(1, 2))})
	h.store.Use(ways{})
	g.Knows(gate.Known{Recipient: h.store.Known})
	frame := &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page { p.Layout = web.Console; return p }}
	for _, build := range []func() (web.Section, error){
		func() (web.Section, error) { return Recipients(kit, h.store, k.Now) },
		func() (web.Section, error) { return Outbox(kit, h.store, nil) },
	} {
		s, err := build()
		if err != nil {
			t.Fatal(err)
		}
		s.Mount(h.mux, frame)
	}
	h.mux.Handle(AckPattern, Ack(h.store, web.NewLimiter(time.Second, 2, k.Now)))
	return h
}

func (h *house) do(method, path string, form url.Values) (*http.Response, string) {
	h.t.Helper()
	r := httptest.NewRequestWithContext(web.WithVisitor(h.t.Context(), web.Visitor{Staff: h.staff}), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return w.Result(), string(body)
}

func (h *house) expect(method, path string, form url.Values, status int, words ...string) string {
	h.t.Helper()
	res, body := h.do(method, path, form)
	if res.StatusCode != status {
		h.t.Fatalf("%s %s answers %d, want %d: %s", method, path, res.StatusCode, status, body)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			h.t.Errorf("%s %s does not say %q", method, path, w)
		}
	}
	return res.Header.Get("Location")
}

var recipientForm = url.Values{"name": {"Parcels"}, "kind": {"processor"}, "contact": {"privacy@parcels.example"}, "countries": {"DE, PL"}, "endpoint": {"https://parcels.example/in"}}

var whole = strings.ReplaceAll(Example, "2027-01-01", "2028-01-01")

func TestARecipientIsAddedAgreedWithByTwoAndSuspended(t *testing.T) {
	h := open(t)
	h.expect("GET", RecipientsPath, nil, 200, "Nobody gets anything")
	_, page := h.do("POST", RecipientsPath, recipientForm)
	secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`).FindString(page)
	if secret == "" {
		t.Fatal("the webhook's key is not shown")
	}
	all, err := h.store.Recipients(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d recipients, %v", len(all), err)
	}
	path := recipientPath(all[0].ID)
	if _, page := h.do("GET", path, nil); strings.Contains(page, secret) {
		t.Error("the key is shown again")
	}
	h.expect("POST", RecipientsPath, recipientForm, 422, "no other recipient has")
	h.expect("GET", path+"/agree", nil, 200, "A whole agreement")
	h.expect("POST", path+"/agree", url.Values{"text": {strings.Replace(whole, "act: process", "act: gift", 1)}}, 422, "Line 4", "process, share, sale")
	h.expect("POST", path+"/agree", url.Values{"text": {whole}, "do": {"preview"}}, 200, "It permits more", "user.behavior.purchase_history", "Submit the agreement")
	if all, _ := h.store.Agreements(t.Context(), all[0].ID); len(all) != 0 {
		t.Error("a preview was kept")
	}
	agreement := h.expect("POST", path+"/agree", url.Values{"text": {whole}, "do": {"keep"}}, 303)
	h.expect("GET", agreement, nil, 200, "somebody else has to accept it")
	h.expect("POST", agreement+"/accept", url.Values{"reason": {"I wrote it myself"}}, 403)
	h.staff = "grace"
	h.expect("POST", agreement+"/accept", url.Values{"reason": {"short"}}, 422, "10 to 500 characters")
	h.expect("POST", agreement+"/accept", url.Values{"reason": {"compared with the paper"}}, 303)
	h.expect("GET", RecipientsPath, nil, 200, "in force")
	h.expect("POST", path+"/feeds", url.Values{"feed": {"orders"}}, 303)
	h.expect("GET", path, nil, 200, "End the feed of orders", "Agreement accepted")
	h.expect("POST", path+"/suspend", url.Values{"reason": {"they had a breach"}}, 303)
	h.expect("GET", path, nil, 200, "Suspended", "they had a breach", "Resume")
	h.expect("POST", path+"/suspend", url.Values{"reason": {"they had a breach"}}, 409)
	h.expect("GET", recipientPath(thimble.ID{9}), nil, 404)
	h.expect("GET", RecipientsPath+"/nonsense", nil, 404)
}

func TestARecipientWithErrorsComesBackWithThemAndNothingIsKept(t *testing.T) {
	h := open(t)
	for field, value := range map[string]string{"name": "x", "kind": "friend", "contact": "", "countries": "Germany", "endpoint": "http://10.0.0.1/in", "key": "rsa:AA"} {
		form := url.Values{}
		for k, v := range recipientForm {
			form[k] = v
		}
		form.Set(field, value)
		h.expect("POST", RecipientsPath, form, 422, "Expected:")
	}
	if all, err := h.store.Recipients(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d recipients, %v", len(all), err)
	}
}

func TestTheOutboxShowsStatesAndNothingOfWhatMessagesHold(t *testing.T) {
	h := open(t)
	h.do("POST", RecipientsPath, recipientForm)
	all, err := h.store.Recipients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := h.store.Submit(t.Context(), all[0].ID, whole, "ada")
	if err == nil {
		err = h.store.Accept(t.Context(), signed.ID, "grace", "compared with the paper")
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.store.Send(t.Context(), disclosedb.Disclosure{Recipient: all[0].ID, Purpose: thimble.EssentialService, Subjects: []thimble.SubjectID{h.k.Person(t)},
		Build: func(context.Context, thimble.Grant, thimble.SubjectID) ([]disclose.Row, error) {
			return []disclose.Row{{"lines": []disclose.Row{{"item": "a very private item"}}}}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	path := OutboxPath + "/" + r.Message.Token(disclose.MessagePrefix)
	for _, page := range []string{OutboxPath, OutboxPath + "?state=queued", path} {
		if _, body := h.do("GET", page, nil); strings.Contains(body, "private item") || !strings.Contains(body, "queued") && !strings.Contains(body, "Queued") {
			t.Errorf("%s shows what it must not, or not where it stands", page)
		}
	}
	h.expect("GET", OutboxPath+"?state=lost", nil, 422)
	h.expect("POST", path+"/again", nil, 409)
	h.expect("GET", OutboxPath+"/mail", nil, 404) // letters are not kept here
}

func TestAConfirmationWithoutASignatureIsRefusedAndTooManyWait(t *testing.T) {
	h := open(t)
	path := AckPath(thimble.ID{7})
	h.expect("POST", path, nil, 403)
	h.expect("POST", "/disclose/ack/nonsense", nil, 403)
	res, _ := h.do("POST", path, nil)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("the third within a second is answered %d", res.StatusCode)
	}
}
