package discloseweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

// Box is the outbox; *disclosedb.Store is one.
type Box interface {
	Outbox(ctx context.Context, state disclose.State, limit int) ([]disclosedb.Message, error)
	Counts(ctx context.Context, recipient thimble.ID) (map[disclose.State]int64, error)
	Message(ctx context.Context, id thimble.ID) (disclosedb.Message, error)
	Tries(ctx context.Context, id thimble.ID) ([]disclosedb.Try, error)
	Whereabouts(ctx context.Context, id thimble.ID) (map[disclose.Whereabouts]int64, error)
	Again(ctx context.Context, id thimble.ID) error
	Recipients(ctx context.Context) ([]disclose.Recipient, error)

	KeepsLetters() bool
	KeptLetters(ctx context.Context, limit int) ([]disclosedb.Disclosed, error)
	OpenLetter(ctx context.Context, g thimble.Grant, d disclosedb.Disclosed) (thimble.Personal[disclose.SealedLetter], error)
}

// shownOutbox bounds the list of messages.
const shownOutbox = 200

type outbox struct {
	Box
	reader subjectweb.Reader
	pages  *web.Pages
	*web.Frame
}

// Outbox returns the outbox as a section of the console. Letters that stay here are
// opened by the reader, which records it.
func Outbox(kit *web.Kit, box Box, reader subjectweb.Reader) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Outbox", Href: OutboxPath, Icon: "out", Group: "Sharing"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			o := &outbox{Box: box, reader: reader, pages: pages, Frame: f}
			mux.HandleFunc("GET "+OutboxPath, o.list)
			mux.HandleFunc("GET "+OutboxPath+"/{id}", o.show)
			mux.HandleFunc("POST "+OutboxPath+"/{id}/again", o.again)
			if box.KeepsLetters() {
				mux.HandleFunc("GET "+OutboxPath+"/mail", o.letters)
				mux.HandleFunc("GET "+OutboxPath+"/mail/{id}", o.letter)
			}
		},
	}, nil
}

type outboxBody struct {
	Stats []web.Stat
	Table web.Table
}

func (o *outbox) list(w http.ResponseWriter, r *http.Request) {
	state := disclose.State(r.URL.Query().Get("state"))
	if state != "" && !slices.Contains(disclose.States, state) {
		o.Fail(w, r, fmt.Errorf("discloseweb: state: one of the states was expected: %w", thimble.ErrInvalid))
		return
	}
	all, err := o.Box.Outbox(r.Context(), state, shownOutbox)
	var counts map[disclose.State]int64
	if err == nil {
		counts, err = o.Counts(r.Context(), thimble.ID{})
	}
	var names map[thimble.ID]string
	if err == nil {
		names, err = o.names(r.Context())
	}
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	t := messagesTable(all, names)
	t.URL, t.Note = r.URL, fmt.Sprintf("The newest %d at most. What a message holds about people is shown to nobody here.", shownOutbox)
	options := []web.Option{{Value: "", Label: "all states"}}
	for _, s := range disclose.States {
		options = append(options, web.Option{Value: string(s), Label: fmt.Sprintf("%s (%d)", s, counts[s])})
	}
	t.Filters = []web.Field{{Name: "state", Label: "State", Kind: web.SelectField, Options: options, Value: string(state)}}
	page := web.Page{Title: "Outbox", Lead: "What leaves, and how far it has got. Each message had its leaf before its first byte left.", Body: outboxBody{countStats(counts), t}}
	if o.KeepsLetters() {
		page.Actions = []web.Action{{Label: "Letters that stayed here", Href: OutboxPath + "/mail"}}
	}
	o.Render(w, r, http.StatusOK, o.pages, "console_outbox.html", page)
}

func (o *outbox) names(ctx context.Context) (map[thimble.ID]string, error) {
	all, err := o.Recipients(ctx)
	names := make(map[thimble.ID]string, len(all))
	for _, r := range all {
		names[r.ID] = r.Name
	}
	return names, err
}

var stateTones = map[disclose.State]web.Tone{
	disclose.Delivered: web.Good, disclose.Acknowledged: web.Good, disclose.Sending: web.Info, disclose.Queued: web.Info,
	disclose.Retrying: web.Warn, disclose.Blocked: web.Warn, disclose.Overdue: web.Bad, disclose.Dead: web.Bad,
}

var kinds = map[string]string{disclose.DataMessage: "data", disclose.LetterMessage: "letter", disclose.EraseMessage: "notice of erasure"}

// messagesTable lists messages, with their recipients when names are given.
func messagesTable(all []disclosedb.Message, names map[thimble.ID]string) web.Table {
	t := web.Table{
		ID: "outbox", Caption: "Messages",
		Columns: []web.Column{{Label: "Message", Kind: web.TokenColumn}, {Label: "What"}, {Label: "People", Kind: web.NumberColumn}, {Label: "State"}, {Label: "Tries", Kind: web.NumberColumn}, {Label: "Queued"}},
		Empty:   &web.Empty{Icon: "out", Title: "Nothing was sent", Text: "When a feed runs or a letter is written, it appears here with its state."},
	}
	if names != nil {
		t.Columns = slices.Insert(t.Columns, 1, web.Column{Label: "To"})
	}
	for _, m := range all {
		cells := web.Cells(web.Token(m.ID.Token(disclose.MessagePrefix)), web.Cell{Value: kinds[m.Kind], Sub: string(m.Purpose)}, m.People,
			web.Cell{Value: web.Badge{Text: string(m.State), Tone: stateTones[m.State]}, Sub: why(m)}, m.Tries, m.CreatedAt)
		if names != nil {
			cells = slices.Insert(cells, 1, web.Cell{Value: names[m.Recipient]})
		}
		t.Rows = append(t.Rows, web.Row{Href: OutboxPath + "/" + m.ID.Token(disclose.MessagePrefix), Cells: cells})
	}
	return t
}

// why says in words why a message stands where it does.
func why(m disclosedb.Message) string {
	switch {
	case m.Why == "":
		return ""
	case m.Why == "kept-here":
		return "it stays here, for there is no mail server"
	case disclose.Refusal(m.Why).Words() != "":
		return disclose.Refusal(m.Why).Words()
	}
	return strings.ReplaceAll(m.Why, "-", " ")
}

type messageBody struct {
	State web.Callout
	Facts []web.KeyValue
	Parts web.Table
	Tries web.Table
	Form  *web.Form
}

var stateWords = map[disclose.State]string{
	disclose.Queued: "It waits for its first try.", disclose.Sending: "A try is under way.", disclose.Retrying: "The last try failed; another comes by itself.",
	disclose.Blocked: "It waits until the recipient may get something again.", disclose.Delivered: "The recipient has it.", disclose.Acknowledged: "The recipient has confirmed it.",
	disclose.Overdue: "The recipient has it and has not confirmed it in time. Ask them.", disclose.Dead: "No try follows by itself.", disclose.Cancelled: "Nothing more of it is sent.",
}

func (o *outbox) show(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(disclose.MessagePrefix, r.PathValue("id"))
	if err != nil {
		o.Fail(w, r, fmt.Errorf("discloseweb: the address: %w", thimble.ErrNotFound))
		return
	}
	body, m, err := o.messageBody(r.Context(), id)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	short := web.ShortToken(m.ID.Token(disclose.MessagePrefix))
	o.Render(w, r, http.StatusOK, o.pages, "console_message.html", web.Page{
		Title: "Message " + short, Lead: "Its way, try by try. What it holds is sealed, and gone once it was sent.",
		Crumbs: []web.Crumb{{Label: "Outbox", Href: OutboxPath}, {Label: short}}, Body: body,
	})
}

func (o *outbox) messageBody(ctx context.Context, id thimble.ID) (b messageBody, m disclosedb.Message, err error) {
	if m, err = o.Message(ctx, id); err != nil {
		return b, m, err
	}
	tries, err := o.Tries(ctx, id)
	var parts map[disclose.Whereabouts]int64
	if err == nil {
		parts, err = o.Whereabouts(ctx, id)
	}
	var names map[thimble.ID]string
	if err == nil {
		names, err = o.names(ctx)
	}
	b.State = web.Callout{Tone: stateTones[m.State], Title: capital(string(m.State)), Text: strings.TrimSpace(stateWords[m.State] + " " + reason(m))}
	if m.Why == "kept-here" {
		b.State = web.Callout{Tone: web.Info, Title: "Kept here", Text: development}
	}
	b.Facts = messageFacts(m, names[m.Recipient])
	b.Parts = partsTable(parts)
	b.Tries = triesTable(tries)
	if m.State == disclose.Dead || m.State == disclose.Overdue {
		b.Form = &web.Form{ID: "again", Action: OutboxPath + "/" + m.ID.Token(disclose.MessagePrefix) + "/again", Legend: "Send again", Submit: "Send it again",
			Intro: "Under the same id, with what may still be sent. What it held is kept for thirty days."}
	}
	return b, m, err
}

func reason(m disclosedb.Message) string {
	if w := why(m); w != "" {
		return "Last: " + w + "."
	}
	return ""
}

func messageFacts(m disclosedb.Message, recipient string) []web.KeyValue {
	all := []web.KeyValue{
		{Key: "Message", Value: web.Token(m.ID.Token(disclose.MessagePrefix))}, {Key: "Disclosure", Value: web.Token(m.Disclosure.Token(disclose.DisclosurePrefix))},
		{Key: "To", Value: recipient, Href: recipientPath(m.Recipient)}, {Key: "What", Value: kinds[m.Kind]}, {Key: "Purpose", Value: string(m.Purpose)},
		{Key: "Fields", Value: strings.Join(m.Fields, ", ")}, {Key: "Queued", Value: m.CreatedAt}, {Key: "Bytes", Value: m.Bytes},
	}
	if !m.Agreement.IsZero() {
		all = append(all, web.KeyValue{Key: "Under", Value: web.Token(m.Agreement.Token(disclose.AgreementPrefix)), Href: "/console/agreements/" + m.Agreement.Token(disclose.AgreementPrefix)})
	}
	for _, at := range []struct {
		key string
		at  time.Time
	}{{"Delivered", m.SentAt}, {"Confirmation due", m.AckDue}, {"Confirmed", m.AckedAt}} {
		if !at.at.IsZero() {
			all = append(all, web.KeyValue{Key: at.key, Value: at.at})
		}
	}
	if m.State == disclose.Retrying {
		all = append(all, web.KeyValue{Key: "Next try", Value: m.NextAt})
	}
	return all
}

func partsTable(parts map[disclose.Whereabouts]int64) web.Table {
	t := web.Table{ID: "parts", Caption: "People in it", Columns: []web.Column{{Label: "Their part"}, {Label: "People", Kind: web.NumberColumn}},
		Empty: &web.Empty{Icon: "people", Title: "Nobody", Text: "The message is about nobody, or all of them were erased."}}
	for _, w := range []struct {
		w    disclose.Whereabouts
		text string
	}{{disclose.Going, "on its way"}, {disclose.Sent, "sent"}, {disclose.MaybeSent, "may have arrived"}, {disclose.NotSent, "taken out, nothing was sent"}} {
		if n := parts[w.w]; n > 0 {
			t.Rows = append(t.Rows, web.Row{Cells: web.Cells(w.text, n)})
		}
	}
	return t
}

func triesTable(tries []disclosedb.Try) web.Table {
	t := web.Table{ID: "tries", Caption: "Tries", Columns: []web.Column{{Label: "Try", Kind: web.NumberColumn}, {Label: "Began"}, {Label: "Led to"}, {Label: "Answer", Kind: web.NumberColumn}, {Label: "Bytes", Kind: web.NumberColumn}},
		Empty: &web.Empty{Icon: "clock", Title: "No try yet", Text: "The first comes within a second."}}
	for _, y := range tries {
		result := web.Cell{Value: y.Result, Sub: strings.ReplaceAll(y.Why, "-", " ")}
		if y.EndedAt.IsZero() {
			result = web.Cell{Value: "under way, or cut off"}
		}
		var status any = "–"
		if y.Status != 0 {
			status = y.Status
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(y.N, y.At, result, status, y.Bytes)})
	}
	return t
}

func (o *outbox) again(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(disclose.MessagePrefix, r.PathValue("id"))
	if err == nil {
		err = o.Again(r.Context(), id)
	}
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, OutboxPath+"/"+id.Token(disclose.MessagePrefix), http.StatusSeeOther)
}

const development = "There is no mail server (smtp-url), so letters stay here. This page is for development and the demo."

func (o *outbox) letters(w http.ResponseWriter, r *http.Request) {
	all, err := o.KeptLetters(r.Context(), shownOutbox)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	t := web.Table{
		ID: "letters", Caption: "Letters", Note: "Opening one is recorded, and the customer sees it.", Columns: []web.Column{{Label: "Letter", Kind: web.TokenColumn}, {Label: "Purpose"}, {Label: "To", Kind: web.TokenColumn}, {Label: "Written"}},
		Empty: &web.Empty{Icon: "inbox", Title: "No letters", Text: "When a customer asks for a code to sign in, it appears here."},
	}
	for _, d := range all {
		t.Rows = append(t.Rows, web.Row{Href: OutboxPath + "/mail/" + d.Message.ID.Token(disclose.MessagePrefix), Cells: web.Cells(
			web.Token(d.Message.ID.Token(disclose.MessagePrefix)), string(d.Message.Purpose), web.Token(d.Subject.String()), d.At)})
	}
	o.Render(w, r, http.StatusOK, o.pages, "console_letters.html", web.Page{
		Title: "Letters that stayed here", Lead: development, Crumbs: []web.Crumb{{Label: "Outbox", Href: OutboxPath}, {Label: "Letters"}}, Body: outboxBody{Table: t},
	})
}

type letterBody struct {
	Denied *web.Callout
	Facts  []web.KeyValue
	Text   web.CodeBlock
}

func (o *outbox) letter(w http.ResponseWriter, r *http.Request) {
	d, err := o.kept(r)
	var reading subjectweb.Reading
	if err == nil {
		reading, err = o.reader.Read(r.Context(), web.VisitorFrom(r.Context()).Staff, d.Subject, thimble.SupportOperations, d.Message.Categories...)
	}
	page := web.Page{Title: "A letter", Lead: development, Crumbs: []web.Crumb{{Label: "Outbox", Href: OutboxPath}, {Label: "Letters", Href: OutboxPath + "/mail"}, {Label: "One"}}}
	if err == nil && reading.Grant == nil {
		page.Body = letterBody{Denied: &web.Callout{Tone: web.Bad, Title: "The gate said no", Text: "Nothing was opened, because " + reading.Why + "."}}
		o.Render(w, r, http.StatusForbidden, o.pages, "console_letter.html", page)
		return
	}
	var l thimble.Personal[disclose.SealedLetter]
	if err == nil {
		l, err = o.OpenLetter(r.Context(), reading.Grant, d)
	}
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	letter := l.Reveal() // shown to a member of staff whom the gate let read it, while there is no mail server
	page.Notice = subjectweb.Notice(reading)
	page.Body = letterBody{Facts: []web.KeyValue{{Key: "To", Value: letter.To}, {Key: "Subject", Value: letter.Subject}, {Key: "Written", Value: d.At}}, Text: web.CodeBlock{ID: "letter", Title: "Text", Code: letter.Text}}
	o.Render(w, r, http.StatusOK, o.pages, "console_letter.html", page)
}

func (o *outbox) kept(r *http.Request) (disclosedb.Disclosed, error) {
	all, err := o.KeptLetters(r.Context(), shownOutbox)
	for _, d := range all {
		if d.Message.ID.Token(disclose.MessagePrefix) == r.PathValue("id") {
			return d, err
		}
	}
	return disclosedb.Disclosed{}, errors.Join(err, fmt.Errorf("discloseweb: no such letter: %w", thimble.ErrNotFound))
}
