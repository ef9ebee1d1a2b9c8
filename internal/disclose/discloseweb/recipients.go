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
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// The places of the console.
const (
	RecipientsPage = "/console/recipients"
	OutboxPage     = "/console/outbox"
)

// Store keeps recipients, agreements and the outbox; *disclosedb.Store does.
type Store interface {
	Feeder
	Standings(ctx context.Context) ([]disclosedb.Standing, error)
	Expiring(ctx context.Context, before time.Time) ([]disclosedb.Standing, error)
	Recipient(ctx context.Context, id thimble.ID) (disclose.Recipient, error)
	Agreements(ctx context.Context, recipient thimble.ID) ([]disclose.Signed, error)
	Acts(ctx context.Context, recipient thimble.ID, limit int) ([]disclosedb.Act, error)
	Counts(ctx context.Context, recipient thimble.ID) (map[disclose.State]int64, error)
	Add(ctx context.Context, r disclose.Recipient, staff string) (thimble.ID, wire.SigningKey, error)
	Submit(ctx context.Context, recipient thimble.ID, text, staff string) (disclose.Signed, error)
	Accept(ctx context.Context, id thimble.ID, staff, reason string) error
	Reject(ctx context.Context, id thimble.ID, staff, reason string) error
	End(ctx context.Context, id thimble.ID, staff, reason string) error
	Suspend(ctx context.Context, id thimble.ID, staff, reason string) error
	Resume(ctx context.Context, id thimble.ID, staff, reason string) error
	NewPseudonyms(ctx context.Context, id thimble.ID, staff, reason string) error
	NewSecret(ctx context.Context, id thimble.ID, staff string) (wire.SigningKey, error)
	Outbox(ctx context.Context, state disclose.State, limit int) ([]disclosedb.Message, error)
	SentTo(ctx context.Context, recipient thimble.ID, limit int) ([]disclosedb.Message, error)
	Message(ctx context.Context, id thimble.ID) (disclosedb.Message, error)
	Tries(ctx context.Context, id thimble.ID) ([]disclosedb.Try, error)
	Whereabouts(ctx context.Context, id thimble.ID) (map[disclose.Whereabouts]int64, error)
	Again(ctx context.Context, id thimble.ID) error
	KeepsLetters() bool
	KeptLetters(ctx context.Context, limit int) ([]disclosedb.Disclosed, error)
	OpenLetter(ctx context.Context, g thimble.Grant, d disclosedb.Disclosed) (thimble.Personal[disclose.SealedLetter], error)
}

// Deps are what the console's pages are made of.
type Deps struct {
	Store  Store
	Reader subjectweb.Reader // opens letters that stayed here, and records that it did
	Now    func() time.Time
}

type console struct {
	Deps
	pages *web.Pages
	frame *web.Frame
}

// Console returns the pages of recipients and of the outbox.
func Console(kit *web.Kit, deps Deps) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return web.Section{
		Nav: []web.NavItem{
			{Label: "Recipients", Href: RecipientsPage, Icon: "truck", Group: "Proof"},
			{Label: "Outbox", Href: OutboxPage, Icon: "inbox", Group: "Proof"},
		},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{Deps: deps, pages: pages, frame: f}
			mux.HandleFunc("GET "+RecipientsPage, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+RecipientsPage, c.add)
			mux.HandleFunc("GET "+RecipientsPage+"/{recipient}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, agreed{}) })
			mux.HandleFunc("POST "+RecipientsPage+"/{recipient}/agreement", c.submit)
			mux.HandleFunc("POST "+RecipientsPage+"/{recipient}/{what}", c.change)
			mux.HandleFunc("GET "+OutboxPage, c.outbox)
			mux.HandleFunc("GET "+OutboxPage+"/letters", c.letters)
			mux.HandleFunc("GET "+OutboxPage+"/{message}", c.message)
			mux.HandleFunc("POST "+OutboxPage+"/{message}/again", c.again)
		},
	}, nil
}

// Proofs are the patterns that need a fresh proof of who it is: what lets data leave.
func Proofs() []string {
	return []string{"POST " + RecipientsPage, "POST " + RecipientsPage + "/{recipient}/agreement", "POST " + RecipientsPage + "/{recipient}/{what}"}
}

// soon is how long before its end an agreement or an assessment is warned of.
const soon = 30 * 24 * time.Hour

// ConsoleTiles warns of agreements and assessments that end, and of messages that need
// somebody.
func ConsoleTiles(s Store, now func() time.Time) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		var tiles []web.Stat
		ending, err := s.Expiring(ctx, now().Add(soon))
		if err != nil {
			return nil, err
		}
		if n := len(ending); n > 0 {
			tiles = append(tiles, web.Stat{Label: "Agreements that end", Value: n, Note: "within thirty days, or over: nothing is sent then", Href: RecipientsPage})
		}
		counts, err := s.Counts(ctx, thimble.ID{})
		if n := counts[disclose.Dead] + counts[disclose.Overdue]; n > 0 {
			tiles = append(tiles, web.Stat{Label: "Messages that need somebody", Value: n, Note: "not delivered, or not confirmed in time", Href: OutboxPage})
		}
		return tiles, err
	}
}

func staffOf(r *http.Request) string { return web.VisitorFrom(r.Context()).Staff }

type listBody struct {
	Table web.Table
	Add   web.Form
}

func (c *console) list(w http.ResponseWriter, r *http.Request, status int, problem error) {
	all, err := c.Store.Standings(r.Context())
	if err != nil {
		c.frame.Fail(w, r, err)
		return
	}
	t := web.Table{
		ID: "recipients", Caption: "Recipients", Columns: []web.Column{{Label: "Name"}, {Label: "Is"}, {Label: "Agreement"}, {Label: "Assessment", Secondary: true}, {Label: "State"}},
		Empty: &web.Empty{Icon: "truck", Title: "Nobody gets anything", Text: "Add a recipient below, then the agreement under which it may get what."},
	}
	for _, s := range all {
		agreement, assessment := web.Badge{Text: "none: nothing is sent", Tone: web.Warn}, any("–")
		if s.InForce != nil {
			agreement, assessment = c.until("until", s.InForce.Agreement.Until), c.until("expires", s.InForce.Agreement.Assessment.Expires)
		}
		if s.Waiting {
			agreement = web.Badge{Text: "one waits to be accepted", Tone: web.Info}
		}
		t.Rows = append(t.Rows, web.Row{Href: RecipientsPage + "/" + s.ID.Token(disclose.RecipientPrefix), Cells: web.Cells(s.Name, string(s.Kind), agreement, assessment, statusBadge(s.Recipient))})
	}
	add := addForm(r)
	if field, ok := errors.AsType[*disclose.FieldError](problem); ok {
		add = add.Explain(web.FieldProblem{Field: field.Field, Detail: "What was expected: " + field.Rule + "."})
	}
	c.frame.Render(w, r, status, c.pages, "console_recipients.html", web.Page{
		Title: "Recipients", Lead: "Who outside may get data about people, under which agreement. Nothing leaves but to them, and each time leaves an entry in the ledger and on the person's own page.",
		Body: listBody{Table: t, Add: add},
	})
}

// until says when something ends, and warns of it.
func (c *console) until(word string, at time.Time) web.Badge {
	b := web.Badge{Text: word + " " + at.Format(time.DateOnly), Tone: web.Good}
	switch left := at.Sub(c.Now()); {
	case left <= 0:
		b.Tone, b.Text = web.Bad, "over since "+at.Format(time.DateOnly)
	case left < soon:
		b.Tone = web.Warn
	}
	return b
}

func statusBadge(r disclose.Recipient) web.Badge {
	tone := map[disclose.Status]web.Tone{disclose.Active: web.Good, disclose.Suspended: web.Warn, disclose.Withdrew: web.Bad}[r.Status]
	return web.Badge{Text: string(r.Status), Tone: tone}
}

func addForm(r *http.Request) web.Form {
	kinds := make([]web.Option, len(disclose.Kinds))
	for i, k := range disclose.Kinds {
		kinds[i] = web.Option{Value: string(k), Label: kindWords[k]}
	}
	v := r.PostFormValue
	return web.Form{ID: "add", Action: RecipientsPage, Legend: "Add a recipient", Submit: "Add", Intro: "It gets nothing before its first agreement was accepted.", Fields: []web.Field{
		{Name: "name", Label: "Name, as customers read it", Required: true, MaxLength: 80, Value: v("name"), Autocomplete: "off"},
		{Name: "kind", Label: "What it is", Kind: web.SelectField, Options: kinds, Value: v("kind")},
		{Name: "contact", Label: "How it is reached about privacy", Required: true, MaxLength: 200, Value: v("contact"), Autocomplete: "off", Hint: "A mailbox or a page of the firm."},
		{Name: "countries", Label: "Where it works on the data", Required: true, MaxLength: 100, Value: v("countries"), Autocomplete: "off", Short: true, Hint: "Codes such as DE, with blanks between."},
		{Name: "transport", Label: "How messages get there", Kind: web.SelectField, Value: v("transport"), Options: []web.Option{{Value: string(disclose.Webhook), Label: "Signed posts to its address"}, {Value: string(disclose.Folder), Label: "Files in the drop folder"}}},
		{Name: "endpoint", Label: "Address", Kind: web.URLField, MaxLength: 500, Value: v("endpoint"), Autocomplete: "off", Hint: "https, for signed posts only."},
		{Name: "key", Label: "Public key to seal to", MaxLength: 4000, Value: v("key"), Autocomplete: "off", Hint: "Begins with x25519: or mlkem768-x25519:. Without one, what is sent is protected by TLS alone."},
	}}
}

var kindWords = map[disclose.Kind]string{
	disclose.Processor: "Works for the shop (processor)", disclose.Controller: "Decides for itself (controller)", disclose.Joint: "Decides together with the shop (joint controller)", disclose.Public: "A public body",
}

func (c *console) add(w http.ResponseWriter, r *http.Request) {
	v := r.PostFormValue
	recipient := disclose.Recipient{
		Name: strings.TrimSpace(v("name")), Kind: disclose.Kind(v("kind")), Contact: strings.TrimSpace(v("contact")), Countries: strings.Fields(strings.ToUpper(v("countries"))),
		Transport: disclose.Transport(v("transport")), Endpoint: strings.TrimSpace(v("endpoint")), SealTo: strings.TrimSpace(v("key")),
	}
	id, key, err := c.Store.Add(r.Context(), recipient, staffOf(r))
	if errors.Is(err, thimble.ErrInvalid) {
		c.list(w, r, http.StatusUnprocessableEntity, err)
		return
	}
	c.showKey(w, r, id, recipient, key, err)
}

type keyBody struct {
	Key  web.CodeBlock
	Ack  web.CodeBlock
	Back string
}

// showKey shows a recipient's signing key, this once.
func (c *console) showKey(w http.ResponseWriter, r *http.Request, id thimble.ID, to disclose.Recipient, key wire.SigningKey, err error) {
	back := RecipientsPage + "/" + id.Token(disclose.RecipientPrefix)
	switch {
	case err != nil:
		c.frame.Fail(w, r, err)
	case to.Transport != disclose.Webhook:
		http.Redirect(w, r, back, http.StatusSeeOther)
	default:
		w.Header().Set("Cache-Control", "no-store")
		c.frame.Render(w, r, http.StatusOK, c.pages, "console_key.html", web.Page{
			Title: "A key for " + to.Name, Lead: "With it the recipient checks that a message is from here, and signs what it confirms. It is not shown again.",
			Body: keyBody{Key: web.CodeBlock{Title: "Signing key (Standard Webhooks)", Code: key.Text()}, Ack: web.CodeBlock{Title: "Where it confirms", Code: AckPath + id.Token(disclose.RecipientPrefix)}, Back: back},
		})
	}
}

// id reads an id of the address.
func pathID(r *http.Request, name, prefix string) (thimble.ID, error) {
	id, err := thimble.ParseID(prefix, r.PathValue(name))
	if err != nil {
		return id, fmt.Errorf("discloseweb: the address names nothing: %w", thimble.ErrNotFound)
	}
	return id, nil
}
