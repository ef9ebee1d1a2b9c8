package table

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"thimble"
)

// A Field is something that columns may mean.
type Field struct {
	Name  string // as mappings have it
	About string // in words
	// Names are those a column may have, folded (see Fold), the most telling first.
	Names []string
	// Shapes are those that its values have; nil: any. A shape in Tells is enough to
	// know the field by, whatever the column is called.
	Shapes []Shape
	Tells  []Shape
	Need   bool
	Date   bool
	Money  bool
}

// A Preset is the mapping of a form that somebody documents.
type Preset struct {
	Name    string            // such as "Shopify, orders export"
	Has     []string          // folded names of columns by which it is known
	Columns map[string]string // field to folded name
}

// A Column is what a guess knows of one column. It has no value of any row.
type Column struct {
	Name   string
	Filled int // values in the sample
	Shapes []ShapeCount
	Field  string // what it is taken for, "" for nothing
	Why    string // "name", "values", "name and values", or the preset's name
}

// A ShapeCount is how many values have a shape.
type ShapeCount struct {
	Shape Shape
	Count int
}

// A Guess is what a text seems to be.
type Guess struct {
	Mapping  Mapping
	Columns  []Column
	Records  int      // in the sample
	Missing  []string // fields that are needed and have no column
	Doubts   []string // what has to be said before the mapping can be used
	Dates    []Layout // that the sample's dates fit
	Preset   string   // "" for none
	Decimals string   // the mark that the sample shows, "" when it shows none
	Coded    bool     // each amount of money has its currency's code beside it
}

// Sure reports whether nothing is left to say.
func (g Guess) Sure() bool { return len(g.Missing) == 0 && len(g.Doubts) == 0 }

// sampled is how many records are looked at.
const sampled = 1000

// Look reads the beginning of a text and guesses what its columns mean. The error is of
// kind thimble.ErrInvalid for what is no table of any kind.
func Look(r Reader, form Form, kind string, fields []Field, presets []Preset) (Guess, error) {
	names := slices.Clone(r.Columns())
	for i, n := range names {
		if form.Writing == CSV && looksLikeData(n) {
			return Guess{}, fmt.Errorf("table: column %d of the first line looks like data; the first line must name the columns: %w", i+1, thimble.ErrInvalid)
		}
	}
	g := Guess{Mapping: Mapping{Form: form, Kind: kind, Columns: map[string]string{}}}
	r.Use(names)
	s := sample{shapes: make([]map[Shape]int, len(names)), dates: make([]map[Layout]int, len(names)), points: make([]map[string]int, len(names)), codes: make([]int, len(names))}
	if err := s.read(r, len(names)); err != nil {
		return Guess{}, err
	}
	g.Records = s.records
	for i, n := range names {
		g.Columns = append(g.Columns, Column{Name: n, Filled: s.filled(i), Shapes: s.counts(i)})
	}
	g.assign(fields, presets)
	g.dates(fields, s)
	g.decimals(fields, s)
	for _, f := range fields {
		if _, there := g.Mapping.Columns[f.Name]; f.Need && !there {
			g.Missing = append(g.Missing, f.Name)
		}
	}
	return g, nil
}

type sample struct {
	records int
	shapes  []map[Shape]int
	dates   []map[Layout]int
	points  []map[string]int
	codes   []int
}

func (s *sample) read(r Reader, width int) error {
	for s.records < sampled {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if rec.Flaw != "" {
			continue
		}
		s.records++
		for i := range width {
			if v := strings.TrimSpace(rec.Values[i]); v != "" {
				s.note(i, v)
			}
		}
	}
	return nil
}

func count[K comparable](m *map[K]int, k K) {
	if *m == nil {
		*m = map[K]int{}
	}
	(*m)[k]++
}

func (s *sample) note(i int, v string) {
	shape := ShapeOf(v)
	count(&s.shapes[i], shape)
	for _, l := range layoutsOf(v) {
		count(&s.dates[i], l)
	}
	if shape == DecimalShape || shape == WholeShape {
		count(&s.points[i], decimalOf(v))
		s.codes[i] += coded(v)
	}
}

// coded is 1 for an amount with a currency's code.
func coded(v string) int {
	for _, mark := range []string{".", ","} {
		if _, code, ok := Decimal(v, mark); ok && code != "" {
			return 1
		}
	}
	return 0
}

func (s *sample) filled(i int) (n int) {
	for _, c := range s.shapes[i] {
		n += c
	}
	return n
}

func (s *sample) counts(i int) (all []ShapeCount) {
	for shape, n := range s.shapes[i] {
		all = append(all, ShapeCount{shape, n})
	}
	slices.SortFunc(all, func(a, b ShapeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Shape, b.Shape))
	})
	return all
}

// Fold returns a name as names are compared: letters and digits only, in lower case,
// without accents.
func Fold(name string) string {
	name = strings.ReplaceAll(name, "ß", "ss")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), !unicode.IsLetter(r) && !unicode.IsDigit(r):
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(name))
}

// share is how much of a column's values have one of the shapes.
func (c Column) share(shapes []Shape) float64 {
	n := 0
	for _, s := range c.Shapes {
		if slices.Contains(shapes, s.Shape) {
			n += s.Count
		}
	}
	return float64(n) / float64(max(c.Filled, 1))
}

// assign gives columns their fields: by a preset if the text is of its form, else by
// the best of name and values, each column and each field once.
func (g *Guess) assign(fields []Field, presets []Preset) {
	byName := map[string]int{}
	for i, c := range slices.Backward(g.Columns) {
		byName[Fold(c.Name)] = i
	}
	for _, p := range presets {
		if slices.ContainsFunc(p.Has, func(n string) bool { _, there := byName[n]; return !there }) {
			continue
		}
		g.Preset = p.Name
		for field, name := range p.Columns {
			if i, there := byName[name]; there {
				g.take(i, field, p.Name)
			}
		}
		return
	}
	type claim struct {
		column int
		field  string
		score  float64
		why    string
	}
	var claims []claim
	for i, c := range g.Columns {
		for _, f := range fields {
			if score, why := f.claim(c); score > 0 {
				claims = append(claims, claim{i, f.Name, score, why})
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(b.score, a.score) })
	for _, c := range claims {
		if _, taken := g.Mapping.Columns[c.field]; !taken && g.Columns[c.column].Field == "" {
			g.take(c.column, c.field, c.why)
		}
	}
}

func (g *Guess) take(column int, field, why string) {
	g.Mapping.Columns[field] = g.Columns[column].Name
	g.Columns[column].Field, g.Columns[column].Why = field, why
}

// claim says how well a column fits. A name is worth more than what values look like,
// unless they contradict it.
func (f Field) claim(c Column) (score float64, why string) {
	if at := slices.Index(f.Names, foldPath(c.Name)); at >= 0 {
		score, why = 2-float64(at)/1000, "name"
	} else if at := slices.Index(f.Names, Fold(c.Name)); at >= 0 {
		score, why = 2-float64(at)/1000, "name"
	}
	if len(f.Tells) > 0 && c.Filled > 0 {
		switch share := c.share(f.Tells); {
		case share >= 0.8 && why != "":
			return score + share, "name and values"
		case share >= 0.8:
			return share, "values"
		}
	}
	if why != "" && len(f.Shapes) > 0 && c.Filled > 0 && c.share(f.Shapes) < 0.5 {
		return 0, ""
	}
	return score, why
}

// foldPath folds the last part of a path: "customer.email" may be "email".
func foldPath(name string) string { return Fold(name[strings.LastIndexByte(name, '.')+1:]) }

// dates finds the one layout that all dates of the sample fit.
func (g *Guess) dates(fields []Field, s sample) {
	fits := map[Layout]int{}
	all := 0
	for i, c := range g.Columns {
		if k := slices.IndexFunc(fields, func(f Field) bool { return f.Name == c.Field && f.Date }); k < 0 {
			continue
		}
		all += c.Filled
		for l, n := range s.dates[i] {
			fits[l] += n
		}
	}
	if all == 0 {
		return
	}
	best := 0
	for _, n := range fits {
		best = max(best, n)
	}
	for _, l := range Layouts() {
		if fits[l] == best && best > 0 {
			g.Dates = append(g.Dates, l)
		}
	}
	switch {
	case len(g.Dates) == 0:
		g.Doubts = append(g.Doubts, "date: no known way of writing dates fits; say which with --date, or leave the column out")
	case len(g.Dates) == 1 || g.Dates[0] == Auto:
		g.Mapping.Date = g.Dates[0]
	default:
		g.Doubts = append(g.Doubts, fmt.Sprintf("date: %s fit alike; say which with --date", joined(g.Dates)))
	}
}

func joined(all []Layout) string {
	words := make([]string, len(all))
	for i, l := range all {
		words[i] = string(l)
	}
	return strings.Join(words, " and ")
}

// decimals finds the decimal mark. Without a sign of it the mark is a point.
func (g *Guess) decimals(fields []Field, s sample) {
	seen := map[string]int{}
	for i, c := range g.Columns {
		if slices.ContainsFunc(fields, func(f Field) bool { return f.Name == c.Field && f.Money }) {
			for mark, n := range s.points[i] {
				seen[mark] += n
			}
			g.Coded = c.Filled > 0 && s.codes[i] == c.Filled
		}
	}
	g.Mapping.Decimal = "."
	switch {
	case seen[","] > 0 && seen["."] > 0:
		g.Doubts = append(g.Doubts, "decimal: some numbers have a decimal comma, others a point; say which with --decimal")
	case seen[","] > 0:
		g.Mapping.Decimal, g.Decimals = ",", ","
	case seen["."] > 0:
		g.Decimals = "."
	}
}

// Place takes a column for a field, or with an empty column leaves the field out. The
// error is of kind thimble.ErrInvalid.
func (g *Guess) Place(fields []Field, field, column string) error {
	if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == field }) {
		return bad("columns", "a field that these rows do not have")
	}
	at := slices.IndexFunc(g.Columns, func(c Column) bool { return c.Name == column })
	if at < 0 && column != "" {
		return bad("columns", field+": the file has no such column")
	}
	for i, c := range g.Columns {
		if c.Field == field {
			g.Columns[i].Field, g.Columns[i].Why = "", ""
		}
	}
	delete(g.Mapping.Columns, field)
	if column == "" {
		return nil
	}
	if had := g.Columns[at].Field; had != "" {
		delete(g.Mapping.Columns, had)
	}
	g.take(at, field, "said")
	return nil
}

// Clone returns a guess that can be changed apart.
func (g Guess) Clone() Guess {
	g.Columns, g.Doubts, g.Missing = slices.Clone(g.Columns), slices.Clone(g.Doubts), slices.Clone(g.Missing)
	g.Mapping.Columns = maps.Clone(g.Mapping.Columns)
	return g
}
