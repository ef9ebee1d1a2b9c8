package pii

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"thimble"
)

// A Score says how well labelled texts were read. A span is right if a label of its
// type lies where it does: if what both cover is nine tenths of what either covers
// (the span evaluator of presidio-research, IoU 0.9).
type Score struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	// F2 weighs recall four times as much as precision.
	F2 float64 `json:"f2"`
	// TokenRecall is the part of the labelled words that a span of whatever type touches.
	TokenRecall float64 `json:"token_recall"`
	Labels      int     `json:"labels"`
	Found       int     `json:"found"`
}

// Metrics are what [Evaluate] returns. The score at the top counts every label of the
// file, Covered those of the types that this package looks for.
type Metrics struct {
	Score
	// MBPerS is the speed of one goroutine over the texts, in 10^6 bytes.
	MBPerS  float64 `json:"mb_per_s"`
	Texts   int     `json:"texts"`
	Covered Score   `json:"covered"`
	// Types are the scores of each covered type that the file has.
	Types map[string]Score `json:"types"`
	// Uncovered counts the labels of each type that is not looked for.
	Uncovered map[string]int `json:"uncovered"`
}

// types are the names that labelled data gives to the kinds.
var types = map[string]Kind{
	"EMAIL_ADDRESS": Email, "PHONE_NUMBER": Phone, "CREDIT_CARD": Card, "IBAN_CODE": IBAN, "IP_ADDRESS": IP, "MAC_ADDRESS": Device,
	"US_SSN": NationalID, "US_ITIN": NationalID, "UK_NHS": NationalID, "UK_NINO": NationalID, "ES_NIF": NationalID, "ES_NIE": NationalID,
	"IT_FISCAL_CODE": NationalID, "PL_PESEL": NationalID, "AU_TFN": NationalID, "IN_AADHAAR": NationalID, "FI_PERSONAL_IDENTITY_CODE": NationalID,
}

type example struct {
	Text  string `json:"full_text"`
	Spans []struct {
		Type  string `json:"entity_type"`
		Start int    `json:"start_position"` // characters
		End   int    `json:"end_position"`
	} `json:"spans"`
}

// A label is a labelled span in bytes; its kind is 0 for a type that is not covered.
type label struct {
	kind       Kind
	name       string
	start, end int
}

// MaxEvaluation bounds a file of labelled texts, in bytes.
const MaxEvaluation = 256 << 20

// Evaluate scores the scanner on a JSON list of {"full_text", "spans": [{"entity_type",
// "start_position", "end_position"}]}, with positions in characters.
func Evaluate(r io.Reader) (Metrics, error) {
	var all []example
	if err := json.NewDecoder(io.LimitReader(r, MaxEvaluation)).Decode(&all); err != nil {
		return Metrics{}, fmt.Errorf("pii: the file: a JSON list of full_text and spans was expected: %w", thimble.ErrInvalid)
	}
	m := Metrics{Texts: len(all), Types: map[string]Score{}, Uncovered: map[string]int{}}
	var total, covered tally
	byName := map[string]*tally{}
	for _, ex := range all {
		for _, s := range ex.Spans {
			if types[s.Type] != 0 {
				byName[s.Type] = new(tally)
			}
		}
	}
	var spans []Span
	for i, ex := range all {
		labels, err := ex.labels()
		if err != nil {
			return Metrics{}, fmt.Errorf("pii: text %d: %w", i, err)
		}
		spans = Scan(ex.Text, spans[:0])
		for _, l := range labels {
			total.label(ex.Text, l, spans)
			if l.kind == 0 {
				m.Uncovered[l.name]++
				continue
			}
			covered.label(ex.Text, l, spans)
			byName[l.name].label(ex.Text, l, spans)
		}
		for _, s := range spans {
			right := slices.ContainsFunc(labels, func(l label) bool { return l.matches(s) })
			total.span(right)
			covered.span(right)
			for name, t := range byName {
				if types[name] == s.Kind {
					t.span(right)
				}
			}
		}
	}
	m.Score, m.Covered = total.score(), covered.score()
	for name, t := range byName {
		m.Types[name] = t.score()
	}
	m.MBPerS = speed(all)
	return m, nil
}

// labels turns positions in characters into positions in bytes.
func (e example) labels() ([]label, error) {
	at := make([]int, 0, len(e.Text)+1)
	for i := range e.Text {
		at = append(at, i)
	}
	at = append(at, len(e.Text))
	var all []label
	for _, s := range e.Spans {
		if s.Start < 0 || s.End <= s.Start || s.End >= len(at) {
			return nil, fmt.Errorf("start_position and end_position: a part of full_text was expected: %w", thimble.ErrInvalid)
		}
		all = append(all, label{kind: types[s.Type], name: s.Type, start: at[s.Start], end: at[s.End]})
	}
	return all, nil
}

// matches compares type and place, IoU 0.9.
func (l label) matches(s Span) bool {
	both := min(l.end, s.End) - max(l.start, s.Start)
	either := max(l.end, s.End) - min(l.start, s.Start)
	return l.kind == s.Kind && both*10 >= either*9
}

// A tally counts what a score is made of.
type tally struct{ labels, recalled, found, right, words, touched int }

func (t *tally) span(right bool) {
	t.found++
	if right {
		t.right++
	}
}

func (t *tally) label(text string, l label, spans []Span) {
	t.labels++
	if slices.ContainsFunc(spans, l.matches) {
		t.recalled++
	}
	for start, end := range words(text, l.start, l.end) {
		t.words++
		if slices.ContainsFunc(spans, func(s Span) bool { return s.Start < end && start < s.End }) {
			t.touched++
		}
	}
}

// words yields the words of a part of the text, parted by blanks.
func words(text string, from, to int) func(func(int, int) bool) {
	return func(yield func(int, int) bool) {
		start := from
		for i := from; i <= to; i++ {
			if i < to && class[text[i]]&isBlank == 0 {
				continue
			}
			if i > start && !yield(start, i) {
				return
			}
			start = i + 1
		}
	}
}

func (t *tally) score() Score {
	s := Score{Precision: ratio(t.right, t.found), Recall: ratio(t.recalled, t.labels), TokenRecall: ratio(t.touched, t.words), Labels: t.labels, Found: t.found}
	if s.Precision+s.Recall > 0 {
		s.F2 = 5 * s.Precision * s.Recall / (4*s.Precision + s.Recall)
	}
	return s
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// speed scans the texts again and again for a fifth of a second.
func speed(all []example) float64 {
	size := 0
	for _, e := range all {
		size += len(e.Text)
	}
	if size == 0 {
		return 0
	}
	var spans []Span
	read, began := 0, time.Now()
	for time.Since(began) < 200*time.Millisecond {
		for _, e := range all {
			spans = Scan(e.Text, spans[:0])
		}
		read += size
	}
	return float64(read) / time.Since(began).Seconds() / 1e6
}
