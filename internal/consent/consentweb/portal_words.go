package consentweb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/signal"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

// chose says in words who made a choice.
func chose(by consent.By) string {
	switch by.Actor {
	case "guardian":
		return "Your guardian"
	case signal.FromGPC.Actor():
		return "Your browser’s signal"
	case "signal:till":
		return "You, in the store,"
	case "demo-rule":
		return "The demo’s rule"
	case "import":
		return "An import by the shop"
	}
	if by.Auth == "shop" {
		return "You, through the shop’s own pages,"
	}
	return "You"
}

// signalsOf says what the browser's signal has stopped, and where that is not what the
// person had said on their account. The stricter of the two holds.
func signalsOf(history []consentdb.Recorded, now bool) (all []web.Callout) {
	for _, p := range signal.OptedOut() {
		var last, before consent.Event
		for _, h := range history {
			if e := h.Event; e.Purpose == p && e.Scope == (consent.Scope{}) {
				if e.By.Actor == signal.FromGPC.Actor() {
					before = last
				}
				last = e
			}
		}
		if last.By.Actor != signal.FromGPC.Actor() || !last.State.Refuses() {
			continue
		}
		c := web.Callout{Tone: web.Info, Title: title(p) + ": off", Text: "Your browser asked for that (Global Privacy Control) on " + last.At.Format("2 January 2006") + ", and we honour it for your account."}
		if before.State.Permits() {
			c.Tone, c.Title = web.Warn, title(p)+": your browser and your account disagree"
			c.Text = "On " + before.At.Format("2 January 2006") + " you allowed it on your account. Your browser’s signal (Global Privacy Control) says no, and the stricter holds. Which is right? If it should stay off, there is nothing to do. "
			if now {
				c.Text += "If it should be on, switch the signal off for this shop in your browser first, then allow it again."
			} else {
				c.Text += "If it should be on, allow it again from a browser that does not send the signal."
			}
		}
		all = append(all, c)
	}
	return all
}

// PortalReceipts is the source of the receipts of choices.
func PortalReceipts(s Histories, own Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Choices",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := ownHistory(ctx, s, own, who)
			listed := make([]ledgerweb.Listed, 0, len(all))
			for _, h := range slices.Backward(all) {
				listed = append(listed, ledgerweb.Listed{Key: receiptKey(h.Event), At: h.Event.At, Title: said(h.Event), Text: about(h.Event)})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error) {
			all, err := ownHistory(ctx, s, own, who)
			for _, h := range all {
				if receiptKey(h.Event) == key {
					return h.Opening, nil
				}
			}
			if err == nil {
				err = fmt.Errorf("consent: a choice of that number: %w", thimble.ErrNotFound)
			}
			return ledger.Opening{}, err
		},
	}
}

// verbs say what a choice did, after who made it.
var verbs = map[consent.State]string{
	consent.Given: "allowed", consent.Renewed: "allowed again", consent.Refused: "did not allow", consent.Withdrawn: "stopped",
	consent.Deferred: "put off", consent.Invalidated: "ruled out",
}

func said(e consent.Event) string {
	who := "You"
	switch e.By.Actor {
	case "guardian", signal.FromGPC.Actor(), "demo-rule", "import":
		who = chose(e.By)
	}
	return who + " " + verbs[e.State]
}

// about names what a choice is about, a part of a purpose by its own title.
func about(e consent.Event) string {
	if e.Scope == (consent.Scope{}) {
		return title(e.Purpose)
	}
	ask, _ := consent.AskOf(e.Purpose)
	for _, p := range ask.Parts {
		if p.Scope == e.Scope {
			return title(e.Purpose) + ": " + p.Title
		}
	}
	return title(e.Purpose) + ": " + e.Scope.String()
}

func title(p thimble.Purpose) string {
	if a, asked := consent.AskOf(p); asked {
		return a.Title
	}
	if t := signal.Title(p); t != "" {
		return t
	}
	return string(p)
}

// Standings says where people stand.
type Standings interface {
	Standing(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (consent.Standing, error)
}

// PortalCard sums up a person's choices, for the privacy centre's first page.
func PortalCard(s Standings, now func() time.Time) func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	if now == nil {
		now = time.Now
	}
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		card := web.Card{Icon: "check", Title: "My choices", Href: choicesPath}
		allowed := 0
		for _, a := range consent.Asked {
			standing, err := s.Standing(ctx, who, a.Purpose)
			if err != nil {
				return card, err
			}
			mark := "Off"
			if standing.Now(now()).Permits() {
				mark = "On"
				allowed++
			}
			card.Text += mark + ": " + a.Title + ". "
		}
		card.Badge = &web.Badge{Text: fmt.Sprintf("%d of %d allowed", allowed, len(consent.Asked))}
		if allowed > 0 {
			card.Badge.Tone = web.Good
		}
		return card, nil
	}
}
