package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"thimble"
)

// An Ask is one purpose in plain words: what is asked, what it gives and what it
// costs.
type Ask struct {
	Purpose thimble.Purpose
	Title   string
	What    string
	With    string // what happens when it is allowed
	Without string // what happens when it is not
}

// Asked are the purposes people are asked for, in the order shown.
var Asked = []Ask{
	{
		Purpose: thimble.PersonalizeContent,
		Title:   "Recommendations from what you bought",
		What:    "We look at your own past orders to choose the products we show you first.",
		With:    "You see a list made for you, each product with the reason and a receipt you can check.",
		Without: "You see what most customers buy. Nothing of yours is looked at.",
	},
	{
		Purpose: thimble.TrainAISystem,
		Title:   "Learn from my orders for everyone",
		What:    "Your orders are counted, together with everybody's, to learn which products go together.",
		With:    "Your orders help the lists that others see. Nobody can see them in there.",
		Without: "Your orders are taken out of the model, exactly: it becomes the model that never saw you.",
	},
}

// A Notice is the text that is shown beside the choices.
type Notice struct {
	Lang, Version, Text string
}

// Current returns the notice that is shown now. It is made of the asks, so that
// what is stored as proof is what was on the page.
func Current() Notice {
	var b strings.Builder
	for _, a := range Asked {
		b.WriteString(a.Title + "\n" + a.What + "\nIf you allow it: " + a.With + "\nIf not: " + a.Without + "\n\n")
	}
	b.WriteString("You can change your mind at any time, as easily as you chose. Orders are kept in either case, because a purchase needs them.\n")
	return Notice{Lang: "en", Version: "2026-11", Text: b.String()}
}

// Hash returns the SHA-256 of the text.
func (n Notice) Hash() [32]byte { return sha256.Sum256([]byte(n.Text)) }

// Ref names the notice as events do.
func (n Notice) Ref() NoticeRef {
	h := n.Hash()
	return NoticeRef{SHA256: hex.EncodeToString(h[:]), Lang: n.Lang, Version: n.Version}
}
