package casesweb

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/letters"
	"thimble/internal/web"
)

// Letters are those that people get about their requests; *lettersdb.Store keeps them.
type Letters interface {
	Of(ctx context.Context, id thimble.ID) ([]letters.Letter, error)
	Again(ctx context.Context, id thimble.ID, step int) error
}

var letterBadges = map[letters.State]web.Badge{
	letters.Owed: {Text: "To be written", Tone: web.Info}, letters.Queued: {Text: "On its way", Tone: web.Info}, letters.Sent: {Text: "Sent", Tone: web.Good},
	letters.Unsent: {Text: "Not sent", Tone: web.Bad}, letters.Spared: {Text: "Not needed"},
}

// lettersOf lists the letters about a case.
func lettersOf(ctx context.Context, s Letters, c cases.Case) ([]letters.Letter, error) {
	if s == nil {
		return nil, nil
	}
	return s.Of(ctx, c.ID)
}

// letterTable shows what became of each letter; nil for none.
func letterTable(all []letters.Letter) *web.Table {
	if len(all) == 0 {
		return nil
	}
	t := &web.Table{ID: "letters", Caption: "Letters", Columns: []web.Column{{Label: "Letter"}, {Label: "State"}, {Label: "Since"}}}
	for _, l := range all {
		at := l.At
		if !l.Sent.IsZero() {
			at = l.Sent
		}
		why := l.Why.Words()
		if why != "" && (l.State == letters.Owed || l.State == letters.Queued) {
			why += "; it is tried again"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: l.Kind.Words(), Sub: why}, letterBadges[l.State], at)})
	}
	return t
}

// letterAgain is what staff post to have a letter written again.
const letterAgain = "letter"

// letterOffers are what staff can do about letters that were not sent.
func letterOffers(c cases.Case, all []letters.Letter) (do []web.Action) {
	for _, l := range all {
		if l.State == letters.Unsent && l.Kind != letters.Farewell && !l.Kind.Overtaken(c) && !c.Subject.IsZero() {
			do = append(do, web.Action{Label: "Write again: " + l.Kind.Words(), Href: casePath + "/" + token(c), Post: true, Kind: "quiet",
				Hidden: []web.Hidden{{Name: "what", Value: letterAgain}, {Name: "step", Value: strconv.Itoa(l.Step)}}})
		}
	}
	return do
}

// writeAgain has a letter written again that could not be sent.
func (d *console) writeAgain(r *http.Request, id thimble.ID) error {
	n, err := strconv.Atoi(r.PostForm.Get("step"))
	if err != nil || d.Letters == nil {
		return fmt.Errorf("casesweb: step: one that owes a letter was expected: %w", thimble.ErrInvalid)
	}
	return d.Letters.Again(r.Context(), id, n)
}

// noLetters says on the desk that people are not written to; nil when they are.
func (d *console) noLetters() *web.Callout {
	if d.Mails == nil || d.Mails() {
		return nil
	}
	return &web.Callout{Tone: web.Warn, Title: "Nobody is written to", Text: "No mail server is set up (smtp-url). People find the dates, questions and answers in their privacy centre, and get no letter about them. Everything else works."}
}
