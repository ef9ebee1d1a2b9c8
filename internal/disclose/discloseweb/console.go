package discloseweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// Desk keeps recipients and agreements; *disclosedb.Store is one.
type Desk interface {
	Standings(ctx context.Context) ([]disclosedb.Standing, error)
	Recipient(ctx context.Context, id thimble.ID) (disclose.Recipient, error)
	Add(ctx context.Context, r disclose.Recipient, staff string) (thimble.ID, wire.SigningKey, error)
	NewSecret(ctx context.Context, id thimble.ID, staff string) (wire.SigningKey, error)
	NewPseudonyms(ctx context.Context, id thimble.ID, staff, reason string) error
	Suspend(ctx context.Context, id thimble.ID, staff, reason string) error
	Resume(ctx context.Context, id thimble.ID, staff, reason string) error
	Subscribe(ctx context.Context, recipient thimble.ID, feed, staff string) error
	Unsubscribe(ctx context.Context, recipient thimble.ID, feed, staff string) error
	Subscriptions(ctx context.Context) ([]disclosedb.Subscription, error)
	Acts(ctx context.Context, recipient thimble.ID, limit int) ([]disclosedb.Act, error)
	Counts(ctx context.Context, recipient thimble.ID) (map[disclose.State]int64, error)
	SentTo(ctx context.Context, recipient thimble.ID, limit int) ([]disclosedb.Message, error)

	Submit(ctx context.Context, recipient thimble.ID, text, staff string) (disclose.Signed, error)
	Accept(ctx context.Context, id thimble.ID, staff, reason string) error
	Reject(ctx context.Context, id thimble.ID, staff, reason string) error
	End(ctx context.Context, id thimble.ID, staff, reason string) error
	Agreement(ctx context.Context, id thimble.ID) (disclose.Signed, error)
	Agreements(ctx context.Context, recipient thimble.ID) ([]disclose.Signed, error)
	InForce(ctx context.Context, recipient thimble.ID) (*disclose.Signed, error)
	Expiring(ctx context.Context, before time.Time) ([]disclosedb.Standing, error)
}

// Paths of the pages.
const (
	RecipientsPath = "/console/recipients"
	OutboxPath     = "/console/outbox"
)

// Proofs are the patterns that need a fresh proof of who it is: what they do lets data out.
func Proofs() []string {
	return []string{
		"POST " + RecipientsPath, "POST " + RecipientsPath + "/{id}/resume", "POST " + RecipientsPath + "/{id}/secret", "POST " + RecipientsPath + "/{id}/feeds",
		"POST /console/agreements/{id}/accept",
	}
}

type desk struct {
	Desk
	pages *web.Pages
	now   func() time.Time
	*web.Frame
}

// Recipients returns the pages of recipients and agreements as a section of the console.
func Recipients(kit *web.Kit, store Desk, now func() time.Time) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Recipients", Href: RecipientsPath, Icon: "truck", Group: "Sharing"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{Desk: store, pages: pages, now: now, Frame: f}
			mux.HandleFunc("GET "+RecipientsPath, d.list)
			mux.HandleFunc("POST "+RecipientsPath, d.add)
			mux.HandleFunc("GET "+RecipientsPath+"/{id}", d.show)
			mux.HandleFunc("POST "+RecipientsPath+"/{id}/suspend", d.change(Desk.Suspend))
			mux.HandleFunc("POST "+RecipientsPath+"/{id}/resume", d.change(Desk.Resume))
			mux.HandleFunc("POST "+RecipientsPath+"/{id}/pseudonyms", d.change(Desk.NewPseudonyms))
			mux.HandleFunc("POST "+RecipientsPath+"/{id}/secret", d.secret)
			mux.HandleFunc("POST "+RecipientsPath+"/{id}/feeds", d.feeds)
			mux.HandleFunc("GET "+RecipientsPath+"/{id}/agree", d.draft)
			mux.HandleFunc("POST "+RecipientsPath+"/{id}/agree", d.submit)
			mux.HandleFunc("GET /console/agreements/{id}", d.agreement)
			mux.HandleFunc("POST /console/agreements/{id}/accept", d.settle(Desk.Accept))
			mux.HandleFunc("POST /console/agreements/{id}/reject", d.settle(Desk.Reject))
			mux.HandleFunc("POST /console/agreements/{id}/end", d.settle(Desk.End))
		},
	}, nil
}

func recipientPath(id thimble.ID) string {
	return RecipientsPath + "/" + id.Token(disclose.RecipientPrefix)
}

type listBody struct {
	Warn  *web.Callout
	Table web.Table
	Form  web.Form
}

func (d *desk) list(w http.ResponseWriter, r *http.Request) { d.shown(w, r, http.StatusOK, newForm()) }

func (d *desk) shown(w http.ResponseWriter, r *http.Request, status int, form web.Form) {
	all, err := d.Standings(r.Context())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := listBody{Table: d.recipientsTable(all), Form: form}
	if n := soon(all, d.now()); n > 0 {
		body.Warn = &web.Callout{Tone: web.Warn, Title: "Something runs out", Text: web.Plural(n, "recipient has", "recipients have") + " an agreement or an assessment that ends within thirty days or has ended. From then on nothing is sent."}
	}
	d.Render(w, r, status, d.pages, "console_recipients.html", web.Page{
		Title: "Recipients", Lead: "Who may get data, under which agreement. Nothing leaves to anybody else.", Body: body,
	})
}

// soonIs how long before its end something is warned of.
const soonIs = 30 * 24 * time.Hour

func soon(all []disclosedb.Standing, now time.Time) (n int) {
	for _, st := range all {
		if _, tone := standing(st, now); tone == web.Warn {
			n++
		}
	}
	return n
}

// standing says in a word where a recipient stands.
func standing(st disclosedb.Standing, now time.Time) (string, web.Tone) {
	switch {
	case st.Status == disclose.Suspended:
		return "suspended", web.Bad
	case st.Status == disclose.Withdrew:
		return "withdrew", web.Bad
	case st.InForce == nil && st.Waiting:
		return "waits for acceptance", web.Info
	case st.InForce == nil:
		return "no agreement", web.Neutral
	}
	a := st.InForce.Agreement
	switch {
	case now.Before(a.From):
		return "not yet in force", web.Info
	case !now.Before(a.Until):
		return "agreement ended", web.Warn
	case !now.Before(a.Assessment.Expires):
		return "assessment expired", web.Warn
	case now.Add(soonIs).After(a.Until) || now.Add(soonIs).After(a.Assessment.Expires):
		return "ends soon", web.Warn
	}
	return "in force", web.Good
}

func (d *desk) recipientsTable(all []disclosedb.Standing) web.Table {
	t := web.Table{
		ID: "recipients", Caption: "Recipients", HideCaption: true,
		Columns: []web.Column{{Label: "Recipient"}, {Label: "Is"}, {Label: "State"}, {Label: "Agreement ends"}, {Label: "Assessment ends"}},
		Empty:   &web.Empty{Icon: "truck", Title: "Nobody gets anything", Text: "Add the first recipient below, such as whoever sends your parcels. Then upload the agreement with them."},
	}
	for _, st := range all {
		word, tone := standing(st, d.now())
		var until, assessed any = "–", "–"
		if st.InForce != nil {
			until, assessed = web.Day(st.InForce.Agreement.Until), web.Day(st.InForce.Agreement.Assessment.Expires)
		}
		t.Rows = append(t.Rows, web.Row{Href: recipientPath(st.ID), Cells: web.Cells(
			web.Cell{Value: st.Name, Sub: strings.Join(places(st.Countries), ", ")}, string(st.Kind), web.Badge{Text: word, Tone: tone}, until, assessed)})
	}
	return t
}

func newForm() web.Form {
	kinds := []web.Option{
		{Value: string(disclose.Processor), Label: "processor", Hint: "Works for the shop, such as a parcel service (GDPR Art. 28)."},
		{Value: string(disclose.Controller), Label: "controller", Hint: "Decides for itself what it does with the data."},
		{Value: string(disclose.Joint), Label: "joint", Hint: "Decides together with the shop (GDPR Art. 26)."},
		{Value: string(disclose.Public), Label: "public", Hint: "A public body."},
	}
	return web.Form{
		ID: "new-recipient", Action: RecipientsPath, Legend: "New recipient", Submit: "Add the recipient",
		Intro: "Nothing is sent before an agreement is in force.",
		Fields: []web.Field{
			{Name: "name", Label: "Name", Hint: "As customers will read it.", Required: true, MaxLength: 80, Autocomplete: "off"},
			{Name: "kind", Label: "What it is", Kind: web.RadioField, Options: kinds, Value: string(disclose.Processor), Required: true},
			{Name: "contact", Label: "Contact", Hint: "How the firm is reached about privacy: a mailbox of the firm, or a page.", Required: true, MaxLength: 200, Autocomplete: "off"},
			{Name: "countries", Label: "Countries", Hint: "Where it works on the data, as codes such as DE, PL.", Required: true, MaxLength: 100, Autocomplete: "off"},
			{Name: "endpoint", Label: "Webhook address", Hint: "https, on the public internet. Empty: files in the drop folder.", Kind: web.URLField, MaxLength: 400, Autocomplete: "off"},
			{Name: "key", Label: "Sealing key", Hint: "The recipient's public key, x25519:… or mlkem768-x25519:…. Empty: what is sent is not sealed to it.", MaxLength: 2000, Autocomplete: "off"},
		},
	}
}

func (d *desk) add(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrInvalid))
		return
	}
	get := func(k string) string { return strings.TrimSpace(r.PostForm.Get(k)) }
	rec := disclose.Recipient{
		Name: get("name"), Kind: disclose.Kind(get("kind")), Contact: get("contact"), Transport: disclose.Folder, Endpoint: get("endpoint"), SealTo: get("key"),
		Countries: strings.FieldsFunc(get("countries"), func(r rune) bool { return r == ',' || r == ' ' }),
	}
	if rec.Endpoint != "" {
		rec.Transport = disclose.Webhook
	}
	id, key, err := d.Add(r.Context(), rec, web.VisitorFrom(r.Context()).Staff)
	if problem := problemOf(err); problem != nil {
		status, _, _ := web.Kind(err)
		d.shown(w, r, status, newForm().Fill(r.PostForm).Explain(*problem))
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	if rec.Transport != disclose.Webhook {
		http.Redirect(w, r, recipientPath(id), http.StatusSeeOther)
		return
	}
	rec.ID = id
	d.reveal(w, r, rec, key)
}

func problemOf(err error) *web.FieldProblem {
	if e, ok := errors.AsType[*disclose.FieldError](err); ok {
		return &web.FieldProblem{Field: e.Field, Detail: "Expected: " + e.Rule + "."}
	}
	return nil
}

type secretBody struct {
	Callout web.Callout
	Key     web.CodeBlock
	Facts   []web.KeyValue
	Next    web.Action
}

// reveal shows a webhook's key, the one time.
func (d *desk) reveal(w http.ResponseWriter, r *http.Request, rec disclose.Recipient, key wire.SigningKey) {
	w.Header().Set("Cache-Control", "no-store")
	d.Render(w, r, http.StatusOK, d.pages, "console_secret.html", web.Page{
		Title: "The key of " + rec.Name, Crumbs: []web.Crumb{{Label: "Recipients", Href: RecipientsPath}, {Label: rec.Name, Href: recipientPath(rec.ID)}, {Label: "Key"}},
		Body: secretBody{
			Callout: web.Callout{Tone: web.Warn, Title: "Copy it now", Text: "It is kept sealed and cannot be shown again. Give it to the recipient on a safe way: with it they see that a message is yours, and sign their confirmations."},
			Key:     web.CodeBlock{ID: "key", Title: "Webhook key", Code: key.Text()},
			Facts:   []web.KeyValue{{Key: "Confirmations go to", Value: AckPath(rec.ID)}, {Key: "Format", Value: "Standard Webhooks, v1"}},
			Next:    web.Action{Label: "To the recipient", Href: recipientPath(rec.ID), Kind: "primary"},
		},
	})
}

func (d *desk) of(r *http.Request) (disclose.Recipient, error) {
	id, err := thimble.ParseID(disclose.RecipientPrefix, r.PathValue("id"))
	if err != nil {
		return disclose.Recipient{}, fmt.Errorf("discloseweb: the address: %w", thimble.ErrNotFound)
	}
	return d.Recipient(r.Context(), id)
}

func (d *desk) secret(w http.ResponseWriter, r *http.Request) {
	rec, err := d.of(r)
	var key wire.SigningKey
	if err == nil {
		key, err = d.NewSecret(r.Context(), rec.ID, web.VisitorFrom(r.Context()).Staff)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.reveal(w, r, rec, key)
}

// change does something that needs a reason, and leads back.
func (d *desk) change(do func(Desk, context.Context, thimble.ID, string, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec, err := d.of(r)
		if err == nil {
			err = do(d.Desk, r.Context(), rec.ID, web.VisitorFrom(r.Context()).Staff, r.PostFormValue("reason"))
		}
		if problem := problemOf(err); problem != nil {
			d.showWith(w, r, http.StatusUnprocessableEntity, rec, problem)
			return
		}
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, recipientPath(rec.ID), http.StatusSeeOther)
	}
}

func (d *desk) feeds(w http.ResponseWriter, r *http.Request) {
	rec, err := d.of(r)
	if err == nil {
		do := d.Subscribe
		if r.PostFormValue("do") == "end" {
			do = d.Unsubscribe
		}
		err = do(r.Context(), rec.ID, r.PostFormValue("feed"), web.VisitorFrom(r.Context()).Staff)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, recipientPath(rec.ID), http.StatusSeeOther)
}

// ConsoleTiles warns on the overview of what runs out, and of what was not sent.
func ConsoleTiles(store Desk, now func() time.Time) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		counts, err := store.Counts(ctx, thimble.ID{})
		if err != nil {
			return nil, err
		}
		ends, err := store.Expiring(ctx, now().Add(soonIs))
		bad := counts[disclose.Dead] + counts[disclose.Overdue]
		stat := web.Stat{Label: "Sent to others", Value: counts[disclose.Delivered] + counts[disclose.Acknowledged], Note: "messages, each with its leaf", Href: OutboxPath}
		switch {
		case len(ends) > 0:
			stat.Note, stat.Href = web.Plural(len(ends), "agreement or assessment runs", "agreements or assessments run")+" out", RecipientsPath
		case bad > 0:
			stat.Note = web.Plural(int(bad), "message needs", "messages need") + " a look"
		}
		return []web.Stat{stat}, err
	}
}
