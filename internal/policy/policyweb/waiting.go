package policyweb

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/policy"
	"thimble/internal/policy/policydb"
	"thimble/internal/web"
)

type waitingBody struct {
	State   web.Callout
	Groups  []waitingGroup
	Tight   web.Table
	Done    web.Table
	History web.Timeline
}

// A waitingGroup is one change as a reader sees it: the same value going the same way,
// in as many laws as say so.
type waitingGroup struct {
	ID    string
	Title string
	Facts []web.KeyValue
	Form  web.Form
}

type group struct {
	id      string
	change  policy.Change
	changes []string // their IDs
	places  []string
	packs   []string
}

// groupsOf gathers changes that read the same.
func groupsOf(pending []policy.Waiting) (all []group) {
	at := map[string]int{}
	for _, w := range pending {
		key := strings.Join([]string{w.Dim, w.Key, w.From, w.To}, "|")
		i, seen := at[key]
		if !seen {
			i, at[key] = len(all), len(all)
			all = append(all, group{change: w.Change})
		}
		g := &all[i]
		g.changes = append(g.changes, w.ID())
		for _, p := range w.Places {
			if !slices.Contains(g.places, p) {
				g.places = append(g.places, p)
			}
		}
		if s := sourceText(w.After); s != "" && !slices.Contains(g.packs, s) {
			g.packs = append(g.packs, s)
		}
	}
	for i := range all {
		slices.Sort(all[i].changes)
		sum := sha256.Sum256([]byte(strings.Join(all[i].changes, " ")))
		all[i].id = hex.EncodeToString(sum[:8])
	}
	return all
}

func (d *desk) waiting(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	regime, today := d.Laws.Regime(), d.Laws.Today()
	pending, err := regime.Pending(today)
	var tight []policy.Waiting
	if err == nil {
		tight, err = regime.Tightened(today)
	}
	var done []policydb.Acceptance
	if err == nil {
		done, err = d.Laws.Acceptances(r.Context(), shown)
	}
	var history []policydb.Moment
	if err == nil {
		history, err = d.Laws.History(r.Context(), 20)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.show(w, r, status, "waiting.html", web.Page{
		Title: "Waiting", Lead: "What tightens the law applies at once. What loosens it, or cannot be compared, waits here until somebody accepts it.",
		Body: waitingOf(groupsOf(pending), tight, done, history, refused),
	})
}

const shown = 200

func waitingOf(groups []group, tight []policy.Waiting, done []policydb.Acceptance, history []policydb.Moment, refused *web.Form) waitingBody {
	b := waitingBody{State: web.Callout{Tone: web.Good, Title: "Nothing waits", Text: "What applies is what the packs say. When a new pack or a new day loosens the law, the change appears here first."}}
	if len(groups) > 0 {
		b.State = web.Callout{Tone: web.Warn, Title: web.Plural(len(groups), "change waits", "changes wait"), Text: "Until a change is accepted, the value from before applies beside the new one, and the stricter counts. " + disclaimer}
	}
	for _, g := range groups {
		b.Groups = append(b.Groups, waitingCard(g, refused))
	}
	b.Tight = web.Table{ID: "tight", Caption: "Tightened, and in force already", Note: "Since the oldest law that still counts.",
		Columns: []web.Column{{Label: "What"}, {Label: "From"}, {Label: "To"}, {Label: "Where"}},
		Empty:   &web.Empty{Icon: "check", Title: "Nothing was tightened", Text: "A stricter value appears here on the day it applies."}}
	for _, t := range groupsOf(tight) {
		cells := changeCells(t.change)
		cells[3] = web.Cell{Value: manyPlaces(t.places)}
		b.Tight.Rows = append(b.Tight.Rows, web.Row{Cells: cells})
	}
	b.Done = web.Table{ID: "accepted", Caption: "Accepted", Columns: []web.Column{{Label: "When"}, {Label: "What"}, {Label: "Change"}, {Label: "Where"}, {Label: "By, and why"}},
		Empty: &web.Empty{Icon: "seal", Title: "Nothing was accepted yet", Text: "Each acceptance is a ledger entry with its reason."}}
	for _, a := range done {
		b.Done.Rows = append(b.Done.Rows, web.Row{Cells: []web.Cell{
			{Value: a.At}, {Value: dimensionTitle(a.Change.Dim), Sub: a.Change.Key}, {Value: fromTo(a.Change), Sub: sourceText(a.Change.After)},
			{Value: manyPlaces(strings.Split(a.Places, " "))}, {Value: a.Staff, Sub: a.Reason},
		}})
	}
	b.History = web.Timeline{Title: "Changes of the law that applies", Empty: &web.Empty{Icon: "scale", Title: "Nothing recorded yet", Text: "The server records the law it starts with."}}
	for _, m := range history {
		text := "Nothing waited."
		if m.Waiting > 0 {
			text = web.Plural(m.Waiting, "change waited.", "changes waited.")
		}
		b.History.Items = append(b.History.Items, web.Moment{At: m.At, Title: "Law " + hex.EncodeToString(m.Marks.Applied[:6]), Text: text, Icon: "scale", Proof: "a leaf of the ledger, class system"})
	}
	return b
}

func fromTo(c policy.Change) string {
	from, to := c.From, c.To
	if from == "" {
		from = "nothing"
	}
	if to == "" {
		to = "nothing"
	}
	return from + " → " + to
}

func waitingCard(g group, refused *web.Form) waitingGroup {
	packs := strings.Join(g.packs[:min(len(g.packs), 3)], "; ")
	if packs == "" {
		packs = "no law says it any more"
	}
	card := waitingGroup{
		ID: "w-" + g.id, Title: dimensionTitle(g.change.Dim) + ": " + g.change.Key,
		Facts: []web.KeyValue{
			{Key: "From", Value: valueOr(g.change.From), Sub: sourceText(g.change.Before)}, {Key: "To", Value: valueOr(g.change.To), Sub: packs},
			{Key: "Where", Value: manyPlaces(g.places), Sub: web.Plural(len(g.changes), "law", "laws")},
		},
		Form: web.Form{ID: "accept-" + g.id, Action: waitingPath + "/" + g.id + "/accept", Submit: "Accept",
			Fields: []web.Field{{Name: "reason", Label: "Why may it apply?", Hint: "10 to 500 characters; they are kept with a ledger entry.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}}},
	}
	if refused != nil && refused.ID == card.Form.ID {
		card.Form = *refused
	}
	return card
}

func valueOr(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func (d *desk) accept(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, fmtInvalid(err))
		return
	}
	pending, err := d.Laws.Regime().Pending(d.Laws.Today())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	groups := groupsOf(pending)
	i := slices.IndexFunc(groups, func(g group) bool { return g.id == r.PathValue("id") })
	if i < 0 {
		d.Fail(w, r, errNotWaiting)
		return
	}
	err = d.Laws.Accept(r.Context(), web.VisitorFrom(r.Context()).Staff, r.PostForm.Get("reason"), groups[i].changes...)
	if errors.Is(err, thimble.ErrInvalid) {
		form := waitingCard(groups[i], nil).Form.Fill(r.PostForm).Explain(web.FieldProblem{Field: "reason", Detail: "Write 10 to 500 characters about why it may apply."})
		d.waiting(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, waitingPath, http.StatusSeeOther)
}
