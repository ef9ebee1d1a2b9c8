package canary

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/receipts"
	"thimble/internal/collect/table"
	"thimble/internal/consent"
	"thimble/internal/consent/till"
	"thimble/internal/disclose"
	"thimble/internal/subject"
)

// plant brings strings in by every door: first by those that make the person, then by all
// others, with what is right and with what is not.
func (w *world) plant(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		w.importPeople, w.importTheRest, w.tills, w.choose, w.train, w.deliveries, w.events, w.operations, w.letter, w.recipient, w.protocols, w.pages, w.work, w.forms, w.settle,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// take imports rows of a kind, as a file that was read with this mapping.
func (w *world) take(ctx context.Context, kind collect.Kind, columns []string, rows ...[]string) error {
	m := table.Mapping{Kind: string(kind), Form: table.Plain(), Columns: map[string]string{}, Shop: table.OwnShop}
	if kind == collect.Orders {
		m.Currency = "EUR"
	}
	var text strings.Builder
	for _, c := range columns {
		m.Columns[c] = "column " + c
		fmt.Fprintf(&text, "column %s,", c)
	}
	fmt.Fprintln(&text, "column that nobody asked for")
	for _, r := range rows {
		for _, v := range r {
			fmt.Fprintf(&text, "%s,", v)
		}
		fmt.Fprintln(&text, w.word("import "+string(kind)))
	}
	src := collect.Source{Name: string(kind) + ".csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text.String())), nil }}
	r, err := w.Import(ctx, kind, src, collect.Options{Map: &m})
	if err == nil && r.Written+r.Orders == 0 {
		err = fmt.Errorf("no row was taken (%+v): %w", r.Counts, thimble.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("canary: importing %s: %w", kind, err)
	}
	return nil
}

// crowd is how many others there are, so that there is something to learn.
const crowd = 8

func (w *world) importPeople(ctx context.Context) error {
	const door = "import customers"
	w.account, w.mail, w.phoneNo = w.word(door), w.email(door), w.phone(door)
	rows := [][]string{{w.account, w.mail, w.phoneNo, w.word(door), w.word(door), "DE", w.word(door), "1990-12-10"}}
	for i := range crowd {
		rows = append(rows, []string{fmt.Sprint("other-", i), "", "", "", "", "DE", "", ""})
	}
	// Rows that are refused, for their birthday or for a name that is no account.
	rows = append(rows, []string{w.word(door), w.word(door), w.word(door), w.word(door), w.word(door), w.word(door), w.word(door), w.word(door)})
	err := w.take(ctx, collect.Customers, []string{"account", "email", "phone", "first_name", "last_name", "country", "region", "birthday"}, rows...)
	if err != nil {
		return err
	}
	if err := w.find(ctx); err != nil {
		return err
	}
	return w.signIn(ctx)
}

func (w *world) importTheRest(ctx context.Context) error {
	const orders, reviews, consents = "import orders", "import reviews", "import consents"
	var rows [][]string
	day := func(i int) string { return fmt.Sprintf("2026-11-%02d", 1+i%28) }
	for i := range 40 {
		rows = append(rows, []string{w.word(orders), fmt.Sprint("item-", i%3), "1", day(i), "9.90", w.account, w.mail, "DE"})
	}
	for i := range crowd * 3 {
		rows = append(rows, []string{fmt.Sprint("order-", i), fmt.Sprint("item-", i%9), "1", day(i), "9.90", fmt.Sprint("other-", i%crowd), "", "DE"})
	}
	rows = append(rows, []string{w.word(orders), "item-1", w.word(orders), w.word(orders), w.word(orders), w.word(orders), w.word(orders), w.word(orders)})
	if err := w.take(ctx, collect.Orders, []string{"number", "item", "units", "time", "price", "customer", "email", "country"}, rows...); err != nil {
		return err
	}
	rows = nil
	for range 10 {
		rows = append(rows, []string{"item-1", "4", w.word(reviews), "It fits " + w.word(reviews) + " well. Write to " + w.email(reviews), w.word(reviews), w.account, w.mail, "2026-11-02"})
	}
	rows = append(rows, []string{w.word(reviews), w.word(reviews), w.word(reviews), w.word(reviews), w.word(reviews), w.word(reviews), w.word(reviews), w.word(reviews)})
	if err := w.take(ctx, collect.Reviews, []string{"item", "rating", "title", "text", "number", "customer", "email", "at"}, rows...); err != nil {
		return err
	}
	rows = nil
	at := time.Now().AddDate(0, 0, -2).UTC().Format(time.RFC3339)
	people := []string{w.account}
	for i := range crowd {
		people = append(people, fmt.Sprint("other-", i))
	}
	for _, who := range people {
		for _, p := range []thimble.Purpose{thimble.PersonalizeContent, thimble.TrainAISystem} {
			rows = append(rows, []string{who, string(p), "given", at, w.word(consents), "spring text", hashed(w.word(consents))})
		}
	}
	rows = append(rows, []string{w.word(consents), w.word(consents), w.word(consents), w.word(consents), w.word(consents), w.word(consents), w.word(consents)})
	return w.take(ctx, collect.Consents, []string{"account", "purpose", "choice", "at", "where", "text_version", "evidence"}, rows...)
}

// hashed is the SHA-256 of a text in hexadecimal digits, as shops name their proofs.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// tills brings what tills sign: receipts of sales, and choices.
func (w *world) tills(ctx context.Context) error {
	const sales, choices = "import receipts", "import choices of a till"
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	if _, err := w.Consent.AddTill(ctx, "till-7", key.Public().(ed25519.PublicKey)); err != nil {
		return err
	}
	now := time.Now().Add(-time.Minute)
	var all []receipts.Receipt
	for range 10 {
		all = append(all, receipts.Receipt{Number: w.word(sales), At: now.Add(-time.Hour), Currency: "EUR", Kind: subject.Account, Value: w.account, Lines: []receipts.Line{{Item: "item-1", Units: 1, PriceMinor: 100}}})
	}
	var out bytes.Buffer
	if err := receipts.Sign(&out, receipts.Header{Till: "till-7", Sequence: 1, Created: now}, all, key); err != nil {
		return err
	}
	b, err := receipts.Read(&out)
	if err != nil {
		return err
	}
	if _, err := w.ImportReceipts(ctx, b, nil); err != nil {
		return err
	}
	notice := consent.Current().Ref().SHA256
	entries := []till.Entry{
		{Kind: subject.Account, Value: w.account, Purposes: []thimble.Purpose{thimble.PersonalizeContent}, Choice: consent.Given, At: now.Add(-time.Hour), Notice: notice},
		{Kind: subject.Account, Value: w.word(choices), Purposes: []thimble.Purpose{thimble.PersonalizeContent}, Choice: consent.Given, At: now.Add(-time.Hour), Notice: notice},
	}
	out.Reset()
	if err := till.Sign(&out, till.Header{Till: "till-7", Notice: notice, Sequence: 1, Created: now}, entries, key); err != nil {
		return err
	}
	batch, err := till.Read(&out)
	if err != nil {
		return err
	}
	_, err = w.Consent.RecordBatch(ctx, batch, w.Subjects)
	return err
}

// choose says yes to everything that is asked for, as the person.
func (w *world) choose(ctx context.Context) error {
	const door = apiDoor + "POST /v1/subjects/{subject}/consents"
	for _, a := range consent.Asked {
		_, text, err := w.json(ctx, http.MethodPost, "/v1/subjects/"+w.who.String()+"/consents", map[string]any{
			"choices": []any{map[string]any{"purpose": a.Purpose, "state": "given"}},
			"ui":      map[string]any{"component": "banner"}, "lang": consent.Current().Lang, "notice": consent.Current().Ref().SHA256,
		})
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), "recorded") {
			return fmt.Errorf("canary: the choice for %s was not taken: %s: %w", a.Purpose, text, thimble.ErrInvalid)
		}
	}
	_, _, err := w.json(ctx, http.MethodPost, "/v1/subjects/"+w.who.String()+"/consents", map[string]any{
		"choices": []any{map[string]any{"purpose": w.word(door), "state": w.word(door)}}, "ui": map[string]any{"component": w.word(door)}, "lang": w.word(door), "notice": w.word(door)})
	return err
}

func (w *world) train(ctx context.Context) error {
	_, err := w.Shop.Train(ctx, "for the canary", nil)
	return err
}

// letter writes one to the person, which stays in the outbox.
func (w *world) letter(ctx context.Context) error {
	const door = "letter"
	return w.Disclose.Mail(ctx, disclose.Letter{
		To: w.who, Address: thimble.Hide(w.mail), Purpose: thimble.EssentialService, Subject: "Your parcel",
		Text: thimble.Hide("Dear " + w.word(door) + ", your code is " + w.word(door)), HTML: thimble.Hide("<p>" + w.word(door)),
	})
}

// upload takes a file up in the console, and leaves it there unconfirmed.
func (w *world) upload(ctx context.Context) error {
	const door = "page POST /console/imports/upload"
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	err := m.WriteField("kind", string(collect.Customers))
	if err != nil {
		return err
	}
	f, err := m.CreateFormFile("file", w.word(door)+".csv")
	if err != nil {
		return err
	}
	fmt.Fprintln(f, "Customer ID,Email,Name")
	for range 30 {
		fmt.Fprintf(f, "%s,%s,%s\n", w.word(door), w.email(door), w.word(door))
	}
	if err := m.Close(); err != nil {
		return err
	}
	h := header("Content-Type", m.FormDataContentType(), "Sec-Fetch-Site", "same-origin", "Cookie", w.staffCookie.String())
	status, text, err := w.ask(ctx, http.MethodPost, "/console/imports/upload", h, body.Bytes())
	if err == nil && status != http.StatusSeeOther {
		err = fmt.Errorf("canary: the upload was answered %d: %.200s: %w", status, text, thimble.ErrInvalid)
	}
	return err
}

// pages posts every form of a page that takes something about a customer, with a string in
// each of its fields: most of them are errors.
func (w *world) pages(ctx context.Context) error {
	if err := w.upload(ctx); err != nil {
		return err
	}
	for _, d := range Doors() {
		pattern, ok := strings.CutPrefix(d.Name, "page POST ")
		if !ok || !d.Planted() {
			continue
		}
		fields := url.Values{}
		for _, f := range d.Fields {
			fields.Set(f, w.word(d.Name))
		}
		if _, _, err := w.form(ctx, w.filled(d.Name, pattern)+"?q="+w.word(d.Name), fields); err != nil {
			return err
		}
		body := map[string]string{}
		for _, f := range d.Fields {
			body[f] = w.word(d.Name)
		}
		if err := w.browser(ctx, w.filled(d.Name, pattern), body); err != nil {
			return err
		}
	}
	for _, path := range []string{"/console/customers", "/console/requests", "/privacy/data", "/privacy/nothing", "/shop/items", "/v1/nothing", "/ledger/nothing"} {
		h := header("Cookie", w.staffCookie.String(), "X-Forwarded-For", w.word("header"), "X-Request-Id", w.word("header"), "Traceparent", w.word("header"), "Accept-Language", w.word("header"))
		h.Add("Cookie", w.ownCookie.String())
		if _, _, err := w.ask(ctx, http.MethodGet, path+"?q="+w.word("address")+"&kind="+w.word("address")+"&page="+w.word("address"), h, nil); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until what came in was worked off, as far as that takes a moment.
func (w *world) settle(ctx context.Context) error {
	if err := w.Timeline.Flush(ctx); err != nil {
		return err
	}
	if err := w.Uses.Flush(ctx); err != nil {
		return err
	}
	if err := w.Figures.Flush(ctx); err != nil {
		return err
	}
	for i := 0; i < 100; i++ {
		waits, err := w.Disclose.Waits(ctx)
		if err != nil || waits == 0 {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
