package table

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"thimble"
)

// csvReader cuts a text into records and says which lines are none. A mark that is not
// closed costs its own line only, where encoding/csv alone would swallow the rest of
// the file.
type csvReader struct {
	lines
	delimiter, quote byte
	columns          []string
	width            int
	at               []int // of the columns that are used; -1 for one that is not there
	fields           []string
}

func newCSV(text io.Reader, f Form) (*csvReader, error) {
	r := &csvReader{lines: newLines(text), delimiter: f.Delimiter[0], quote: f.Quote[0]}
	fields, no, flaw, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("table: the file is empty; its first line must name the columns: %w", thimble.ErrInvalid)
	case err != nil:
		return nil, err
	case flaw != "":
		return nil, fmt.Errorf("table: the header, line %d (%s): %s: %w", no, flaw, flaw.Rule(), thimble.ErrInvalid)
	}
	r.width = len(fields)
	r.columns = named(fields)
	return r, nil
}

// named makes names of a header: blanks go, and a name that comes again has a number.
func named(fields []string) []string {
	names := make([]string, len(fields))
	seen := map[string]int{}
	for i, f := range fields {
		name := strings.TrimSpace(f)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s#%d", name, seen[name])
		}
		names[i] = name
	}
	return names
}

// Columns implements [Reader].
func (r *csvReader) Columns() []string { return r.columns }

// Use implements [Reader].
func (r *csvReader) Use(columns []string) {
	r.at = make([]int, len(columns))
	for i, want := range columns {
		r.at[i] = -1
		for at, name := range r.columns {
			if name == want && want != "" {
				r.at[i] = at
			}
		}
	}
	r.fields = make([]string, len(columns))
}

// Next implements [Reader].
func (r *csvReader) Next() (Record, error) {
	fields, no, flaw, err := r.next()
	if err != nil || flaw != "" {
		return Record{Line: no, Flaw: flaw}, err
	}
	for i, at := range r.at {
		r.fields[i] = ""
		if at >= 0 {
			r.fields[i] = fields[at]
		}
	}
	return Record{Line: no, Values: r.fields}, nil
}

// Line implements [Reader].
func (r *csvReader) Line() int64 { return r.no }

// next returns the fields of the next record and its line, or the flaw of a line that
// has none.
func (r *csvReader) next() (fields []string, no int64, flaw Flaw, err error) {
	for {
		l, err := r.take()
		if err != nil {
			return nil, r.no, "", err
		}
		if l.flaw != "" {
			return nil, l.no, l.flaw, nil
		}
		if blank(l.text) {
			continue
		}
		fields, end := split(nil, string(l.text), r.delimiter, r.quote)
		if end == open {
			fields, end = r.join(string(l.text))
		}
		switch {
		case end != whole:
			flaw = BadQuotes
		case r.width > 0 && len(fields) != r.width:
			flaw = BadColumns
		}
		return fields, l.no, flaw, nil
	}
}

// join looks for the lines that close an open quotation mark.
func (r *csvReader) join(text string) ([]string, ending) {
	for i := range maxJoin - 1 {
		l, err := r.peek(i)
		if err != nil || l.flaw != "" {
			return nil, open // the next reading of the line says what is wrong with it
		}
		text += string(l.text)
		if len(text) > MaxLine {
			return nil, open
		}
		fields, end := split(nil, text, r.delimiter, r.quote)
		if end == open {
			continue
		}
		if end == whole && (r.width == 0 || len(fields) == r.width) {
			r.drop(i + 1)
			return fields, whole
		}
		return nil, broken
	}
	return nil, open
}

// An ending says how a row of fields ends.
type ending int

const (
	whole  ending = iota
	open          // within a quoted field
	broken        // with a mark where none may be
)

// split cuts a row into fields, by the rules of RFC 4180 and for other delimiters and
// marks too.
func split(fields []string, text string, delimiter, quote byte) ([]string, ending) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	for {
		if text == "" || text[0] != quote {
			field, rest, more := strings.Cut(text, string(delimiter))
			// An apostrophe is part of names; a double mark within a field is a slip.
			if quote == '"' && strings.IndexByte(field, quote) >= 0 {
				return fields, broken
			}
			fields = append(fields, field)
			if !more {
				return fields, whole
			}
			text = rest
			continue
		}
		field, rest, end := quoted(text[1:], quote)
		if end != whole {
			return fields, end
		}
		fields = append(fields, field)
		if rest == "" {
			return fields, whole
		}
		if rest[0] != delimiter {
			return fields, broken
		}
		text = rest[1:]
	}
}

// quoted reads a field up to its closing mark.
func quoted(text string, quote byte) (field, rest string, end ending) {
	at := strings.IndexByte(text, quote)
	if at < 0 {
		return "", "", open
	}
	if at+1 >= len(text) || text[at+1] != quote {
		return text[:at], text[at+1:], whole
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(text, quote)
		if at < 0 {
			return "", "", open
		}
		b.WriteString(text[:at])
		if at+1 >= len(text) || text[at+1] != quote {
			return b.String(), text[at+1:], whole
		}
		b.WriteByte(quote)
		text = text[at+2:]
	}
}
