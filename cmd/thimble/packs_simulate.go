package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/datamap"
	"thimble/internal/policy"
)

// packsSimulate tries a pack on the people on file: those of an installation, as it
// has counted them, or of a CSV file.
func packsSimulate(ctx context.Context, c *call, name string) error {
	q, err := c.question()
	if err != nil {
		return err
	}
	f, err := packFile(name)
	if err != nil {
		return err
	}
	if file := c.flag("people"); file != "" {
		l, err := c.library()
		if err != nil {
			return err
		}
		return c.simulate(ctx, f, l, q, peopleFile(file), policy.Flows(datamap.All()), "")
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Data); err != nil {
		return invalid("there is no installation in %s; name its folder with --data, or give --people: a CSV file with the columns residence,count and, if known, age", cfg.Data)
	}
	return c.with(ctx, func(ctx context.Context, c *call, a *app.App) error {
		people, err := a.Laws.People(ctx)
		if errors.Is(err, thimble.ErrNotFound) {
			// Nobody was counted yet: it is done now, and each look is a use.
			if people, err = a.CountPeople(ctx); err == nil {
				err = a.Uses.Flush(ctx)
			}
		}
		if err != nil {
			return err
		}
		counted := fmt.Sprintf("People counted on %s.\n", people.At.UTC().Format("2006-01-02 at 15:04 UTC"))
		return c.simulate(ctx, f, a.Laws.Regime().Library(), q, people, a.Flows(), counted)
	})
}

func (c *call) simulate(ctx context.Context, f policy.File, l *policy.Library, q policy.Question, people policy.Population, flows []policy.Flow, counted string) error {
	before, after, p, err := l.Try(f)
	if err != nil {
		return err
	}
	s, err := policy.Simulate(before, after, people.Groups(ctx), policy.Trial{On: q.On, Establishment: q.Establishment, Facts: q.Facts, Flows: flows})
	if err != nil {
		return err
	}
	if c.json() {
		return c.print(s)
	}
	printSimulation(c.out, p.Ref(), s)
	fmt.Fprint(c.out, counted)
	return nil
}

// peopleFile is a CSV file of people.
type peopleFile string

// Groups implements policy.Population.
func (name peopleFile) Groups(ctx context.Context) iter.Seq2[policy.Group, error] {
	return func(yield func(policy.Group, error) bool) {
		f, err := os.Open(string(name))
		if err != nil {
			yield(policy.Group{}, invalid("--people: %s cannot be read", string(name)))
			return
		}
		defer f.Close()
		for g, err := range readPeople(f) {
			if !yield(g, err) || err != nil || ctx.Err() != nil {
				return
			}
		}
	}
}

// readPeople reads residence,count and, if it is there, age. An empty residence
// or age is unknown; a residence may name several places with + between.
func readPeople(r io.Reader) iter.Seq2[policy.Group, error] {
	return func(yield func(policy.Group, error) bool) {
		rows := csv.NewReader(r)
		head, err := rows.Read()
		if err != nil || len(head) < 2 || len(head) > 3 || head[0] != "residence" || head[1] != "count" || len(head) == 3 && head[2] != "age" {
			yield(policy.Group{}, invalid("line 1: the columns are residence,count or residence,count,age"))
			return
		}
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			line, _ := rows.FieldPos(0)
			if err != nil {
				yield(policy.Group{}, invalid("a row cannot be read: %v", err))
				return
			}
			g, err := group(row)
			if err != nil {
				err = fmt.Errorf("line %d: %w", line, err)
			}
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

func group(row []string) (policy.Group, error) {
	g := policy.Group{Age: -1}
	if row[0] != "" {
		g.Places = strings.Split(row[0], "+")
	}
	var err error
	if g.People, err = strconv.ParseInt(row[1], 10, 64); err != nil || g.People < 0 {
		return g, invalid("count is a whole number, 0 or more")
	}
	if len(row) > 2 && row[2] != "" {
		if g.Age, err = strconv.Atoi(row[2]); err != nil || g.Age < 0 || g.Age > 150 {
			return g, invalid("age is a number of years")
		}
	}
	return g, nil
}

func printSimulation(w io.Writer, ref string, s policy.Simulation) {
	fmt.Fprintf(w, "%s, tried on %s. Packs are data with citations, not legal advice.\n", ref, s.On)
	fmt.Fprintf(w, "%d people on file, %d touched; %d changes, of which %d loosen and would wait to be accepted.\n", s.People, s.Touched, len(s.Changes), s.Waits)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	last := ""
	for _, e := range s.Changes {
		if e.Dim != last {
			fmt.Fprintf(tab, "\n%s\t\t\t\t\n", strings.ToUpper(e.Dim))
			last = e.Dim
		}
		mark := ""
		if e.Loosens {
			mark = "waits"
		}
		o := e.After
		if o.Pack == "" {
			o = e.Before
		}
		fmt.Fprintf(tab, "  %s\t%s → %s\t%d people\t%s\t%s\t%s\n", e.Key, cmp.Or(e.From, "nothing"), cmp.Or(e.To, "nothing"), e.People, shortly(e.Places), origin(o), mark)
	}
	if len(s.Flows) > 0 {
		fmt.Fprintln(tab, "\nFLOWS\t\t\t\t")
	}
	for _, f := range s.Flows {
		fmt.Fprintf(tab, "  %s\t%s → %s\t%d people\t%s\tgains %d, loses %d\t\n", f.Flow, f.From, f.To, f.People, shortly(f.Places), f.Gain, f.Lose)
	}
	tab.Flush()
}

func shortly(places []string) string {
	if len(places) > 4 {
		return strings.Join(places[:3], ", ") + fmt.Sprintf(" and %d more", len(places)-3)
	}
	return strings.Join(places, ", ")
}
