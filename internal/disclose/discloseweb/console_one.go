package discloseweb

import (
	"context"
	"net/http"
	"strings"

	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/web"
)

type recipientBody struct {
	State      web.Callout
	Facts      []web.KeyValue
	Agreements web.Table
	Counts     []web.Stat
	Messages   web.Table
	Feeds      []web.Form
	Forms      []web.Form
	Acts       web.Timeline
}

const (
	shownMessages = 20
	shownActs     = 30
)

func (d *desk) show(w http.ResponseWriter, r *http.Request) {
	rec, err := d.of(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.showWith(w, r, http.StatusOK, rec, nil)
}

func (d *desk) showWith(w http.ResponseWriter, r *http.Request, status int, rec disclose.Recipient, problem *web.FieldProblem) {
	body, err := d.recipientBody(r.Context(), rec)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	if problem != nil {
		for i, f := range body.Forms {
			body.Forms[i] = f.Fill(r.PostForm)
			if f.Action == r.URL.Path {
				body.Forms[i] = body.Forms[i].Explain(*problem)
			}
		}
	}
	d.Render(w, r, status, d.pages, "console_recipient.html", web.Page{
		Title: rec.Name, Lead: "What was agreed, what was sent, and what was done about it.",
		Crumbs:  []web.Crumb{{Label: "Recipients", Href: RecipientsPath}, {Label: rec.Name}},
		Actions: agreeAction(rec), Body: body,
	})
}

func (d *desk) recipientBody(ctx context.Context, rec disclose.Recipient) (b recipientBody, err error) {
	signed, err := d.Agreements(ctx, rec.ID)
	if err != nil {
		return b, err
	}
	st := disclosedb.Standing{Recipient: rec}
	for _, a := range signed {
		if a.State == disclose.InForce {
			st.InForce = &a
		}
		st.Waiting = st.Waiting || a.State == disclose.Waiting
	}
	b.State = d.stateCallout(st)
	b.Facts = facts(rec)
	b.Agreements = agreementsTable(signed)
	counts, err := d.Counts(ctx, rec.ID)
	if err != nil {
		return b, err
	}
	b.Counts = countStats(counts)
	messages, err := d.SentTo(ctx, rec.ID, shownMessages)
	if err != nil {
		return b, err
	}
	b.Messages = messagesTable(messages, nil)
	b.Messages.Caption, b.Messages.ID = "Newest messages", "messages"
	subscriptions, err := d.Subscriptions(ctx)
	if err != nil {
		return b, err
	}
	if rec.Transport != disclose.Mail {
		b.Feeds = feedForms(rec, subscriptions)
	}
	b.Forms = recipientForms(rec)
	acts, err := d.Acts(ctx, rec.ID, shownActs)
	b.Acts = web.Timeline{Title: "What was done"}
	for _, a := range acts {
		b.Acts.Items = append(b.Acts.Items, web.Moment{At: a.At, Title: capital(a.Act), Who: a.Staff, Text: a.Reason})
	}
	return b, err
}

// agreeAction leads to a new agreement, but for a recipient whose agreement comes with the
// configuration.
func agreeAction(rec disclose.Recipient) []web.Action {
	if rec.Transport == disclose.Mail {
		return nil
	}
	return []web.Action{{Label: "New agreement", Href: recipientPath(rec.ID) + "/agree", Kind: "primary"}}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (d *desk) stateCallout(st disclosedb.Standing) web.Callout {
	word, tone := standing(st, d.now())
	c := web.Callout{Tone: tone, Title: capital(word)}
	switch {
	case st.Status != disclose.Active:
		c.Text = "Nothing is sent, and what was queued waits. " + capital(st.Why) + "."
	case st.InForce == nil && st.Waiting:
		c.Text = "A second member of staff is to read the agreement and accept it. Nothing is sent before."
	case st.InForce == nil:
		c.Text = "Nothing is sent. Upload the agreement with the recipient."
	case tone == web.Good:
		c.Text = "What the agreement permits is sent, to people who may be sent, and nothing else."
	default:
		c.Text = "The agreement is from " + web.Date(st.InForce.Agreement.From) + " to " + web.Date(st.InForce.Agreement.Until) + ", the assessment lasts until " + web.Date(st.InForce.Agreement.Assessment.Expires) + ". Outside of that nothing is sent."
	}
	return c
}

func facts(rec disclose.Recipient) []web.KeyValue {
	way := map[disclose.Transport]string{disclose.Webhook: "signed webhook to " + rec.Endpoint, disclose.Folder: "files in the drop folder", disclose.Mail: "letters to customers, by the mail server"}[rec.Transport]
	sealed := "no: the connection protects it, nothing beyond"
	if rec.SealTo != "" {
		kind, _, _ := strings.Cut(rec.SealTo, ":")
		sealed = "to the recipient's key (" + kind + ")"
	}
	return []web.KeyValue{
		{Key: "Recipient", Value: web.Token(rec.ID.Token(disclose.RecipientPrefix))}, {Key: "Is a", Value: string(rec.Kind)}, {Key: "Contact", Value: rec.Contact},
		{Key: "Works in", Value: or(strings.Join(places(rec.Countries), ", "), "wherever the mail server is")}, {Key: "Gets it by", Value: way}, {Key: "Sealed", Value: sealed},
		{Key: "Set of pseudonyms", Value: rec.Generation}, {Key: "Added", Value: rec.CreatedAt},
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

var agreementTones = map[disclose.AgreementState]web.Tone{disclose.InForce: web.Good, disclose.Waiting: web.Info, disclose.Rejected: web.Bad, disclose.Ended: web.Warn}

func agreementState(a disclose.Signed) string { return strings.ReplaceAll(string(a.State), "-", " ") }

func agreementsTable(all []disclose.Signed) web.Table {
	t := web.Table{
		ID: "agreements", Caption: "Agreements",
		Columns: []web.Column{{Label: "Version", Kind: web.NumberColumn}, {Label: "Title"}, {Label: "State"}, {Label: "From"}, {Label: "Until"}, {Label: "Submitted by"}},
		Empty:   &web.Empty{Icon: "seal", Title: "No agreement yet", Text: "Upload the first with New agreement. A second member of staff then accepts it."},
	}
	for _, a := range all {
		t.Rows = append(t.Rows, web.Row{Href: "/console/agreements/" + a.ID.Token(disclose.AgreementPrefix), Cells: web.Cells(a.Version, web.Cell{Value: a.Agreement.Title, Sub: a.Agreement.Contract},
			web.Badge{Text: agreementState(a), Tone: agreementTones[a.State]}, web.Day(a.Agreement.From), web.Day(a.Agreement.Until), a.SubmittedBy)})
	}
	return t
}

func countStats(counts map[disclose.State]int64) (stats []web.Stat) {
	group := func(label, note string, states ...disclose.State) {
		var n int64
		for _, s := range states {
			n += counts[s]
		}
		stats = append(stats, web.Stat{Label: label, Value: n, Note: note})
	}
	group("Waiting", "queued, sending, retrying or blocked", disclose.Queued, disclose.Sending, disclose.Retrying, disclose.Blocked)
	group("Delivered", "confirmed where it was agreed", disclose.Delivered, disclose.Acknowledged)
	group("To look at", "dead, or not confirmed in time", disclose.Dead, disclose.Overdue)
	group("Cancelled", "nothing was sent any more", disclose.Cancelled)
	return stats
}

func feedForms(rec disclose.Recipient, all []disclosedb.Subscription) (forms []web.Form) {
	has := map[string]disclosedb.Subscription{}
	for _, s := range all {
		if s.Recipient == rec.ID {
			has[s.Feed] = s
		}
	}
	words := map[string]string{
		disclose.OrderFeed:     "New orders, under pseudonyms: the fields of the agreement out of order, placed, country, return and lines.",
		disclose.CatalogueFeed: "All products when any has changed. Nobody is in it.",
	}
	for _, feed := range disclose.Feeds {
		f := web.Form{ID: "feed-" + feed, Action: recipientPath(rec.ID) + "/feeds", Legend: capital(feed), Intro: words[feed], Submit: "Begin the feed of " + feed,
			Fields: []web.Field{{Kind: web.HiddenField, Name: "feed", Value: feed}, {Kind: web.HiddenField, Name: "do", Value: "begin"}}}
		if s, on := has[feed]; on {
			f.Fields[1].Value, f.Submit, f.Danger = "end", "End the feed of "+feed, true
			f.Intro += " It is on; it has not run yet."
			if !s.RanAt.IsZero() {
				f.Intro = words[feed] + " It is on; something was last sent on " + web.Date(s.RanAt) + "."
			}
		}
		forms = append(forms, f)
	}
	return forms
}

func reasonField(hint string) web.Field {
	return web.Field{Name: "reason", Label: "Reason", Hint: hint + " 10 to 500 characters; it goes into the ledger.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}
}

func recipientForms(rec disclose.Recipient) []web.Form {
	path := recipientPath(rec.ID)
	stop := web.Form{ID: "suspend", Action: path + "/suspend", Legend: "Suspend", Submit: "Suspend the recipient", Danger: true,
		Intro: "Nothing more is sent from now on. What is queued waits.", Fields: []web.Field{reasonField("Why, such as a breach at the recipient.")}}
	if rec.Status != disclose.Active {
		stop = web.Form{ID: "resume", Action: path + "/resume", Legend: "Resume", Submit: "Resume",
			Intro: "What waits is sent at once, as far as the agreement and the people still permit it.", Fields: []web.Field{reasonField("Why it may get data again.")}}
	}
	forms := []web.Form{stop}
	if rec.Transport != disclose.Mail {
		forms = append(forms, web.Form{ID: "pseudonyms", Action: path + "/pseudonyms", Legend: "New pseudonyms", Submit: "Draw new pseudonyms",
			Intro: "What is sent later cannot be joined with what the recipient has. Notices of erasure still reach what it has.", Fields: []web.Field{reasonField("Why.")}})
	}
	if rec.Transport == disclose.Webhook {
		forms = append(forms, web.Form{ID: "secret", Action: path + "/secret", Legend: "New webhook key", Submit: "Make a new key", Danger: true,
			Intro: "The old key stops counting at once. The new one is shown once, on the next page."})
	}
	return forms
}
