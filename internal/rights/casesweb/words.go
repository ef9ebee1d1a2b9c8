package casesweb

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/web"
)

const maxForm = 1 << 14

// whatWords says what happened at a step.
var whatWords = map[cases.What]string{
	cases.Opened: "It was asked", cases.Asked: "It has to be shown who asks", cases.Proved: "It was shown who asks", cases.Permitted: "The person’s permission was shown",
	cases.Questioned: "The shop asked what is meant", cases.Replied: "The question was answered", cases.Prolonged: "More time was asked for",
	cases.Accepted: "It was begun", cases.Completed: "It is done", cases.Awaited: "It is done here; systems outside have still to answer",
	cases.Heard: "A system outside that takes part", cases.AllAnswered: "All systems outside have answered", cases.InPart: "It was closed in part",
	cases.Returned: "It could not be done", cases.Declined: "It was refused",
	cases.WasAppealed: "The refusal was appealed", cases.WasUpheld: "The refusal stands", cases.Overturned: "The refusal was taken back",
	cases.Withdrawn: "It was taken back", cases.Expired: "Nobody came back for it", cases.Gone: "There is nobody any more", cases.Handed: "Somebody of the staff has it", cases.Told: "Who asked was told that it came in",
	cases.Offered: "The person was told that it is ready", cases.Left: "It was ready, and the person knew. It can still be opened",
}

var stateBadges = map[cases.State]web.Badge{
	cases.Received: {Text: "Received", Tone: web.Info}, cases.Awaiting: {Text: "Who asks?", Tone: web.Warn}, cases.Clarify: {Text: "Question asked", Tone: web.Warn},
	cases.Executing: {Text: "Under way", Tone: web.Info}, cases.Waiting: {Text: "Waits for others", Tone: web.Info}, cases.Appealed: {Text: "Appealed", Tone: web.Warn}, cases.Fulfilled: {Text: "Done", Tone: web.Good},
	cases.Refused: {Text: "Refused", Tone: web.Bad}, cases.Upheld: {Text: "Refusal stands", Tone: web.Bad}, cases.Revoked: {Text: "Taken back"}, cases.Lapsed: {Text: "Lapsed"},
}

func token(c cases.Case) string { return c.ID.Token(cases.TokenPrefix) }

// dueWords says how far the date is.
func dueWords(c cases.Case, now time.Time) string {
	left := c.Due.Sub(now)
	switch {
	case c.State.Final():
		return ""
	case c.Paused:
		return "the clock stands still"
	case left <= 0:
		return "overdue by " + web.Plural(int(-left/(24*time.Hour))+1, "day", "days")
	case left < 24*time.Hour:
		return "within a day"
	}
	return "in " + web.Plural(int(left/(24*time.Hour)), "day", "days")
}

// moments are the steps with what was written, each with its proof.
func moments(ctx context.Context, all []casesdb.Kept, g thimble.Grant, names map[string]string, proof func(casesdb.Kept) string) (items []web.Moment, err error) {
	for _, k := range all {
		m := web.Moment{At: k.At, Title: whatWords[k.What], Who: k.By, Proof: "receipt", ProofHref: proof(k)}
		if k.Staff != "" {
			m.Who = k.Staff
		}
		var text []string
		if r, ok := cases.ReasonOf(k.Ground); ok {
			text = append(text, r.Words+" ("+r.Law+").")
		}
		text = append(text, k.Void...)
		text = append(text, agency(k.Agency)...)
		for _, w := range k.Work {
			text = append(text, w.Ref)
		}
		if len(k.Tasks) > 0 {
			text = append(text, said(k.Tasks, names))
		}
		if k.Part != "" {
			text = append(text, k.Part.Words()+".")
		}
		switch {
		case k.Wrote() && g == nil:
			text = append(text, "What was written is not shown.")
		case k.Wrote():
			words, err := casesdb.WordsOf(ctx, g, k)
			if err != nil {
				return nil, err
			}
			if fix, err := casesdb.FixOf(ctx, g, k); err != nil {
				return nil, err
			} else if f := fix.Reveal(); f != nil { // on the page of who may read it
				text = append(text, f.Title+" is wrong. It was kept as: "+f.Was+". Right is: "+f.Right+".")
			}
			text = append(text, words.Reveal()) // on the page of who may read it
		}
		m.Text = strings.Join(text, " ")
		items = append(items, m)
	}
	return items, nil
}

// agency says who asked in the person's place, and how their permission was shown.
func agency(a cases.Agency) (text []string) {
	if a.AgentName != "" {
		text = append(text, a.AgentName+" asked in the person’s place.")
	}
	var said []string
	for _, s := range a.Stated {
		said = append(said, s.Words())
	}
	if len(said) > 0 {
		text = append(text, "It says: "+strings.Join(said, "; ")+".")
	}
	if a.Authority != "" {
		text = append(text, "The permission was shown: "+a.Authority.Words()+".")
	}
	return text
}

// facts are what is known of a case.
func facts(c cases.Case, now time.Time) []web.KeyValue {
	nature, _ := cases.NatureOf(c.Kind)
	all := []web.KeyValue{{Key: "Request", Value: web.Token(token(c)), Copy: true}, {Key: "Asked for", Value: nature.Words, Sub: nature.Law}, {Key: "State", Value: stateBadges[c.State]},
		{Key: "Came by", Value: c.Via.Words()}, {Key: "Received", Value: c.At}, {Key: "Due before", Value: c.Due, Sub: strings.TrimPrefix(dueWords(c, now)+"; "+c.Rule, "; ")}}
	all = append(all, confirmation(c, now)...)
	if c.AgentName != "" {
		all = append(all, web.KeyValue{Key: "Asked by", Value: c.AgentName, Sub: strings.Join(agency(cases.Agency{Stated: c.Stated, Authority: c.Authority}), " ")})
	}
	if !c.Closed.IsZero() {
		all = append(all, web.KeyValue{Key: "Closed", Value: c.Closed})
	}
	if c.Part != "" {
		all = append(all, web.KeyValue{Key: "In part", Value: c.Part.Words()})
	}
	if c.Extended {
		all = append(all, web.KeyValue{Key: "Extended", Value: "yes", Sub: "the person was told in time"})
	}
	if len(c.Void) > 0 {
		all = append(all, web.KeyValue{Key: "Does not count", Value: strings.Join(c.Void, "; ")})
	}
	if c.Cools.After(now) && !c.State.Final() {
		all = append(all, web.KeyValue{Key: "Waits until", Value: c.Cools, Sub: "an e-mail address was added; whoever did that by stealth should gain nothing"})
	}
	return append(all, limit(c)...)
}

// limit says whether nothing is used while a value is disputed (GDPR Art. 18(1)(a)), and
// until when.
func limit(c cases.Case) []web.KeyValue {
	ends := c.LimitEnds()
	switch {
	case !ends.IsZero():
		return []web.KeyValue{{Key: "Use stopped until", Value: ends}}
	case c.Limited == cases.LimitAsked || c.Limited == cases.LimitHolds:
		return []web.KeyValue{{Key: "Use of the data", Value: "stopped while this is open", Sub: "all of it is kept, and used only where a law asks for it"}}
	}
	return nil
}

// plainFacts are what is known of a case, as its person reads it: laws and their rules stand
// apart, under what they say.
func plainFacts(c cases.Case, now time.Time) []web.KeyValue {
	laws := append([]string{c.Rule}, c.Void...)
	if c.Receipt.Rule != "" && !slices.Contains(laws, c.Receipt.Rule) {
		laws = append(laws, c.Receipt.Rule)
	}
	moved := len(c.Void) == 0
	c.Rule, c.Receipt.Rule, c.Void = "", "", nil
	all := facts(c, now)
	for i := range all {
		all[i].Sub = strings.TrimSuffix(all[i].Sub, "; ")
	}
	if !moved {
		all = append(all, web.KeyValue{Key: "Does not count", Value: unmoved})
	}
	if said := strings.Trim(strings.Join(laws, "; "), "; "); said != "" {
		all = append(all, web.KeyValue{Key: lawKey, Value: said, Words: "law"})
	}
	return all
}

// lawKey is the line of a page that names laws and their rules, in their own words.
const lawKey = "Which law"

// unmoved is what a step is to its person that no law counts.
const unmoved = "The law does not let the date move for this."

// plainSteps say of what no law counts that it does not, and leave to [plainFacts] why.
func plainSteps(all []casesdb.Kept) []casesdb.Kept {
	all = slices.Clone(all)
	for i := range all {
		if len(all[i].Void) > 0 {
			all[i].Void = []string{unmoved}
		}
	}
	return all
}

// StepWords says what happened at a step; a word that is none of a step stays as it is.
func StepWords(what string) string {
	if words, ok := whatWords[cases.What(what)]; ok {
		return words
	}
	return what
}

// confirmation says whether who asked was told that it came, where a law has them told.
func confirmation(c cases.Case, now time.Time) []web.KeyValue {
	r := c.Receipt
	switch {
	case r.By.IsZero():
		return nil
	case !r.At.IsZero():
		return []web.KeyValue{{Key: "Confirmed", Value: r.At, Sub: "who asked was told that it came; " + r.Rule}}
	case c.Unconfirmed(now):
		return []web.KeyValue{{Key: "Not confirmed", Value: web.Badge{Text: "Overdue", Tone: web.Bad}, Sub: "who asked was to be told that it came; " + r.Rule}}
	}
	return []web.KeyValue{{Key: "To be confirmed", Value: r.By, Sub: "before then who asked is told that it came; " + r.Rule}}
}

// parse reads a form of this package.
func parse(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("casesweb: reading the form: %w", thimble.ErrInvalid)
	}
	return nil
}

// written is the text of a form, as people mean it.
func written(r *http.Request) thimble.Personal[string] {
	return thimble.Hide(strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")))
}

func textField(label, hint string, required bool) web.Field {
	return web.Field{Name: "text", Label: label, Hint: strings.TrimSpace(hint + fmt.Sprintf(" At most %d characters.", cases.MaxText)), Kind: web.TextAreaField, Rows: 4, MaxLength: cases.MaxText, Required: required}
}

// caseOf is the id of the address.
func caseOf(r *http.Request) (thimble.ID, error) {
	id, err := thimble.ParseID(cases.TokenPrefix, r.PathValue("case"))
	if err != nil {
		return id, fmt.Errorf("casesweb: the address names no request: %w", thimble.ErrNotFound)
	}
	return id, nil
}
