package table

import "fmt"

// A Flaw is why a record cannot be read.
type Flaw string

// The flaws.
const (
	BadEncoding Flaw = "encoding"
	ControlChar Flaw = "control"
	LineTooLong Flaw = "too_long"
	BadQuotes   Flaw = "quotes"
	BadColumns  Flaw = "columns"
	BadJSON     Flaw = "json"
	TooDeep     Flaw = "depth"
	TooMany     Flaw = "values"
)

var flaws = map[Flaw]string{
	BadEncoding: "the line is not UTF-8; save the file as UTF-8, or name its encoding",
	ControlChar: "the line has control characters; remove them",
	LineTooLong: fmt.Sprintf("the line is longer than %d bytes", MaxLine),
	BadQuotes:   "a quotation mark is not closed or not doubled",
	BadColumns:  "the row has more or fewer fields than the header",
	BadJSON:     "the line is not one JSON object without repeated keys",
	TooDeep:     fmt.Sprintf("the record is nested deeper than %d levels", MaxDepth),
	TooMany:     fmt.Sprintf("the record has more than %d values", MaxValues),
}

// Rule says what the record should have been.
func (f Flaw) Rule() string { return flaws[f] }

// Flaws lists all.
func Flaws() []Flaw {
	return []Flaw{BadEncoding, ControlChar, LineTooLong, BadQuotes, BadColumns, BadJSON, TooDeep, TooMany}
}

// Bounds of one record.
const (
	MaxLine   = 1 << 16 // bytes
	MaxDepth  = 16
	MaxValues = 20_000
	maxJoin   = 8 // lines that a quoted field may span: what a forgotten mark can swallow
)
