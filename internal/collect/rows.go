package collect

import (
	"errors"
	"io"

	"thimble/internal/collect/table"
)

// A batcher gives a source batch by batch.
type batcher interface {
	// next returns the next batch, or io.EOF after the last.
	next() (Batch, error)
}

// newBatcher reads a kind of rows.
func newBatcher(k Kind, text io.Reader, opt Options, from int64) (batcher, error) {
	if k == Orders {
		return newBatchReader(text, opt, from)
	}
	m, in, err := openRows(k, text, opt)
	if err != nil {
		return nil, err
	}
	r := &rowReader{opt: opt, from: from, in: in, batch: Batch{From: in.Line()}}
	switch k {
	case Customers:
		r.take = func(b *Batch, line int64, v values) Reason { return keep(&b.People, line, v, m.customer) }
	case Products:
		r.take = func(b *Batch, line int64, v values) Reason { return keep(&b.Goods, line, v, m.good) }
	case Stock:
		r.take = func(b *Batch, line int64, v values) Reason { return keep(&b.Levels, line, v, m.level) }
	case Reviews:
		r.take = func(b *Batch, line int64, v values) Reason { return keep(&b.Reviews, line, v, m.review) }
	case Consents:
		r.take = func(b *Batch, line int64, v values) Reason { return keep(&b.Choices, line, v, m.choice) }
	}
	return r, nil
}

// keep parses a row and appends what it is.
func keep[T any](all *[]T, line int64, v values, parse func(int64, values) (T, Reason)) Reason {
	one, reason := parse(line, v)
	if reason == "" {
		*all = append(*all, one)
	}
	return reason
}

// A rowReader gathers rows that are one thing each. The same bytes and options give
// the same things, whatever the size of the batches.
type rowReader struct {
	in    table.Reader
	opt   Options
	from  int64
	take  func(*Batch, int64, values) Reason
	batch Batch
	last  int64 // line of the last record
	n     int
	done  bool
}

func (r *rowReader) next() (Batch, error) {
	for !r.done {
		rec, err := r.in.Next()
		if errors.Is(err, io.EOF) {
			r.done = true
			r.batch.To, r.batch.Last = r.in.Line(), true
			return r.batch, nil
		}
		if err != nil {
			return Batch{}, err
		}
		// Rows of one line are one batch: the line is where an import goes on.
		var full *Batch
		if r.n >= r.opt.BatchOrders && rec.Line > r.last {
			b := r.batch
			b.To = rec.Line - 1
			full, r.batch, r.n = &b, Batch{From: rec.Line - 1}, 0
		}
		r.last = rec.Line
		r.n++
		reason := Reason(rec.Flaw)
		if reason == "" {
			reason = r.take(&r.batch, rec.Line, rec.Values)
		}
		if reason != "" {
			if r.opt.Strict && rec.Line > r.from {
				r.done = true
				return Batch{}, &RowError{Reject{rec.Line, reason}}
			}
			r.batch.Rejects = append(r.batch.Rejects, Reject{rec.Line, reason})
		}
		if full != nil {
			return *full, nil
		}
	}
	return Batch{}, io.EOF
}
