package ledger

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
	"unicode/utf8"

	"thimble"
)

// MaxRecord bounds a record, in bytes. A receipt carries its record.
const MaxRecord = 1 << 18

// An Entry is something that happened, before it is committed to.
type Entry struct {
	Class Class
	At    time.Time // the leaf keeps the hour; the zero time means now
	// Model and Policy are the first bytes of the SHA-256 digests of the model
	// and the policy packs in force; zero when none was.
	Model, Policy [8]byte
	// Record says it in full: canonical JSON, which the ledger never stores.
	Record []byte
}

func (e Entry) check() error {
	switch {
	case !e.Class.Known():
		return fmt.Errorf("the class %d is unknown", e.Class)
	case len(e.Record) > MaxRecord:
		return fmt.Errorf("the record has %d bytes, %d are allowed", len(e.Record), MaxRecord)
	case hourOf(e.At) < 0 || hourOf(e.At) > maxHour:
		return fmt.Errorf("the time is outside of what a leaf can hold")
	case !readable(e.Record):
		return fmt.Errorf("the record is not JSON")
	}
	return nil
}

// readable reports whether a reader of a receipt can make sense of the record.
func readable(record []byte) bool { return utf8.Valid(record) && json.Valid(record) }

// The types that hold a record print no part of it. The record is the owner's.
const hidden = "[personal]"

// Format implements fmt.Formatter for every verb.
func (Entry) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (Entry) LogValue() slog.Value { return slog.StringValue(hidden) }

// Format implements fmt.Formatter for every verb.
func (Opening) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (Opening) LogValue() slog.Value { return slog.StringValue(hidden) }

// Format implements fmt.Formatter for every verb.
func (Opened) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (Opened) LogValue() slog.Value { return slog.StringValue(hidden) }

func invalid(format string, args ...any) error {
	return fmt.Errorf("ledger: "+format+": %w", append(args, thimble.ErrInvalid)...)
}
