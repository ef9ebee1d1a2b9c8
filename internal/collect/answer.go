package collect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/collect/table"
)

// Answers are what somebody says of a guess. What is empty leaves what was guessed.
type Answers struct {
	Columns  map[string]string // field to column; "" for a column leaves the field out
	Date     table.Layout
	Decimal  string
	Currency string
	Zone     string
	Country  string
	Shop     string // whose the numbers are
}

// Any reports whether something was said.
func (a Answers) Any() bool {
	return len(a.Columns) > 0 || a.Date != "" || a.Decimal != "" || a.Currency != "" || a.Zone != "" || a.Country != "" || a.Shop != ""
}

// Answer puts answers into a guess. What they settle is no doubt any more. The error is of
// kind thimble.ErrInvalid and names field and rule.
func Answer(k Kind, g *table.Guess, a Answers) error {
	for field, column := range a.Columns {
		if err := g.Place(Fields(k), field, column); err != nil {
			return err
		}
	}
	settle := func(about string) {
		g.Doubts = slices.DeleteFunc(g.Doubts, func(d string) bool { return strings.HasPrefix(d, about+":") })
	}
	m := &g.Mapping
	if a.Date != "" {
		if !a.Date.Known() {
			return fmt.Errorf("collect: date: one of %q was expected: %w", table.Layouts(), thimble.ErrInvalid)
		}
		m.Date = a.Date
		settle("date")
	}
	if a.Decimal != "" {
		m.Decimal = a.Decimal
		settle("decimal")
	}
	if a.Currency != "" {
		m.Currency = a.Currency
		settle("currency")
	}
	if m.Columns["price"] == "" || m.Columns["currency"] != "" {
		settle("currency")
	}
	if a.Zone != "" {
		m.Zone = a.Zone
	}
	if a.Country != "" {
		m.Country = a.Country
	}
	if a.Shop != "" {
		if a.Shop != Own && !table.CheckShop(a.Shop) {
			return fmt.Errorf("collect: shop: %s, or a shop's name such as shopify/main was expected: %w", Own, thimble.ErrInvalid)
		}
		m.Shop = a.Shop
		settle("shop")
	}
	g.Missing = missing(k, *m)
	return nil
}

// missing lists the fields that a mapping lacks.
func missing(k Kind, m table.Mapping) (all []string) {
	for _, f := range Fields(k) {
		if f.Need && m.Columns[f.Name] == "" {
			all = append(all, f.Name)
		}
	}
	some := specs[k].some
	if len(some) > 0 && !slices.ContainsFunc(some, func(f string) bool { return m.Columns[f] != "" }) {
		all = append(all, some[0])
	}
	return all
}

// Wanted says which columns are missing: the field, what it is, and a name by which it
// would be known.
func Wanted(k Kind, fields []string) (all []string) {
	for _, name := range fields {
		about := name
		for _, f := range Fields(k) {
			if f.Name == name {
				about = fmt.Sprintf("%s (%s; a column such as %q)", f.Name, f.About, f.Names[0])
			}
		}
		if some := specs[k].some; len(some) > 0 && name == some[0] {
			about = listed(some)
		}
		all = append(all, about)
	}
	return all
}

// Plainly reports whether a file of orders needs no confirmation: CSV in UTF-8 with
// commas, all columns under names that mean one thing, dates of ISO 8601, a decimal
// point.
func Plainly(g table.Guess) bool {
	names := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		names[i] = c.Name
	}
	_, err := byHeader(names)
	dates := g.Mapping.Date == table.Auto || g.Mapping.Date == ""
	return err == nil && g.Mapping.Form == table.Plain() && dates && g.Decimals != ","
}

// Form finds out how a source is written.
func Form(ctx context.Context, src Source) (f table.Form, err error) {
	s, err := openStream(ctx, src)
	if err != nil {
		return f, err
	}
	head, err := bufio.NewReaderSize(s.text, table.SniffBytes).Peek(table.SniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return f, errors.Join(s.failure(err), s.Close())
	}
	return table.Sniff(head), s.Close()
}

// Summary says in a line what became of an import.
func (r Report) Summary() string {
	c := r.Counts
	tail := fmt.Sprintf("%d of forgotten people left out, %d rows rejected.", c.Suppressed, c.Rejected)
	switch r.Kind {
	case Customers:
		return fmt.Sprintf("%d rows: %d taken, %d customers met, %d identifiers added to people who were there, %d left with whom they were, %d values not kept, %s", c.Rows, c.Written, c.Subjects, c.Joined, c.Contested, c.Dropped, tail)
	case Products, Stock:
		return fmt.Sprintf("%d rows: %d taken, %d rows rejected.", c.Rows, c.Written, c.Rejected)
	case Reviews:
		return fmt.Sprintf("%d rows: %d reviews, %d with something taken out of their text, %d of nobody who is known, %d known already, %s", c.Rows, c.Written, c.Redacted, c.Nobody, c.Known, tail)
	case Consents:
		return fmt.Sprintf("%d rows: %d choices recorded, %d that change nothing, %d refusals of nobody who is known, %s", c.Rows, c.Written, c.Same, c.Nobody, tail)
	}
	return fmt.Sprintf("%d rows: %d orders (%d returns, %d of guests), %d customers met, %d orders known already, %s", c.Rows, c.Orders, c.Returns, c.Guests, c.Subjects, c.Known, tail)
}
