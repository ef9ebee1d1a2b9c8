package discloseweb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/web"
)

// agreed is a text of an agreement that came back with a form, and what is wrong with it.
type agreed struct {
	text    string
	preview *disclose.Agreement
	err     error
}

type recipientBody struct {
	Facts     []web.KeyValue
	InForce   *agreementView
	Waiting   *agreementView
	Preview   *agreementView
	Problem   *web.Callout
	Agreement web.Form
	Sent      web.Table
	Counts    []web.Stat
	Forms     []web.Form
	Past      web.Timeline
}

// An agreementView is what an agreement permits, for reading.
type agreementView struct {
	Title string
	Facts []web.KeyValue
	Table web.Table
	Ways  []string // in which it loosens
	Forms []web.Form
	of    *disclose.Agreement
}

const shownMessages, shownActs = 50, 50

func (c *console) show(w http.ResponseWriter, r *http.Request, status int, back agreed) {
	id, err := pathID(r, "recipient", disclose.RecipientPrefix)
	var to disclose.Recipient
	if err == nil {
		to, err = c.Store.Recipient(r.Context(), id)
	}
	var body recipientBody
	if err == nil {
		body, err = c.body(r, to, back)
	}
	if err != nil {
		c.frame.Fail(w, r, err)
		return
	}
	c.frame.Render(w, r, status, c.pages, "console_recipient.html", web.Page{
		Title: to.Name, Crumbs: []web.Crumb{{Label: "Recipients", Href: RecipientsPage}, {Label: to.Name}}, Body: body,
	})
}

func (c *console) body(r *http.Request, to disclose.Recipient, back agreed) (body recipientBody, err error) {
	ctx, at := r.Context(), RecipientsPage+"/"+to.ID.Token(disclose.RecipientPrefix)+"/"
	body.Facts = recipientFacts(to)
	agreements, err := c.Store.Agreements(ctx, to.ID)
	if err != nil {
		return body, err
	}
	for _, a := range agreements {
		switch a.State {
		case disclose.InForce:
			body.InForce = c.view(a, nil)
			if a.SubmittedBy != disclosedb.Configuration { // else the next start would put it in force again
				body.InForce.Forms = []web.Form{reasonForm("end", at+"end", "End it before its time", a.ID, true)}
			}
		case disclose.Waiting:
			body.Waiting = c.view(a, a.Loosens)
			if a.SubmittedBy != staffOf(r) {
				body.Waiting.Forms = []web.Form{reasonForm("accept", at+"accept", "Accept it", a.ID, false), reasonForm("reject", at+"reject", "Reject it", a.ID, true)}
			}
		}
	}
	text := back.text
	if text == "" && len(agreements) > 0 {
		text = agreements[0].Text // the newest
	}
	body.Agreement = web.Form{ID: "agreement", Action: at + "agreement", Submit: "Show what it permits", Fields: []web.Field{
		{Name: "text", Label: "Agreement", Kind: web.TextAreaField, Rows: 18, Value: text, Required: true, MaxLength: 64 << 10, Hint: "YAML. What is wrong with it is told with its line."},
	}}
	c.previewed(&body, back)
	messages, err := c.Store.SentTo(ctx, to.ID, shownMessages)
	if err != nil {
		return body, err
	}
	body.Sent = messageTable("What was sent lately", messages, nil)
	if body.Counts, err = c.counts(r, to.ID); err != nil {
		return body, err
	}
	subscriptions, err := c.Store.Subscriptions(ctx)
	if err != nil {
		return body, err
	}
	body.Forms = append(feedForms(to, at, subscriptions), recipientForms(to, at)...)
	acts, err := c.Store.Acts(ctx, to.ID, shownActs)
	body.Past = pastOf(acts)
	return body, err
}

// previewed adds what a text would permit, with the button that keeps it, or what is wrong
// with it.
func (c *console) previewed(body *recipientBody, back agreed) {
	switch {
	case back.err != nil:
		body.Problem = &web.Callout{Tone: web.Bad, Title: "The agreement cannot be read", Text: strings.TrimSuffix(strings.TrimPrefix(back.err.Error(), "disclose: "), ": "+thimble.ErrInvalid.Error())}
	case back.preview != nil:
		var old *disclose.Agreement
		body.Preview = c.view(disclose.Signed{Agreement: *back.preview}, nil)
		if body.InForce != nil {
			old = body.InForce.of
		}
		body.Preview.Ways = disclose.Loosens(old, *back.preview)
		body.Agreement.Submit = "Keep it"
		body.Agreement.Fields = append(body.Agreement.Fields, web.Field{Name: "keep", Kind: web.HiddenField, Value: "yes"})
	}
}

func recipientFacts(r disclose.Recipient) []web.KeyValue {
	sealed := web.Badge{Text: "no: TLS alone protects it on its way", Tone: web.Warn}
	if r.SealTo != "" {
		sealed = web.Badge{Text: "yes, to the recipient's own key", Tone: web.Good}
	}
	facts := []web.KeyValue{
		{Key: "State", Value: statusBadge(r), Sub: r.Why}, {Key: "Is", Value: kindWords[r.Kind]}, {Key: "Contact", Value: r.Contact}, {Key: "Works in", Value: places(r.Countries)},
		{Key: "Gets messages by", Value: string(r.Transport), Sub: r.Endpoint}, {Key: "Sealed", Value: sealed}, {Key: "Set of pseudonyms", Value: r.Generation}, {Key: "Since", Value: r.CreatedAt},
	}
	if r.Transport == disclose.Webhook {
		facts = append(facts, web.KeyValue{Key: "Confirms at", Value: AckPath + r.ID.Token(disclose.RecipientPrefix), Copy: true})
	}
	return facts
}

func (c *console) view(s disclose.Signed, ways []string) *agreementView {
	a := s.Agreement
	v := &agreementView{Title: a.Title, Ways: ways, of: &a, Facts: []web.KeyValue{
		{Key: "Contract", Value: a.Contract}, {Key: "Handing over is", Value: string(a.Act)}, {Key: "In force", Value: a.From.Format(time.DateOnly) + " until " + a.Until.Format(time.DateOnly)},
		{Key: "Assessment", Value: c.until("expires", a.Assessment.Expires), Sub: "by " + a.Assessment.By + " on " + a.Assessment.On.Format(time.DateOnly)},
		{Key: "Purposes", Value: join(a.Purposes)}, {Key: "Transfer", Value: a.Transfer.Basis, Sub: strings.Join(a.Transfer.Countries, ", ")},
		{Key: "The recipient keeps it", Value: days(a.Retention)}, {Key: "Confirms within", Value: days(a.Acknowledge)},
	}}
	for _, p := range a.Processors {
		v.Facts = append(v.Facts, web.KeyValue{Key: "Works for it", Value: p.Name + " (" + p.Country + ")", Sub: p.For})
	}
	if s.Version > 0 {
		v.Facts = append(v.Facts, web.KeyValue{Key: "Version", Value: s.Version, Sub: "by " + s.SubmittedBy + " on " + s.SubmittedAt.Format(time.DateOnly)})
	}
	v.Table = web.Table{ID: fmt.Sprintf("fields-%d", s.Version), Caption: "Fields", Columns: []web.Column{{Label: "Field"}, {Label: "Kind of data"}, {Label: "Times no finer than"}}}
	for _, f := range a.Fields {
		kind := any(string(f.Category))
		if f.Category == "" {
			kind = web.Badge{Text: "about nobody"}
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: web.Cells(f.Name, kind, string(f.Coarsen))})
	}
	return v
}

func join(purposes []thimble.Purpose) string {
	words := make([]string, len(purposes))
	for i, p := range purposes {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); {
	case d == 0:
		return "not at all"
	case n == 0:
		return d.String()
	default:
		return web.Plural(n, "day", "days")
	}
}

func reasonForm(id, action, submit string, agreement thimble.ID, danger bool) web.Form {
	f := web.Form{ID: id, Action: action, Submit: submit, Danger: danger, Fields: []web.Field{{Name: "reason", Label: "Why", Required: true, MaxLength: 300, Autocomplete: "off"}}}
	if !agreement.IsZero() {
		f.Fields = append(f.Fields, web.Field{Name: "agreement", Kind: web.HiddenField, Value: agreement.Token(disclose.AgreementPrefix)})
	}
	return f
}

func recipientForms(r disclose.Recipient, at string) []web.Form {
	suspend := reasonForm("suspend", at+"suspend", "Suspend it", thimble.ID{}, true)
	suspend.Legend, suspend.Intro = "Suspend", "Messages wait until it is lifted."
	if r.Status != disclose.Active {
		suspend = reasonForm("resume", at+"resume", "Send to it again", thimble.ID{}, false)
		suspend.Legend = "Resume"
	}
	if r.Transport == disclose.Mail {
		return []web.Form{suspend} // letters hold no pseudonyms
	}
	forget := reasonForm("pseudonyms", at+"pseudonyms", "Give it other pseudonyms", thimble.ID{}, false)
	forget.Legend, forget.Intro = "New pseudonyms", "What it gets from now on cannot be joined with what it has."
	forms := []web.Form{suspend, forget}
	if r.Transport == disclose.Webhook {
		forms = append(forms, web.Form{ID: "secret", Action: at + "secret", Legend: "New signing key", Intro: "The old one ends at once. The new one is shown once.", Submit: "Make a new key"})
	}
	return forms
}

func pastOf(acts []disclosedb.Act) web.Timeline {
	t := web.Timeline{Title: "What was done"}
	for _, a := range acts {
		t.Items = append(t.Items, web.Moment{At: a.At, Title: a.Act, Who: a.Staff, Text: a.Reason, Icon: "people"})
	}
	return t
}

// submit shows what an agreement would permit, and keeps it when that was seen.
func (c *console) submit(w http.ResponseWriter, r *http.Request) {
	text := strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
	a, err := disclose.ParseAgreement([]byte(text))
	if err != nil {
		c.show(w, r, http.StatusUnprocessableEntity, agreed{text: text, err: err})
		return
	}
	if r.PostFormValue("keep") == "" {
		c.show(w, r, http.StatusOK, agreed{text: text, preview: &a})
		return
	}
	id, err := pathID(r, "recipient", disclose.RecipientPrefix)
	if err == nil {
		_, err = c.Store.Submit(r.Context(), id, text, staffOf(r))
	}
	if errors.Is(err, thimble.ErrInvalid) {
		c.show(w, r, http.StatusUnprocessableEntity, agreed{text: text, err: err})
		return
	}
	c.done(w, r, err)
}

// change does what a form of the page asks for.
func (c *console) change(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r, "recipient", disclose.RecipientPrefix)
	if err != nil {
		c.frame.Fail(w, r, err)
		return
	}
	ctx, by, why := r.Context(), staffOf(r), r.PostFormValue("reason")
	if r.PathValue("what") == "secret" {
		to, err := c.Store.Recipient(ctx, id)
		if err == nil {
			key, keyErr := c.Store.NewSecret(ctx, id, by)
			c.showKey(w, r, id, to, key, keyErr)
			return
		}
		c.frame.Fail(w, r, err)
		return
	}
	agreement := thimble.ID{}
	if slices.Contains([]string{"accept", "reject", "end"}, r.PathValue("what")) {
		if agreement, err = thimble.ParseID(disclose.AgreementPrefix, r.PostFormValue("agreement")); err != nil {
			c.frame.Fail(w, r, err)
			return
		}
	}
	switch r.PathValue("what") {
	case "feed":
		err = c.feed(r, id)
	case "suspend":
		err = c.Store.Suspend(ctx, id, by, why)
	case "resume":
		err = c.Store.Resume(ctx, id, by, why)
	case "pseudonyms":
		err = c.Store.NewPseudonyms(ctx, id, by, why)
	case "accept":
		err = c.Store.Accept(ctx, agreement, by, why)
	case "reject":
		err = c.Store.Reject(ctx, agreement, by, why)
	case "end":
		err = c.Store.End(ctx, agreement, by, why)
	default:
		err = thimble.ErrNotFound
	}
	c.done(w, r, err)
}

func (c *console) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil && !errors.Is(err, thimble.ErrInvalid) {
		c.frame.Fail(w, r, err)
		return
	}
	to := RecipientsPage + "/" + r.PathValue("recipient") + "?done=changed"
	if err != nil {
		to = RecipientsPage + "/" + r.PathValue("recipient") + "?done=why"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
