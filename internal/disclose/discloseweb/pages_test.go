package discloseweb

import (
	"net/http/httptest"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

const whole = `agreement: 1
title: Fulfilment of orders
contract: "Contract 12 of 2026"
act: process
effective: 2026-01-01
until: 2027-01-01
purposes: [essential.service]
fields: [{name: order, category: user.behavior.purchase_history}, {name: item}]
sub-processors: [{name: Night Vans, country: PL, for: transport by night}]
transfer: {basis: none}
assessment: {by: data protection officer, on: 2026-01-01, expires: 2027-01-01}
retention: 30d
`

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	a, err := disclose.ParseAgreement([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	c := &console{Deps: Deps{Now: func() time.Time { return time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC) }}}
	to := disclose.Recipient{ID: thimble.ID{1}, Name: "Parcels", Kind: disclose.Processor, Status: disclose.Suspended, Why: "a breach", Transport: disclose.Webhook, Endpoint: "https://x.example", SealTo: "x25519:AA=="}
	signed := disclose.Signed{ID: thimble.ID{2}, Version: 1, State: disclose.Waiting, Agreement: a, Loosens: []string{"new field order"}, Text: whole, SubmittedBy: "ada"}
	message := disclosedb.Message{ID: thimble.ID{3}, Recipient: to.ID, Kind: disclose.DataMessage, State: disclose.Dead, Why: "answer-slow", People: 2, AckWithin: time.Hour}
	view := func(version int64, form string) *agreementView {
		signed.Version = version
		v := c.view(signed, signed.Loosens)
		v.Forms = []web.Form{reasonForm(form, "/x", "Accept it", signed.ID, false)}
		return v
	}
	forms := append(feedForms(to, "/x/", []disclosedb.Subscription{{Recipient: to.ID, Feed: disclose.OrderFeed}}), recipientForms(to, "/x/")...)
	again := web.Form{ID: "again"}
	code := web.CodeBlock{ID: "key", Title: "Key", Code: "x"}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_recipients.html": {Body: listBody{Table: web.Table{Caption: "Recipients", Columns: []web.Column{{Label: "Name"}}, Rows: []web.Row{{Cells: web.Cells("Parcels")}}}, Add: addForm(httptest.NewRequest("GET", "/", nil))}},
		"console_recipient.html": {Body: recipientBody{Facts: recipientFacts(to), InForce: view(1, "end"), Waiting: view(2, "accept"), Preview: view(0, "none"), Problem: &web.Callout{Title: "x"}, Agreement: web.Form{ID: "agreement"},
			Sent: messageTable("Messages", []disclosedb.Message{message}, nil), Counts: []web.Stat{{Label: "dead", Value: 1}}, Forms: forms, Past: pastOf([]disclosedb.Act{{Act: "added", Staff: "ada"}})}},
		"console_key.html":     {Body: keyBody{Key: code, Ack: web.CodeBlock{ID: "ack", Title: "Ack", Code: "x"}, Back: "/x"}},
		"console_outbox.html":  {Body: outboxBody{Counts: []web.Stat{{Label: "dead", Value: 1}}, Tabs: []web.Tab{{Label: "All", Href: "/x"}}, Table: messageTable("Messages", []disclosedb.Message{message}, map[thimble.ID]string{to.ID: "Parcels"}), Letters: &web.Callout{Title: "x"}}},
		"console_message.html": {Body: messageBody{Facts: messageFacts(message, to, map[disclose.Whereabouts]int64{disclose.Sent: 2}), Tries: tryTable([]disclosedb.Try{{N: 1}, {N: 2, EndedAt: time.Now(), Status: 503}}), Again: &again}},
		"console_letters.html": {Body: lettersBody{Letters: []letterView{{Facts: recipientFacts(to), Text: &code}, {Why: "no"}}}},
	})
	shared, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.RenderAll(t, shared, map[string]web.Page{
		"portal_shared.html": {Layout: web.Portal, Body: sharedBody{web.Table{Caption: "x", Columns: []web.Column{{Label: "Who"}}, Rows: []web.Row{{Cells: web.Cells("x")}}}}},
	})
}
