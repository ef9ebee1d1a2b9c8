package table

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"thimble"
)

// A Writing says how a text is put down.
type Writing string

// The writings.
const (
	CSV   Writing = "csv"
	JSONL Writing = "jsonl"
	XML   Writing = "xml" // RSS 2.0 or Atom with entries of fields
)

// A Form is how a text is written.
type Form struct {
	Writing   Writing `json:"writing"`
	Encoding  string  `json:"encoding"`            // one of Encodings
	Delimiter string  `json:"delimiter,omitempty"` // of CSV: one of , ; | or a tab
	Quote     string  `json:"quote,omitempty"`     // of CSV: " or '
}

// Plain is CSV as RFC 4180 has it, in UTF-8.
func Plain() Form { return Form{Writing: CSV, Encoding: UTF8, Delimiter: ",", Quote: `"`} }

const (
	delimiters = ",;\t|"
	quotes     = `"'`
)

// Check returns an error of kind thimble.ErrInvalid that names field and rule.
func (f Form) Check() error {
	switch {
	case f.Writing != CSV && f.Writing != JSONL && f.Writing != XML:
		return fmt.Errorf("table: form: writing: csv, jsonl or xml was expected: %w", thimble.ErrInvalid)
	case !slices.Contains(Encodings(), f.Encoding):
		return fmt.Errorf("table: form: encoding: one of %q was expected: %w", Encodings(), thimble.ErrInvalid)
	case f.Writing != CSV:
		return nil
	case len(f.Delimiter) != 1 || !bytes.ContainsAny([]byte(delimiters), f.Delimiter):
		return fmt.Errorf("table: form: delimiter: a comma, a semicolon, a tab or a bar was expected: %w", thimble.ErrInvalid)
	case len(f.Quote) != 1 || !bytes.ContainsAny([]byte(quotes), f.Quote):
		return fmt.Errorf("table: form: quote: a double or a single quotation mark was expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// Words says the form in words.
func (f Form) Words() string {
	if f.Writing != CSV {
		return fmt.Sprintf("%s in %s", f.Writing, f.Encoding)
	}
	by := map[string]string{",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[f.Delimiter]
	return fmt.Sprintf("csv in %s, separated by %s, quoted with %s", f.Encoding, by, f.Quote)
}

// SniffBytes is how much of a text Sniff likes to see.
const SniffBytes = 1 << 18

// Sniff finds out from the first bytes of a text how it is written. It never fails:
// what is nothing it knows is CSV, whose reading then says what is wrong.
func Sniff(head []byte) Form {
	f := Form{Encoding: encodingOf(head)}
	text := decoded(head, f.Encoding)
	first := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(first) > 0 && first[0] == '{':
		f.Writing = JSONL
	case len(first) > 0 && first[0] == '<':
		f.Writing = XML
	default:
		f.Writing = CSV
		f.Quote = quoteOf(text)
		f.Delimiter = delimiterOf(text, f.Quote[0])
	}
	return f
}

// quoteOf returns the mark that fields begin with.
func quoteOf(text []byte) string {
	single, double := 0, 0
	before := byte('\n')
	for _, b := range text {
		if bytes.IndexByte([]byte(delimiters+"\n"), before) >= 0 {
			switch b {
			case '"':
				double++
			case '\'':
				single++
			}
		}
		before = b
	}
	// An apostrophe also begins words ('s) and what a spreadsheet keeps as text.
	if double == 0 && single > 1 && wrapped(text) {
		return "'"
	}
	return `"`
}

// wrapped reports whether the first line is in single quotation marks.
func wrapped(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimRight(line, "\r ")
	return len(line) > 2 && line[0] == '\'' && line[len(line)-1] == '\''
}

// sniffLines is how many lines the delimiter is looked for in.
const sniffLines = 30

// delimiterOf returns the character that cuts the lines into the most columns while
// they agree on how many.
func delimiterOf(text []byte, quote byte) string {
	best, most := ",", 0
	for _, d := range []byte(delimiters) {
		columns, agree, lines := 0, 0, 0
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			if lines == sniffLines {
				break
			}
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			fields, end := split(nil, string(line), d, quote)
			if end != whole {
				continue
			}
			if lines == 0 {
				columns = len(fields)
			}
			lines++
			if len(fields) == columns {
				agree++
			}
		}
		if columns < 2 {
			continue
		}
		// Of a line that another character cuts as often, agreement decides.
		if score := agree * 100 / lines * min(columns, 50); score > most {
			best, most = string(d), score
		}
	}
	return best
}

// likely reports whether bytes are UTF-8, but for a character that the end cuts.
func likelyUTF8(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			return len(b) < utf8.UTFMax && !utf8.FullRune(b)
		}
		b = b[n:]
	}
	return true
}
