package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"thimble"
)

// Words name the parts of a banner and of the preferences behind it.
type Words struct {
	Title    string `json:"title" doc:"The question."`
	Lead     string `json:"lead" doc:"What holds as long as it is not answered."`
	Refuse   string `json:"refuse"`
	Choose   string `json:"choose"`
	Allow    string `json:"allow"`
	Later    string `json:"later"`
	Save     string `json:"save"`
	Settings string `json:"settings" doc:"The heading of the preferences."`
	Yes      string `json:"yes"`
	No       string `json:"no"`
	With     string `json:"with" doc:"Stands before what a yes gives."`
	Without  string `json:"without" doc:"Stands before what a no costs."`
	More     string `json:"more" doc:"Names the privacy centre."`
	Stored   string `json:"stored" doc:"What is kept in the browser."`
	Receipt  string `json:"receipt"`
	Close    string `json:"close"`
}

// A language is a notice's texts in one language. Of the asks it has the texts alone:
// what is asked is the same in all of them.
type language struct {
	lang              string
	words             Words
	leave, used, left string // before the title of a part, and before what it gives and costs
	closing           string
	asks              map[thimble.Purpose]wording // none: they are those of Asked
	// of is the version of the English text that this one says.
	of string
}

// A wording is an ask in another language; its parts are in the order of the ask's.
type wording struct {
	title, what, with, without string
	parts                      []wording
}

var english = language{
	lang: "en", of: version, leave: "You can leave out:", used: "If you use it:", left: "If you leave it out:",
	closing: "You can change your mind at any time, as easily as you chose. Orders are kept in either case, because a purchase needs them.",
	words: Words{
		Title: "May we use what you do here for more than serving you?", Lead: "As long as you do not say yes, we do not. Nothing gets worse without it.",
		Refuse: "Refuse all", Choose: "Choose", Allow: "Allow all", Later: "Decide later", Save: "Save my choices", Settings: "My choices", Yes: "Allow", No: "Do not allow",
		With: "If you allow it:", Without: "If not:", More: "Privacy centre", Receipt: "Receipt", Close: "Close",
		Stored: "Where you choose in a browser without signing in, your choice is kept in that browser, and while something is allowed also a random number, so that your browser is known again.",
	},
}

// languages are those that people can choose in; English first.
var languages = []language{english, german, french}

// Langs returns the languages there is a notice in, as BCP 47 tags.
func Langs() []string {
	all := make([]string, len(languages))
	for i, l := range languages {
		all[i] = l.lang
	}
	return all
}

// In returns the notice in a language with its asks and words, and whether there is one.
// A region is left aside: "de-AT" is "de".
func In(lang string) (Notice, []Ask, Words, bool) {
	tag, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(lang, "_", "-")), "-")
	i := slices.IndexFunc(languages, func(l language) bool { return l.lang == tag })
	if i < 0 {
		return Notice{}, nil, Words{}, false
	}
	l := languages[i]
	asks := l.say(Asked)
	return notice(asks, l), asks, l.words, true
}

// say returns the asks with the texts of the language.
func (l language) say(asks []Ask) []Ask {
	if l.asks == nil {
		return asks
	}
	all := slices.Clone(asks)
	for i, a := range all {
		w := l.asks[a.Purpose]
		all[i].Title, all[i].What, all[i].With, all[i].Without = w.title, w.what, w.with, w.without
		all[i].Parts = slices.Clone(a.Parts)
		for j := range all[i].Parts {
			part := w.parts[j]
			all[i].Parts[j].Title, all[i].Parts[j].With, all[i].Parts[j].Without = part.title, part.with, part.without
		}
	}
	return all
}

// Digest is a digest of what a yes covers: the same in all languages, and another when
// what is asked for changes.
func (m Matrix) Digest() (string, error) {
	text, err := m.Marshal()
	if err != nil {
		return "", err
	}
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:]), nil
}
