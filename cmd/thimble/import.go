package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
)

func importFlags(f *flag.FlagSet) {
	f.Bool("strict", false, "stop at the first row that cannot be read")
	f.Bool("yes", false, "confirm what is guessed")
	f.String("map", "", "file with the mapping to use, as --save-map writes it")
	f.String("save-map", "", "write the mapping to this file")
	f.String("columns", "", "which column is what, as field=column with commas between; field= leaves a field out")
	f.String("date", "", "how dates are written: iso, DD.MM.YYYY, MM/DD/YYYY, …")
	f.String("decimal", "", "the decimal mark: . or ,")
	f.String("currency", "", "currency of prices that name none, such as EUR")
	f.String("zone", "", "zone of times that name none, such as Europe/Berlin; UTC when it is not given")
	f.String("country", "", "where customers are of whom the file does not say, such as DE")
	f.String("shop", "", "whose the numbers of customers and orders are: own, or another shop such as shopify/main")
	f.String("encoding", "", "utf-8, utf-16le, utf-16be or windows-1252")
	f.String("delimiter", "", "what is between columns: a comma, a semicolon, tab, or a bar")
}

// unconfirmed is the error of an import whose mapping nobody has confirmed.
type unconfirmed struct{ error }

// Unwrap returns what is to be done.
func (u *unconfirmed) Unwrap() error { return u.error }

func importCommand(ctx context.Context, c *call) error {
	if c.flags.NArg() != 2 {
		return errWords
	}
	kind, file := collect.Kind(c.flags.Arg(0)), c.flags.Arg(1)
	if kind == "receipts" {
		return importReceipts(ctx, c, file)
	}
	if !kind.Known() {
		return errWords
	}
	if _, err := os.Stat(file); err != nil {
		return invalid("%s cannot be read", filepath.Base(file))
	}
	src := collect.File(file)
	m, err := c.mapping(ctx, kind, src)
	if err != nil {
		return err
	}
	opt := collect.Options{Strict: c.yes("strict"), Map: m}
	return c.importRows(ctx, kind, func(ctx context.Context, progress func(collect.Progress)) (collect.Report, error) {
		a, err := c.open(ctx)
		if err != nil {
			return collect.Report{}, err
		}
		opt.Progress = progress
		r, err := a.Import(ctx, kind, src, opt)
		return r, errors.Join(err, a.Close())
	})
}

// importRows runs an import with a progress bar, and reports.
func (c *call) importRows(ctx context.Context, kind collect.Kind, run func(context.Context, func(collect.Progress)) (collect.Report, error)) error {
	tell := newTeller(c.out)
	move, end := tell.Begin("Importing "+string(kind), 0)
	r, err := run(ctx, func(p collect.Progress) { move(p.Bytes * perMille / max(p.Total, 1)) })
	end()
	if err == nil || r.Import != (thimble.ID{}) {
		report(tell, r)
	}
	return err
}

func (c *call) yes(name string) bool { return c.flags.Lookup(name).Value.String() == "true" }

func (c *call) text(name string) string { return c.flags.Lookup(name).Value.String() }

// mapping returns the confirmed mapping: from a file, or guessed and confirmed. It is nil
// for a file of orders that can be read in one way only.
func (c *call) mapping(ctx context.Context, kind collect.Kind, src collect.Source) (*table.Mapping, error) {
	if name := c.text("map"); name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, invalid("--map: %s cannot be read", filepath.Base(name))
		}
		defer f.Close() //nolint:errcheck // it was only read
		m, err := table.ReadMapping(f)
		if err != nil {
			return nil, err
		}
		return &m, collect.CheckMapping(kind, m)
	}
	form, err := c.form(ctx, src)
	if err != nil {
		return nil, err
	}
	g, err := collect.Look(ctx, kind, src, form)
	if err != nil {
		return nil, err
	}
	said, err := c.say(kind, &g)
	if err != nil {
		return nil, err
	}
	if kind == collect.Orders && !said && form == nil && g.Preset == "" && collect.Plainly(g) {
		return nil, nil
	}
	return c.confirmed(kind, g)
}

// form is the form that the flags give, nil when they give none.
func (c *call) form(ctx context.Context, src collect.Source) (*table.Form, error) {
	if c.text("encoding") == "" && c.text("delimiter") == "" {
		return nil, nil
	}
	f, err := collect.Form(ctx, src)
	if err != nil {
		return nil, err
	}
	if e := c.text("encoding"); e != "" {
		f.Encoding = e
	}
	if d := c.text("delimiter"); d != "" {
		if f.Writing = table.CSV; f.Quote == "" {
			f.Quote = `"`
		}
		if f.Delimiter = d; d == "tab" {
			f.Delimiter = "\t"
		}
	}
	return &f, f.Check()
}

// say puts what the flags say into a guess, and reports whether they said something.
func (c *call) say(kind collect.Kind, g *table.Guess) (said bool, err error) {
	answers := collect.Answers{
		Date: table.Layout(c.text("date")), Decimal: c.text("decimal"), Currency: c.text("currency"), Zone: c.text("zone"), Country: c.text("country"), Shop: c.text("shop"),
	}
	if text := c.text("columns"); text != "" {
		answers.Columns = map[string]string{}
		for pair := range strings.SplitSeq(text, ",") {
			field, column, ok := strings.Cut(pair, "=")
			if !ok {
				return false, invalid("--columns: field=column was expected, with commas between")
			}
			answers.Columns[strings.TrimSpace(field)] = strings.TrimSpace(column)
		}
	}
	return answers.Any(), collect.Answer(kind, g, answers)
}

// confirmed prints the guess, and returns it when nothing is left to say and it was
// confirmed.
func (c *call) confirmed(kind collect.Kind, g table.Guess) (*table.Mapping, error) {
	printGuess(c.out, kind, g)
	if name := c.text("save-map"); name != "" {
		b, err := g.Mapping.Bytes()
		if err == nil {
			err = os.WriteFile(name, b, 0o600)
		}
		if err != nil {
			return nil, invalid("--save-map: %s cannot be written", filepath.Base(name))
		}
		fmt.Fprintf(c.out, "The mapping is in %s.\n", filepath.Base(name))
	}
	switch {
	case len(g.Missing) > 0:
		return nil, fmt.Errorf("looked for and did not find: %s; say which column it is with --columns: %w", strings.Join(collect.Wanted(kind, g.Missing), "; "), thimble.ErrInvalid)
	case len(g.Doubts) > 0:
		return nil, &unconfirmed{fmt.Errorf("%s: %w", strings.Join(g.Doubts, "; "), thimble.ErrInvalid)}
	case !c.yes("yes"):
		return nil, &unconfirmed{fmt.Errorf("nothing was imported: look at the mapping, then confirm it with --yes, or give one with --map: %w", thimble.ErrInvalid)}
	}
	return &g.Mapping, collect.CheckMapping(kind, g.Mapping)
}

func printGuess(w io.Writer, kind collect.Kind, g table.Guess) {
	fmt.Fprintf(w, "%s, %s.\n", strings.ToUpper(string(kind[:1]))+string(kind[1:]), g.Mapping.Form.Words())
	if g.Preset != "" {
		fmt.Fprintf(w, "It has the columns of: %s.\n", g.Preset)
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "COLUMN\tVALUES LOOK LIKE\tFILLED\tTAKEN AS\tKNOWN BY")
	for _, col := range g.Columns {
		as := col.Field
		if as == "" {
			as = "— (left out)"
		}
		fmt.Fprintf(tab, "%s\t%s\t%d of %d\t%s\t%s\n", col.Name, shapes(col), col.Filled, g.Records, as, col.Why)
	}
	_ = tab.Flush() // to the same writer as the rest
	m := g.Mapping
	if m.Shop != "" && m.Shop != collect.Own {
		fmt.Fprintf(w, "Numbers of customers and orders are those of the shop %s.\n", m.Shop)
	}
	if m.Date != "" {
		fmt.Fprintf(w, "Dates are written as %s.\n", m.Date)
	}
	if m.Currency != "" || m.Decimal == "," {
		fmt.Fprintf(w, "Prices: decimal mark %q, currency %s.\n", m.Decimal, or(m.Currency, "as each says"))
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// shapes says what the values of a column look like: shapes and counts, no value.
func shapes(col table.Column) string {
	var words []string
	for i, s := range col.Shapes {
		if i == 3 {
			words = append(words, "…")
			break
		}
		words = append(words, fmt.Sprintf("%s %d", s.Shape, s.Count))
	}
	return or(strings.Join(words, ", "), "empty")
}

// shownRejects bounds how many rejected rows are printed; the console lists more.
const shownRejects = 20

func report(tell teller, r collect.Report) {
	if r.Repeated {
		tell.Say("This file was imported before; nothing was written.")
	}
	if r.Resumed {
		tell.Say("An import that had stopped was taken up again.")
	}
	tell.Say("%s", r.Summary())
	for i, reject := range r.Rejects {
		if i == shownRejects {
			tell.Say("  … %d more; the console lists them under Imports", r.Rejected-shownRejects)
			break
		}
		tell.Say("  line %d: %s", reject.Line, reject.Reason.Rule())
	}
	for _, category := range r.Withheld {
		if why := r.NotKept[category]; why != "" {
			tell.Say("  not collected: %s (%s)", category, why)
			continue
		}
		tell.Say("  not collected: %s", category)
	}
}
