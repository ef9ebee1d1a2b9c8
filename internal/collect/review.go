package collect

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/pii"
	"thimble/internal/subject"
)

// MaxReview bounds a review's title and text together, in bytes.
const MaxReview = 20_000

// A Review is what somebody wrote of a product.
type Review struct {
	Line     int64
	Item     thimble.ItemID
	Rating   int64 // in hundredths of a star: 100 to 500
	Number   string
	At       time.Time          // zero where it is not known
	Customer subject.Identifier // of no kind: of nobody who is known
	Beside   subject.Identifier // what the source says beside an account, to ask whether it was forgotten
	// Anonymous keeps it as nobody's: the door denies what names the customer.
	Anonymous bool
	// Nth counts, of reviews of nobody, those of one source that say the same by item, day
	// and stars: it tells them apart, and is the same when they come again.
	Nth      int
	Text     thimble.Personal[ReviewText]
	Redacted bool // something in it was put in brackets
}

// A ReviewText is the sealed part of a review.
type ReviewText struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Bytes returns what is sealed.
func (t ReviewText) Bytes() ([]byte, error) { return json.Marshal(t) }

// ParseReviewText reads what Bytes wrote.
func ParseReviewText(b []byte) (t ReviewText, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	err = d.Decode(&t)
	return t, err
}

// Nobodys reports whether nobody is known whose it is. No erasure would reach it, so that
// nothing is kept by which it leads to somebody.
func (r Review) Nobodys() bool { return r.Anonymous || r.Customer.Kind == "" }

// Day is when a review was written, to the day.
func (r Review) Day() time.Time { return r.At.UTC().Truncate(24 * time.Hour) }

// A tally counts reviews of nobody that say the same.
type tally struct {
	seed maphash.Seed
	had  map[uint64]int
}

func newTally() *tally { return &tally{maphash.MakeSeed(), map[uint64]int{}} }

func (t *tally) number(r *Review) {
	key := maphash.Comparable(t.seed, struct {
		item        thimble.ItemID
		day, rating int64
	}{r.Item, r.Day().Unix(), r.Rating})
	r.Nth = t.had[key]
	t.had[key]++
}

// review reads a row. What leads to a person in title and text is put in brackets here,
// before anything is written.
func (m *meaning) review(line int64, v values) (Review, Reason) {
	number := m.get(v, "number")
	r := Review{Line: line, Number: m.theirs(number)}
	var reason Reason
	if r.Item, reason = m.item(v); reason != "" {
		return r, reason
	}
	if r.Rating, reason = rating(m.get(v, "rating")); reason != "" {
		return r, reason
	}
	if len(number) > 64 || broken(r.Number) {
		return r, BadNumber
	}
	title, text := m.get(v, "title"), m.get(v, "text")
	if len(title)+len(text) > MaxReview || !utf8.ValidString(title+text) {
		return r, BadText
	}
	var inTitle, inText bool
	title, inTitle = redacted(title)
	text, inText = redacted(text)
	r.Text, r.Redacted = thimble.Hide(ReviewText{Title: title, Text: text}), inTitle || inText
	var ok bool
	if r.Customer, r.Beside, ok = m.buyer(v); !ok {
		return r, BadCustomer
	}
	if s := m.get(v, "at"); s != "" {
		if r.At, ok = m.past(s); !ok {
			return r, BadDate
		}
	}
	return r, ""
}

func redacted(s string) (string, bool) {
	spans := pii.Scan(s, nil)
	if len(spans) == 0 {
		return s, false
	}
	return string(pii.Redact(nil, s, spans)), true
}

// rating reads stars: "4", "4.5", "4/5", "4,5".
func rating(s string) (int64, Reason) {
	s, _, _ = strings.Cut(strings.ReplaceAll(s, ",", "."), "/")
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(f >= 1 && f <= 5) {
		return 0, BadRating
	}
	return int64(f*100 + 0.5), ""
}
