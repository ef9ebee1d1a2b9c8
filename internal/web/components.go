package web

import (
	"hash/fnv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Stat is a tile with one number. Template blocks: "stat", and "stats" for a
// []Stat side by side.
type Stat struct {
	Label string
	Value any    // as in a Cell
	Unit  string // after the value, smaller
	Delta string // such as "+4.2 %"
	Trend Tone   // whether the delta is good or bad
	Note  string // what the delta is measured against
	Href  string
}

// Empty says what to do first where there is nothing yet. Block "empty".
type Empty struct {
	Icon   string
	Title  string
	Text   string
	Action *Action
}

// A Badge is a word about a state. Block "badge".
type Badge struct {
	Text string
	Tone Tone
}

// A Timeline is what happened, newest first or oldest first. Block "timeline".
type Timeline struct {
	Title string
	Items []Moment
	Empty *Empty
}

// A Moment is one entry of a timeline, with its proof when the ledger has one.
type Moment struct {
	At        time.Time
	Title     string
	Text      string
	Who       string
	Href      string
	Icon      string
	Tone      Tone
	Badge     *Badge
	Proof     string // such as "ledger entry 1,842"
	ProofHref string
}

// A KeyValue is a fact about a thing. Block "keyvalues" for a []KeyValue.
type KeyValue struct {
	Key   string
	Value any // as in a Cell
	Href  string
	Sub   string
	Copy  bool // offers to copy the value's text
	// Words says whose words the value is in, when they are not the program's: "law", "shop".
	Words string
}

// A Progress is how far something has come. Block "progress".
type Progress struct {
	Label     string
	Done, All float64
	Text      string // such as "12 of 30 days"; drawn from Done and All when empty
	Tone      Tone
}

// A CodeBlock is text to copy. Block "code".
type CodeBlock struct {
	ID    string // made from the title when empty
	Title string
	Lang  string
	Code  string
}

// A Callout is a paragraph set apart. Block "callout".
type Callout struct {
	Tone   Tone
	Title  string
	Text   string
	Action *Action
}

// A Card is a box with a heading and a link. Blocks "card" and, for a []Card
// side by side, "cards".
type Card struct {
	Icon   string
	Title  string
	Text   string
	Href   string
	Badge  *Badge
	Action *Action
}

// A Product is a card of the shop. Blocks "product" and, for a []Product,
// "products".
type Product struct {
	Name     string
	Href     string
	Category string // also draws the swatch
	Price    any    // as in a Cell
	Was      any
	Badge    *Badge
	Why      string // why this product is shown here
	WhyHref  string
	Says     []Say // what the reader can say about it
	Action   *Action
}

// A Say is a button by which somebody says something about a product of a list. It sends
// a form, so that what it says is in no address.
type Say struct {
	Label  string
	About  string // which product, for who does not see it
	Action string
	Hidden []Hidden
}

// Swatch is one of the classes swatch-0 to swatch-11, the same for the same
// category everywhere.
func (p Product) Swatch() int { return Swatch(or(p.Category, p.Name)) }

// Monogram stands for a picture.
func (p Product) Monogram() string { return Monogram(p.Name) }

// Swatch maps a word to a number from 0 to 11.
func Swatch(word string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(word)))
	return int(h.Sum32() % 12)
}

// Monogram takes the first letters of the first and the last word.
func Monogram(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(words) == 0 {
		return "·"
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	if len(words) == 1 {
		return string(unicode.ToUpper(first))
	}
	last, _ := utf8.DecodeRuneInString(words[len(words)-1])
	return string(unicode.ToUpper(first)) + string(unicode.ToUpper(last))
}

// Amount is the progress in words.
func (p Progress) Amount() string {
	if p.Text != "" {
		return p.Text
	}
	return Number(p.Done) + " of " + Number(p.All)
}

// Max is the whole, never nothing: a bar of nothing is not valid HTML.
func (p Progress) Max() float64 { return max(p.All, 1) }

// CodeID is the block's id.
func (c CodeBlock) CodeID() string { return or(c.ID, slug("code", c.Title)) }

// Percent is the share as the meter's label.
func (m Meter) Percent() string { return or(m.Label, Percent(m.Share)) }

// slug makes an id of a heading: "orders-by-country".
func slug(kind, heading string) string {
	words := strings.FieldsFunc(strings.ToLower(heading), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return kind
	}
	return kind + "-" + strings.Join(words, "-")
}
