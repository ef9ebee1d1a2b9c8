package collect

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/table"
	"thimble/internal/order"
	"thimble/internal/subject"
)

// A Sale is an order as a source has it, before it has an id and a subject.
type Sale struct {
	First, Last int64 // lines
	Rows        int64 // of the source that it stands for
	Order       order.Order
	// Customer is by what the source names the buyer: an account, an e-mail address. Of
	// no kind it is a guest.
	Customer subject.Identifier
	// Beside is what the source says beside an account, to ask whether it was forgotten.
	Beside subject.Identifier
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
	People   []Customer
	Goods    []Good
	Levels   []Level
	Reviews  []Review
	Choices  []Choice
	Rejects  []Reject
	Last     bool  // nothing comes after
	Bytes    int64 // of the source, read so far
}

// Rows counts the rows of the batch.
func (b Batch) Rows() int64 {
	n := int64(len(b.Rejects) + len(b.People) + len(b.Goods) + len(b.Levels) + len(b.Reviews) + len(b.Choices))
	for _, s := range b.Sales {
		n += s.Rows
	}
	return n
}

// after returns what lies behind the line, which is one where a batch of this
// source has ended: no order lies across it.
func (b Batch) after(line int64) Batch {
	if line <= b.From {
		return b
	}
	b.From = line
	b.Sales = behind(b.Sales, line, func(s Sale) int64 { return s.First })
	b.People = behind(b.People, line, func(c Customer) int64 { return c.Line })
	b.Goods = behind(b.Goods, line, func(g Good) int64 { return g.Line })
	b.Levels = behind(b.Levels, line, func(l Level) int64 { return l.Line })
	b.Reviews = behind(b.Reviews, line, func(r Review) int64 { return r.Line })
	b.Choices = behind(b.Choices, line, func(c Choice) int64 { return c.Line })
	b.Rejects = behind(b.Rejects, line, func(r Reject) int64 { return r.Line })
	return b
}

func behind[T any](all []T, line int64, at func(T) int64) []T {
	return all[sort.Search(len(all), func(i int) bool { return at(all[i]) > line }):]
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
	in    table.Reader
	m     *meaning
	opt   Options
	from  int64 // committed before: broken rows up to here are known
	seen  map[uint64]struct{}
	seed  maphash.Seed
	first []string // the values of the open order's first row
	batch Batch
	open  *Sale
	back  *Sale // what came back of the open order
	buyer string
	done  bool
}

func newBatchReader(text io.Reader, opt Options, from int64) (*batchReader, error) {
	m, in, err := openRows(Orders, text, opt)
	if err != nil {
		return nil, err
	}
	return &batchReader{in: in, m: m, opt: opt, from: from, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(), batch: Batch{From: in.Line()}}, nil
}

// next returns the next batch, or io.EOF after the last.
func (r *batchReader) next() (Batch, error) {
	for !r.done {
		rec, err := r.in.Next()
		if errors.Is(err, io.EOF) {
			r.done = true
			r.close()
			r.batch.To, r.batch.Last = r.in.Line(), true
			return r.batch, nil
		}
		if err != nil {
			return Batch{}, err
		}
		no, reason := rec.Line, Reason(rec.Flaw)
		var parsed row
		if reason == "" {
			parsed, reason = r.m.orderRow(r.carried(rec.Values))
		}
		if reason == "" {
			parsed.line = no
			reason = r.place(parsed, rec.Values)
		}
		if reason != "" {
			if r.opt.Strict && no > r.from {
				r.done = true
				return Batch{}, &RowError{Reject{no, reason}}
			}
			r.batch.Rejects = append(r.batch.Rejects, Reject{no, reason})
			continue
		}
		if r.open.First == no && r.open.Last == no && r.open.Rows == 1 && len(r.batch.Sales) >= r.opt.BatchOrders {
			return r.cut(no - 1), nil
		}
	}
	return Batch{}, io.EOF
}

// carried fills in what only the first row of an order says, as shop systems export it.
// Nothing is carried in files that need no mapping: there, a blank is an answer.
func (r *batchReader) carried(v []string) values {
	number := r.m.at["number"]
	if !r.m.mapped || r.first == nil || v[number] == "" || v[number] != r.first[number] {
		return v
	}
	for _, f := range []string{"time", "customer", "email", "country", "currency", "returned"} {
		if i, ok := r.m.at[f]; ok && strings.TrimSpace(v[i]) == "" {
			v[i] = r.first[i]
		}
	}
	return v
}

// cut ends the batch at the line before the open order.
func (r *batchReader) cut(to int64) Batch {
	full := r.batch
	full.To = to
	r.batch = Batch{From: to}
	return full
}

func (r *batchReader) close() {
	if r.open != nil && len(r.open.Order.Lines) > 0 {
		r.batch.Sales = append(r.batch.Sales, *r.open)
	}
	if r.back != nil {
		r.batch.Sales = append(r.batch.Sales, *r.back)
	}
	r.open, r.back = nil, nil
}

// begin opens an order with its first row.
func (r *batchReader) begin(p row, v []string) {
	r.close()
	r.buyer, r.first = p.customer.Value.Reveal(), slices.Clone(v) // to compare it with the other rows' of its order
	r.open = &Sale{
		First: p.line, Customer: p.customer, Beside: p.beside, Countryless: !p.placed,
		Order: order.Order{Number: p.number, PlacedAt: p.at, Country: p.country, Return: p.back},
	}
}

// place puts the row into its order.
func (r *batchReader) place(p row, v []string) Reason {
	if r.open == nil || r.open.Order.Number != p.number {
		key := maphash.String(r.seed, p.number)
		if _, again := r.seen[key]; again {
			return SplitOrder
		}
		r.seen[key] = struct{}{}
		r.begin(p, v)
	}
	s := r.open
	switch {
	case p.customer.Value.Reveal() != r.buyer: // to compare them
		return OtherCustomer
	case len(s.Order.Lines) == order.MaxLines:
		return TooManyLines
	case len(s.Order.Lines) > 0 && s.Order.Lines[0].Price.Currency != p.item.Price.Currency:
		return BadCurrency
	}
	s.Last = p.line
	s.Rows++
	switch {
	case p.back && !s.Order.Return:
		return r.comesBack(p, p.at)
	case !p.back && s.Order.Return:
		s.Rows--
		return QuantitySign
	}
	s.add(p)
	if !p.returned.IsZero() {
		return r.comesBack(p, p.returned)
	}
	return ""
}

func (s *Sale) add(p row) {
	name := ""
	if isName(p.name, p.item.Price.Minor) {
		name = p.name
	}
	s.Order.Lines = append(s.Order.Lines, p.item)
	s.Names = append(s.Names, name)
}

// returnMark ends the number of what came back of an order.
const returnMark = "-R"

// comesBack adds a line to the return of the open order.
func (r *batchReader) comesBack(p row, at time.Time) Reason {
	if len(p.number)+len(returnMark) > order.MaxShop+order.MaxNumber {
		return BadNumber
	}
	if r.back == nil {
		r.back = &Sale{First: r.open.First, Customer: p.customer, Beside: p.beside, Countryless: r.open.Countryless,
			Order: order.Order{Number: p.number + returnMark, PlacedAt: at, Country: r.open.Order.Country, Return: true}}
	}
	if len(r.back.Order.Lines) > 0 && r.back.Order.Lines[0].Price.Currency != p.item.Price.Currency {
		return BadCurrency
	}
	r.back.Last = p.line
	r.back.add(p)
	return ""
}
