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
	// Parts can be left out while the rest is allowed.
	Parts []Part
	// Categories and Recipients are what a yes covers and no more: of what kind the
	// data is, and who outside is given it.
	Categories []thimble.Category
	Recipients []string
}

// A Part is one feature or one signal of a purpose, which a person can refuse alone.
type Part struct {
	Scope   Scope
	Title   string
	With    string // what it gives
	Without string // what it costs to leave it out
}

// The words of scopes that the shop's code obeys.
const (
	// Recommendations are the lists of products that are chosen for a person.
	Recommendations = "recommendations"
	// Returns are what a person sent back.
	Returns = "returns"
)

// Asked are the purposes people are asked for, in the order shown.
var Asked = []Ask{
	{
		Purpose: thimble.PersonalizeContent,
		Title:   "Recommendations from what you look at and buy",
		What:    "We look at your own orders, and at what you view, search for and put aside here and in which sizes, to choose the products we show you first.",
		With:    "You see a list made for you, each product with the reason and a receipt you can check.",
		Without: "You see what most customers buy. Nothing of yours is looked at.",
		Parts: []Part{
			{
				Scope: Scope{Feature: Recommendations}, Title: "Lists of products for you",
				With:    "The shop’s first page begins with a list made for you.",
				Without: "The first page shows what most customers buy. Nothing else changes.",
			},
			{
				Scope: Scope{Signal: Returns}, Title: "What I sent back",
				With:    "What you sent back no longer counts as bought, so it brings you nothing like it.",
				Without: "Your returns are not opened. What you sent back counts as bought.",
			},
		},
		Categories: []thimble.Category{thimble.PurchaseHistory, "user.behavior", "thimble.size", "thimble.style_preference", "thimble.fit_feedback"},
	},
	{
		Purpose: thimble.TrainAISystem,
		Title:   "Learn from what I do for everyone",
		What:    "Your orders, and what you view, search for and put aside here, are counted, together with everybody's, to learn which products go together.",
		With:    "What you do helps the lists that others see. Nobody can see it in there.",
		Without: "What you did is taken out of the model, exactly: it becomes the model that never saw you.",
		Parts: []Part{{
			Scope: Scope{Signal: Returns}, Title: "What I sent back",
			With:    "A product that you sent back does not count as one that goes with your others.",
			Without: "Your returns are not opened for it. What you sent back counts as bought.",
		}},
		Categories: []thimble.Category{thimble.PurchaseHistory, "user.behavior", "thimble.style_preference", "thimble.fit_feedback"},
	},
}

// Analytics is the purpose of measuring how the shop is used, lists among it.
const Analytics thimble.Purpose = "analytics"

// Elsewhere are purposes that the notice does not ask for, because most shops need them
// not at all. A shop that does asks in words of its own, and records the answer by the API,
// a till or its events. Who has answered finds the answer among their choices.
var Elsewhere = []Ask{{
	Purpose:    Analytics,
	Title:      "Count me when lists are compared",
	What:       "When we try two kinds of list, we keep which one you get, how many lists you see and click on, and what your orders of the days after come to. It goes into sums over many people.",
	With:       "You may see a list that we are trying, and you help to find out which is better. You can read which one it was.",
	Without:    "You see the list that is not on trial. Nothing of yours is counted.",
	Categories: []thimble.Category{thimble.PurchaseHistory, "user.behavior", thimble.AutomatedDecision},
}, {
	Purpose: thimble.SensitiveBeyond,
	Title:   "Use sensitive data for more than I asked for",
	What:    "Data that your law protects most, such as about your body or your health, may be used where your other choices here allow it.",
	With:    "Your other choices decide.",
	Without: "It is used for what you asked for, and for what a law asks. Nothing else, whatever your other choices say.",
}}

// AskOf returns the ask of a purpose, and whether people are asked for it, here or
// elsewhere.
func AskOf(p thimble.Purpose) (Ask, bool) {
	for _, all := range [][]Ask{Asked, Elsewhere} {
		for _, a := range all {
			if a.Purpose == p {
				return a, true
			}
		}
	}
	return Ask{}, false
}

// A Notice is the text that is shown beside the choices, with what a yes to each
// purpose covers.
type Notice struct {
	Lang, Version, Text string
	Matrix              Matrix
}

// version is that of the texts, in all languages.
const version = "2026-11.3"

// Current returns the notice that is shown now, in English. It is made of the asks, so
// that what is stored as proof is what was on the page.
func Current() Notice { return notice(Asked, english) }

func notice(asks []Ask, l language) Notice {
	var b strings.Builder
	for _, a := range asks {
		b.WriteString(a.Title + "\n" + a.What + "\n" + l.words.With + " " + a.With + "\n" + l.words.Without + " " + a.Without + "\n")
		for _, p := range a.Parts {
			b.WriteString(l.leave + " " + p.Title + "\n" + l.used + " " + p.With + "\n" + l.left + " " + p.Without + "\n")
		}
		b.WriteString("\n")
	}
	b.WriteString(l.closing + " " + l.words.Stored + "\n")
	return Notice{Lang: l.lang, Version: version, Text: b.String(), Matrix: matrixOf(asks)}
}

// Hash returns the SHA-256 of the text.
func (n Notice) Hash() [32]byte { return sha256.Sum256([]byte(n.Text)) }

// Ref names the notice as events do.
func (n Notice) Ref() NoticeRef {
	h := n.Hash()
	return NoticeRef{SHA256: hex.EncodeToString(h[:]), Lang: n.Lang, Version: n.Version}
}

// Words returns the features and the signals that an ask names.
func (a Ask) Words() (features, signals []string) {
	for _, p := range a.Parts {
		if p.Scope.Feature != "" {
			features = append(features, p.Scope.Feature)
		}
		if p.Scope.Signal != "" {
			signals = append(signals, p.Scope.Signal)
		}
	}
	return features, signals
}
