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
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/policy"
)

func packsSimulate(ctx context.Context, c *call, name string) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	q, err := c.question()
	if err != nil {
		return err
	}
	f, err := packFile(name)
	if err != nil {
		return err
	}
	before, after, p, err := l.Try(f)
	if err != nil {
		return err
	}
	people, err := c.population()
	if err != nil {
		return err
	}
	s, err := policy.Simulate(before, after, people.Groups(ctx), policy.Trial{
		On: q.On, Establishment: q.Establishment, Facts: q.Facts, Flows: flows(),
	})
	if err != nil {
		return err
	}
	if c.json() {
		return c.print(s)
	}
	printSimulation(c.out, p.Ref(), s)
	return nil
}

// population returns who is on file: the people of a CSV file, until an
// installation can be asked for its own.
func (c *call) population() (policy.Population, error) {
	if c.flag("people") == "" {
		return nil, invalid("--people is needed: a CSV file with the columns residence,count and, if known, age")
	}
	return peopleFile(c.flag("people")), nil
}

// flows are the uses that the map of data declares.
func flows() []policy.Flow {
	uses := map[thimble.Purpose][]thimble.Category{}
	for _, table := range datamap.All() {
		for _, col := range table.Fields {
			for _, use := range col.Purposes {
				if !slices.Contains(uses[use], col.Category) {
					uses[use] = append(uses[use], col.Category)
				}
			}
		}
	}
	var all []policy.Flow
	for use, categories := range uses {
		slices.Sort(categories)
		all = append(all, policy.Flow{Name: string(use), Purpose: use, Categories: categories})
	}
	slices.SortFunc(all, func(a, b policy.Flow) int { return strings.Compare(a.Name, b.Name) })
	return all
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
