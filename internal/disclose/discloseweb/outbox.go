package discloseweb

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/web"
)

type outboxBody struct {
	Counts  []web.Stat
	Tabs    []web.Tab
	Table   web.Table
	Letters *web.Callout
}

const shownOutbox = 200

var stateTones = map[disclose.State]web.Tone{
	disclose.Queued: web.Info, disclose.Sending: web.Info, disclose.Retrying: web.Warn, disclose.Blocked: web.Warn, disclose.Delivered: web.Good,
	disclose.Acknowledged: web.Good, disclose.Overdue: web.Warn, disclose.Dead: web.Bad,
}

func stateBadge(s disclose.State) web.Badge { return web.Badge{Text: string(s), Tone: stateTones[s]} }

func (c *console) outbox(w http.ResponseWriter, r *http.Request) {
	state := disclose.State(r.URL.Query().Get("state"))
	if state != "" && !slices.Contains(disclose.States, state) {
		c.frame.Fail(w, r, fmt.Errorf("discloseweb: no such state: %w", thimble.ErrNotFound))
		return
	}
	all, err := c.Store.Outbox(r.Context(), state, shownOutbox)
	var names map[thimble.ID]string
	if err == nil {
		names, err = c.names(r.Context())
	}
	counts, countsErr := c.Store.Counts(r.Context(), thimble.ID{})
	if err != nil || countsErr != nil {
		c.frame.Fail(w, r, firstOf(err, countsErr))
		return
	}
	body := outboxBody{Table: messageTable("Messages", all, names), Tabs: []web.Tab{{Label: "All", Href: OutboxPage, Current: state == ""}}}
	for _, s := range disclose.States {
		if counts[s] > 0 || s == state {
			body.Tabs = append(body.Tabs, web.Tab{Label: string(s), Href: OutboxPage + "?state=" + string(s), Current: s == state, Count: int(counts[s])})
		}
	}
	if c.Store.KeepsLetters() {
		body.Letters = &web.Callout{Tone: web.Info, Title: "No mail server is set", Text: "Letters stay here. That is for development: set smtp-url and mail-from to have them sent.", Action: &web.Action{Label: "Letters that stayed", Href: OutboxPage + "/letters"}}
	}
	c.frame.Render(w, r, http.StatusOK, c.pages, "console_outbox.html", web.Page{
		Title: "Outbox", Lead: "What is on its way to recipients, and what became of it. What is in a message is shown to nobody here.", Body: body,
	})
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *console) names(ctx context.Context) (map[thimble.ID]string, error) {
	all, err := c.Store.Standings(ctx)
	names := make(map[thimble.ID]string, len(all))
	for _, s := range all {
		names[s.ID] = s.Name
	}
	return names, err
}

func (c *console) counts(r *http.Request, id thimble.ID) ([]web.Stat, error) {
	counts, err := c.Store.Counts(r.Context(), id)
	var stats []web.Stat
	for _, s := range disclose.States {
		if counts[s] > 0 {
			stats = append(stats, web.Stat{Label: string(s), Value: counts[s]})
		}
	}
	return stats, err
}

func messageTable(caption string, all []disclosedb.Message, names map[thimble.ID]string) web.Table {
	t := web.Table{
		ID: "messages", Caption: caption, Columns: []web.Column{{Label: "Message", Kind: web.TokenColumn}, {Label: "To"}, {Label: "What"}, {Label: "People", Kind: web.NumberColumn}, {Label: "State"}, {Label: "Made"}},
		Empty: &web.Empty{Icon: "inbox", Title: "Nothing was sent", Text: "What goes to a recipient stands here, from before its first byte."},
	}
	if names == nil {
		t.Columns = slices.Delete(t.Columns, 1, 2)
	}
	for _, m := range all {
		token := m.ID.Token(disclose.MessagePrefix)
		cells := web.Cells(web.ShortToken(token), names[m.Recipient], web.Cell{Value: m.Kind, Sub: string(m.Purpose)}, m.People, web.Cell{Value: stateBadge(m.State), Sub: m.Why}, m.CreatedAt)
		if names == nil {
			cells = slices.Delete(cells, 1, 2)
		}
		t.Rows = append(t.Rows, web.Row{Href: OutboxPage + "/" + token, Cells: cells})
	}
	return t
}

type messageBody struct {
	Facts []web.KeyValue
	Tries web.Table
	Again *web.Form
}

func (c *console) message(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id, err := pathID(r, "message", disclose.MessagePrefix)
	var m disclosedb.Message
	if err == nil {
		m, err = c.Store.Message(ctx, id)
	}
	var to disclose.Recipient
	if err == nil {
		to, err = c.Store.Recipient(ctx, m.Recipient)
	}
	var tries []disclosedb.Try
	if err == nil {
		tries, err = c.Store.Tries(ctx, id)
	}
	var where map[disclose.Whereabouts]int64
	if err == nil {
		where, err = c.Store.Whereabouts(ctx, id)
	}
	if err != nil {
		c.frame.Fail(w, r, err)
		return
	}
	body := messageBody{Facts: messageFacts(m, to, where), Tries: tryTable(tries)}
	if m.State == disclose.Dead || m.State == disclose.Overdue {
		body.Again = &web.Form{ID: "again", Action: OutboxPage + "/" + m.ID.Token(disclose.MessagePrefix) + "/again", Submit: "Send it again", Intro: "Under the same id, so that a recipient that has it takes it once. Whoever has said no since is left out."}
	}
	c.frame.Render(w, r, http.StatusOK, c.pages, "console_message.html", web.Page{
		Title: "Message " + web.ShortToken(m.ID.Token(disclose.MessagePrefix)), Crumbs: []web.Crumb{{Label: "Outbox", Href: OutboxPage}, {Label: "One message"}}, Body: body,
	})
}

func messageFacts(m disclosedb.Message, to disclose.Recipient, where map[disclose.Whereabouts]int64) []web.KeyValue {
	categories := make([]web.Badge, len(m.Categories))
	for i, c := range m.Categories {
		categories[i] = web.Badge{Text: string(c)}
	}
	facts := []web.KeyValue{
		{Key: "To", Value: to.Name, Href: RecipientsPage + "/" + to.ID.Token(disclose.RecipientPrefix)}, {Key: "State", Value: stateBadge(m.State), Sub: m.Why}, {Key: "What", Value: m.Kind}, {Key: "Purpose", Value: string(m.Purpose)},
		{Key: "Fields", Value: strings.Join(m.Fields, ", ")}, {Key: "Kinds of data", Value: categories}, {Key: "People", Value: m.People}, {Key: "Bytes sent", Value: m.Bytes}, {Key: "Made", Value: m.CreatedAt}, {Key: "Sent", Value: m.SentAt},
	}
	for _, k := range []disclose.Whereabouts{disclose.Going, disclose.Sent, disclose.MaybeSent, disclose.NotSent} {
		if where[k] > 0 {
			facts = append(facts, web.KeyValue{Key: "Of these " + string(k), Value: where[k]})
		}
	}
	if m.AckWithin > 0 {
		facts = append(facts, web.KeyValue{Key: "To be confirmed by", Value: m.AckDue}, web.KeyValue{Key: "Confirmed", Value: m.AckedAt})
	}
	return facts
}

func (c *console) again(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r, "message", disclose.MessagePrefix)
	if err == nil {
		err = c.Store.Again(r.Context(), id)
	}
	if err != nil {
		c.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, OutboxPage+"/"+r.PathValue("message")+"?done=queued", http.StatusSeeOther)
}

func tryTable(tries []disclosedb.Try) web.Table {
	t := web.Table{
		ID: "tries", Caption: "Tries", Columns: []web.Column{{Label: "Began"}, {Label: "Ended"}, {Label: "Result"}, {Label: "Answer", Kind: web.NumberColumn}, {Label: "Bytes", Kind: web.NumberColumn}},
		Empty: &web.Empty{Icon: "truck", Title: "Not tried yet"},
	}
	for _, try := range tries {
		ended, status := any("–"), any("–")
		if !try.EndedAt.IsZero() {
			ended = try.EndedAt
		}
		if try.Status != 0 {
			status = try.Status
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(try.At, ended, web.Cell{Value: try.Result, Sub: try.Why}, status, try.Bytes)})
	}
	return t
}

type lettersBody struct{ Letters []letterView }

type letterView struct {
	Facts []web.KeyValue
	Text  *web.CodeBlock
	Why   string // it is not shown
}

const shownLetters = 20

// letters shows what stayed here for lack of a mail server: each is opened by the gate, and
// the person sees that.
func (c *console) letters(w http.ResponseWriter, r *http.Request) {
	all, err := c.Store.KeptLetters(r.Context(), shownLetters)
	var body lettersBody
	for _, d := range all {
		var v letterView
		if v, err = c.letter(r.Context(), staffOf(r), d); err != nil {
			break
		}
		body.Letters = append(body.Letters, v)
	}
	if err != nil {
		c.frame.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	page := web.Page{
		Title: "Letters that stayed here", Lead: "Because no mail server is set. This page is for development.", Crumbs: []web.Crumb{{Label: "Outbox", Href: OutboxPage}, {Label: "Letters"}},
		Body: body,
	}
	if slices.ContainsFunc(body.Letters, func(l letterView) bool { return l.Text != nil }) {
		page.Notice = &web.AccessNotice{Purpose: fmt.Sprintf("helping a customer who asked (%s)", thimble.SupportOperations), Href: "/console/access"}
	}
	c.frame.Render(w, r, http.StatusOK, c.pages, "console_letters.html", page)
}

func (c *console) letter(ctx context.Context, by string, d disclosedb.Disclosed) (letterView, error) {
	v := letterView{Facts: []web.KeyValue{{Key: "When", Value: d.At}, {Key: "Whose", Value: web.ShortToken(d.Subject.String())}}}
	reading, err := c.Reader.Read(ctx, by, d.Subject, thimble.SupportOperations, d.Message.Categories...)
	if err != nil || reading.Grant == nil {
		v.Why = reading.Why
		return v, err
	}
	personal, err := c.Store.OpenLetter(ctx, reading.Grant, d)
	if err != nil {
		return v, err
	}
	letter := personal.Reveal() // on the page for which the gate opened it
	v.Facts = append(v.Facts, web.KeyValue{Key: "To", Value: letter.To}, web.KeyValue{Key: "Subject", Value: letter.Subject})
	v.Text = &web.CodeBlock{Title: "Letter", Code: letter.Text}
	return v, nil
}
