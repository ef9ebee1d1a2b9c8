package table

import "io"

// A Record is one record, or the flaw of what should have been one.
type Record struct {
	Line   int64    // in the text, the first being 1; of a feed, the place of the entry
	Flaw   Flaw     // "" when there are values
	Values []string // of the columns in use, "" where there is none; valid until the next one is read
}

// A Reader gives a text record by record.
type Reader interface {
	// Columns are the names that the text, or its first record, has.
	Columns() []string
	// Use says which columns the records are to have, in which order. A name that the
	// text does not have gives empty values.
	Use(columns []string)
	// Next returns the next record. The error is io.EOF at the end, of kind
	// thimble.ErrInvalid when nothing after this can be read, or the source's own.
	Next() (Record, error)
	// Line is the last line that was read.
	Line() int64
}

// Open opens a text that [Decode] gave.
func Open(text io.Reader, f Form) (Reader, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	switch f.Writing {
	case JSONL:
		return newJSON(text)
	case XML:
		return newFeed(text)
	}
	return newCSV(text, f)
}
