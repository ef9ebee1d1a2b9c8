package collect

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"thimble"
	"thimble/internal/order"
)

// A Sale is an order as a source has it, before it has an id and a subject.
type Sale struct {
	First, Last int64 // lines
	Order       order.Order
	Customer    thimble.Personal[string] // the shop's number; "" is a guest
	// Anonymous keeps the order as a guest's: the door denies customer numbers.
	Anonymous bool
	// Countryless says that the source names no country that has a code.
	Countryless bool
	Names       []string // what each line calls its product; "" when it does not
}

// A Batch is what one transaction writes: whole orders, and the rows that were
// skipped between lines From (exclusive) and To (inclusive).
type Batch struct {
	From, To int64
	Sales    []Sale
	Rejects  []Reject
	Last     bool  // nothing comes after
	Bytes    int64 // of the source, read so far
}

// Rows counts the rows of the batch.
func (b Batch) Rows() int64 {
	n := len(b.Rejects)
	for _, s := range b.Sales {
		n += len(s.Order.Lines)
	}
	return int64(n)
}

// after returns what lies behind the line, which is one where a batch of this
// source has ended: no order lies across it.
func (b Batch) after(line int64) Batch {
	if line <= b.From {
		return b
	}
	b.From = line
	b.Sales = b.Sales[sort.Search(len(b.Sales), func(i int) bool { return b.Sales[i].First > line }):]
	b.Rejects = b.Rejects[sort.Search(len(b.Rejects), func(i int) bool { return b.Rejects[i].Line > line }):]
	return b
}

// A RowError is the first broken row of a strict import. It is of kind ErrInvalid.
type RowError struct{ Reject }

// Error names the line and the rule, never the value.
func (e *RowError) Error() string {
	return fmt.Sprintf("collect: line %d (%s): %s: %v", e.Line, e.Reason, e.Reason.Rule(), thimble.ErrInvalid)
}

// Unwrap returns the kind.
func (e *RowError) Unwrap() error { return thimble.ErrInvalid }

// A batchReader groups rows into orders and orders into batches. The same bytes
// and options give the same orders, whatever the size of the batches: that is what
// a resumed import rests on.
type batchReader struct {
	records *recordReader
	header  header
	opt     Options
	from    int64 // committed before: broken rows up to here are known
	seen    map[string]struct{}
	batch   Batch
	open    *Sale
	buyer   string // of the open sale
	done    bool
}

func newBatchReader(text io.Reader, opt Options, from int64) (*batchReader, error) {
	r := &batchReader{records: newRecordReader(text), opt: opt, from: from, seen: map[string]struct{}{}}
	names, no, flaw, err := r.records.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("collect: the file is empty; its first line must name the columns: %w", thimble.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	if flaw != "" {
		return nil, fmt.Errorf("collect: the header: %w", &RowError{Reject{no, flaw}})
	}
	r.batch.From = r.records.no
	r.header, err = parseHeader(names)
	return r, err
}

// next returns the next batch, or io.EOF after the last.
func (r *batchReader) next() (Batch, error) {
	for !r.done {
		fields, no, reason, err := r.records.next()
		if errors.Is(err, io.EOF) {
			r.done = true
			r.close()
			r.batch.To, r.batch.Last = r.records.no, true
			return r.batch, nil
		}
		if err != nil {
			return Batch{}, err
		}
		var parsed row
		if reason == "" {
			parsed, reason = r.header.parseRow(fields, r.opt)
		}
		if reason == "" {
			parsed.line = no
			reason = r.place(parsed)
		}
		if reason != "" {
			if r.opt.Strict && no > r.from {
				r.done = true
				return Batch{}, &RowError{Reject{no, reason}}
			}
			r.batch.Rejects = append(r.batch.Rejects, Reject{no, reason})
			continue
		}
		if r.open.First == no && len(r.batch.Sales) >= r.opt.BatchOrders {
			return r.cut(no - 1), nil
		}
	}
	return Batch{}, io.EOF
}

// cut ends the batch at the line before the open order.
func (r *batchReader) cut(to int64) Batch {
	full := r.batch
	full.To = to
	r.batch = Batch{From: to}
	return full
}

func (r *batchReader) close() {
	if r.open != nil {
		r.batch.Sales = append(r.batch.Sales, *r.open)
	}
	r.open = nil
}

// place puts the row into its order.
func (r *batchReader) place(p row) Reason {
	if r.open == nil || r.open.Order.Number != p.number {
		if _, again := r.seen[p.number]; again {
			return SplitOrder
		}
		r.close()
		r.seen[p.number] = struct{}{}
		r.buyer = p.customer
		r.open = &Sale{
			First: p.line, Customer: thimble.Hide(p.customer), Countryless: !p.placed,
			Order: order.Order{Number: p.number, PlacedAt: p.at, Country: p.country, Return: p.back},
		}
	}
	s := r.open
	switch {
	case p.customer != r.buyer:
		return OtherCustomer
	case len(s.Order.Lines) == order.MaxLines:
		return TooManyLines
	}
	name := ""
	if isName(p.name, p.item.Price.Minor) {
		name = p.name
	}
	s.Last = p.line
	s.Order.Lines = append(s.Order.Lines, p.item)
	s.Names = append(s.Names, name)
	return ""
}
