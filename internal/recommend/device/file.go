package device

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"thimble"
)

// A Kind says what a file was made from. The values are wire format.
type Kind uint8

// The kinds.
const (
	Content Kind = 1 // the fields of the catalogue; no person is in it
	Noised  Kind = 2 // histories, under differential privacy
	Counted Kind = 3 // the model that serves, pairs with many people behind them
)

var kindNames = [...]string{Content: "content", Noised: "noised", Counted: "counted"}

// String returns the kind's word.
func (k Kind) String() string {
	if k.known() {
		return kindNames[k]
	}
	return "unknown"
}

func (k Kind) known() bool { return k >= Content && k <= Counted }

// What a file may hold.
const (
	MaxItems     = 1 << 20
	maxFields    = 8 // one bit each
	maxStatement = 2000
	maxText      = 400 // bytes of a name
)

// A Head is what a file says of itself.
type Head struct {
	Kind        Kind
	Made, Until time.Time // whole seconds
	// Statement says in plain words whose data is in the file.
	Statement string
	// Fields are what items may have in common, such as "category"; a cell names
	// them by bits. Empty: cells give no fields.
	Fields   []string
	Currency string // of all prices; "" where none is known
}

// An Item is what a page shows of an item without asking anybody.
type Item struct {
	ID       thimble.ItemID
	Name     string
	Category string
	Price    int64 // minor units; 0: not known
}

// A Cell says that whoever had the row's item may want another.
type Cell struct {
	Item   int32 // the number of the other item
	Code   int8  // ml.Compand's
	Fields uint8 // which fields are alike, by bits
}

// A File is a model for browsers. It is immutable.
type File struct {
	Head
	items []Item
	rows  [][]Cell // ascending by item
	at    map[thimble.ItemID]int32
}

// New returns a file. Items and rows are in strictly ascending order, and each row's cells
// are; the file keeps them. The error is of kind ErrInvalid.
func New(h Head, items []Item, rows [][]Cell) (*File, error) {
	h.Made, h.Until = h.Made.UTC().Truncate(time.Second), h.Until.UTC().Truncate(time.Second)
	f := &File{Head: h, items: items, rows: rows, at: make(map[thimble.ItemID]int32, len(items))}
	if len(rows) != len(items) {
		return nil, invalid("it has %d rows for %d items", len(rows), len(items))
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	for i, it := range items {
		f.at[it.ID] = int32(i)
	}
	return f, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("device: a file for browsers: %s: %w", fmt.Sprintf(format, args...), thimble.ErrInvalid)
}

func (f *File) check() error {
	switch {
	case !f.Kind.known():
		return invalid("its kind is not known")
	case !moment(f.Made) || !moment(f.Until) || !f.Until.After(f.Made):
		return invalid("it ends before it begins")
	case f.Kind == Counted && f.Until.Sub(f.Made) > CountedLife:
		return invalid("one without noise is valid for %s at most", CountedLife)
	case !text(f.Statement, 1, maxStatement):
		return invalid("a statement of 1 to %d bytes was expected", maxStatement)
	case len(f.Fields) > maxFields:
		return invalid("it has %d fields, at most %d fit", len(f.Fields), maxFields)
	case f.Currency != "" && len(f.Currency) != 3:
		return invalid("the currency has no three letters")
	case len(f.items) > MaxItems:
		return invalid("it has %d items, at most %d fit", len(f.items), MaxItems)
	}
	for _, name := range f.Fields {
		if !text(name, 1, maxText) {
			return invalid("the name of a field is not valid")
		}
	}
	for i, it := range f.items {
		if !text(string(it.ID), 1, maxText) || !text(it.Name, 0, maxText) || !text(it.Category, 0, maxText) || it.Price < 0 || it.Price > 1<<53 {
			return invalid("item %d is not valid", i)
		}
		if i > 0 && it.ID <= f.items[i-1].ID {
			return invalid("the items are not in ascending order")
		}
		if err := f.checkRow(int32(i)); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) checkRow(i int32) error {
	before := int32(-1)
	for _, c := range f.rows[i] {
		if c.Item <= before || int(c.Item) >= len(f.items) || c.Item == i || c.Code == 0 || c.Code == math.MinInt8 || int(c.Fields)>>len(f.Fields) != 0 {
			return invalid("a cell of row %d is not valid", i)
		}
		before = c.Item
	}
	return nil
}

// moment reports whether t is a whole second that fits into 32 bits.
func moment(t time.Time) bool { return t.Unix() > 0 && t.Unix() <= math.MaxUint32 }

func text(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && utf8.ValidString(s)
}

// Items returns the file's items in ascending order. The caller changes nothing in them.
func (f *File) Items() []Item { return f.items }

// Cells returns how many cells the file has.
func (f *File) Cells() int {
	n := 0
	for _, row := range f.rows {
		n += len(row)
	}
	return n
}
