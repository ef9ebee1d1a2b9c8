package table

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"thimble"
)

// jsonReader reads one object a line. A value deep in it is a column by its path,
// "address.country"; each object of a list is a row of its own beside what the object
// around it says, so that an order with lines is as many rows as it has lines.
type jsonReader struct {
	lines
	columns []string
	at      map[string]int
	rows    [][]string // of the line, not given yet
	line    int64
}

func newJSON(text io.Reader) (*jsonReader, error) {
	r := &jsonReader{lines: newLines(text)}
	for i := 0; ; i++ {
		l, err := r.peek(i)
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("table: the file is empty; a JSON object a line was expected: %w", thimble.ErrInvalid)
		}
		if err != nil {
			return nil, err
		}
		if blank(l.text) && l.flaw == "" && i < maxJoin {
			continue
		}
		o, flaw := parseObject(l)
		if flaw != "" {
			return nil, fmt.Errorf("table: the first line with text (%s): %s: %w", flaw, flaw.Rule(), thimble.ErrInvalid)
		}
		r.columns = o.paths()
		return r, nil
	}
}

// Columns implements [Reader]: those of the first object. Later ones may have more.
func (r *jsonReader) Columns() []string { return r.columns }

// Use implements [Reader].
func (r *jsonReader) Use(columns []string) {
	r.columns, r.at = columns, make(map[string]int, len(columns))
	for i, c := range columns {
		if c != "" {
			r.at[c] = i
		}
	}
}

// Line implements [Reader].
func (r *jsonReader) Line() int64 { return r.no }

// Next implements [Reader].
func (r *jsonReader) Next() (Record, error) {
	for len(r.rows) == 0 {
		l, err := r.take()
		if err != nil {
			return Record{Line: r.no}, err
		}
		if blank(l.text) && l.flaw == "" {
			continue
		}
		o, flaw := parseObject(l)
		if flaw != "" {
			return Record{Line: l.no, Flaw: flaw}, nil
		}
		r.line, r.rows = l.no, o.rows(r.at, len(r.columns))
	}
	row := r.rows[0]
	r.rows = r.rows[1:]
	return Record{Line: r.line, Values: row}, nil
}

// A node is an object with the values in it, by path, and the lists of objects.
type node struct {
	values map[string]string
	lists  map[string][]node // by path
	empty  map[string]bool   // paths of lists without anything in them
}

// paths lists the columns of an object, in order.
func (n node) paths() []string {
	var all []string
	for p := range n.values {
		all = append(all, p)
	}
	for _, list := range n.lists {
		for _, one := range list {
			all = append(all, one.paths()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rows spreads an object into rows. Of several lists each gives rows of its own; those
// that have none of the columns give none.
func (n node) rows(at map[string]int, width int) [][]string {
	own := make([]string, width)
	for path, v := range n.values {
		if i, ok := at[path]; ok {
			own[i] = v
		}
	}
	var rows [][]string
	for _, name := range sortedKeys(n.lists) {
		for _, one := range n.lists[name] {
			if !one.has(at) {
				continue
			}
			for _, row := range one.rows(at, width) {
				for i, v := range own {
					if row[i] == "" {
						row[i] = v
					}
				}
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		rows = append(rows, own)
	}
	return rows
}

func (n node) has(at map[string]int) bool {
	for p := range n.values {
		if _, ok := at[p]; ok {
			return true
		}
	}
	for _, list := range n.lists {
		if slices.ContainsFunc(list, func(o node) bool { return o.has(at) }) {
			return true
		}
	}
	return false
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// parseObject reads the object of a line.
func parseObject(l line) (node, Flaw) {
	if l.flaw != "" {
		return node{}, l.flaw
	}
	d := jsontext.NewDecoder(strings.NewReader(string(l.text)))
	p := parser{d: d}
	if d.PeekKind() != jsontext.KindBeginObject {
		return node{}, BadJSON
	}
	n := p.object("", 1)
	if p.flaw == "" {
		if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
			p.flaw = BadJSON
		}
	}
	return n, p.flaw
}

type parser struct {
	d      *jsontext.Decoder
	values int
	flaw   Flaw
}

// fail notes the first flaw.
func (p *parser) fail(f Flaw) {
	if p.flaw == "" {
		p.flaw = f
	}
}

func (p *parser) object(path string, depth int) node {
	n := node{values: map[string]string{}, lists: map[string][]node{}, empty: map[string]bool{}}
	p.members(&n, path, depth)
	return n
}

func (p *parser) members(n *node, path string, depth int) {
	if depth > MaxDepth {
		p.fail(TooDeep)
		return
	}
	if _, err := p.d.ReadToken(); err != nil {
		p.fail(BadJSON)
		return
	}
	for p.flaw == "" && p.d.PeekKind() != jsontext.KindEndObject {
		name, err := p.d.ReadToken()
		if err != nil {
			p.fail(BadJSON)
			return
		}
		key := name.String()
		if path != "" {
			key = path + "." + key
		}
		p.value(n, key, depth)
	}
	if _, err := p.d.ReadToken(); err != nil {
		p.fail(BadJSON)
	}
}

func (p *parser) value(n *node, path string, depth int) {
	if p.values++; p.values > MaxValues {
		p.fail(TooMany)
		return
	}
	switch p.d.PeekKind() {
	case jsontext.KindBeginObject:
		p.members(n, path, depth+1)
	case jsontext.KindBeginArray:
		p.list(n, path, depth+1)
	case jsontext.KindNull:
		_, _ = p.d.ReadToken()
	default:
		t, err := p.d.ReadToken()
		if err != nil {
			p.fail(BadJSON)
			return
		}
		v := t.String()
		// A text in quotation marks may have in it what a line may not.
		if flawOf([]byte(v)) != "" {
			p.fail(ControlChar)
			return
		}
		n.values[path] = v
	}
}

// list reads a list: its objects are rows, of its other values the first counts.
func (p *parser) list(n *node, path string, depth int) {
	if depth > MaxDepth {
		p.fail(TooDeep)
		return
	}
	if _, err := p.d.ReadToken(); err != nil {
		p.fail(BadJSON)
		return
	}
	if p.d.PeekKind() == jsontext.KindEndArray {
		n.empty[path] = true
	}
	for p.flaw == "" && p.d.PeekKind() != jsontext.KindEndArray {
		if p.d.PeekKind() == jsontext.KindBeginObject {
			if p.values++; p.values > MaxValues {
				p.fail(TooMany)
				return
			}
			n.lists[path] = append(n.lists[path], p.object(path, depth+1))
			continue
		}
		had, was := n.values[path]
		p.value(n, path, depth)
		if was {
			n.values[path] = had
		}
	}
	if _, err := p.d.ReadToken(); err != nil {
		p.fail(BadJSON)
	}
}

// Parsed is one object, read.
type Parsed struct{ n node }

// ParseObject reads a text that is one object, of whatever length its caller allows.
func ParseObject(text []byte) (Parsed, Flaw) {
	if !utf8.Valid(text) {
		return Parsed{}, BadEncoding
	}
	n, flaw := parseObject(line{no: 1, text: text})
	return Parsed{n}, flaw
}

// Get returns a value by its path, "" where there is none.
func (p Parsed) Get(path string) string { return p.n.values[path] }

// Has reports whether the object has the path: a value, a list, or a value in the objects
// of a list.
func (p Parsed) Has(path string) bool { return p.n.hasPath(path) }

func (n node) hasPath(path string) bool {
	if _, ok := n.values[path]; ok || n.empty[path] {
		return true
	}
	for list, all := range n.lists {
		if list == path || slices.ContainsFunc(all, func(o node) bool { return o.hasPath(path) }) {
			return true
		}
	}
	return false
}

// Object returns a reader of one object: its rows are all of line 1.
func Object(p Parsed) Reader {
	return &objectReader{jsonReader{columns: p.n.paths()}, p.n}
}

type objectReader struct {
	jsonReader
	n node
}

// Use implements [Reader].
func (r *objectReader) Use(columns []string) {
	r.jsonReader.Use(columns)
	r.line, r.rows = 1, r.n.rows(r.at, len(r.columns))
}

// Line implements [Reader]: it has no header, and then is one line.
func (r *objectReader) Line() int64 { return r.line }

// Next implements [Reader].
func (r *objectReader) Next() (Record, error) {
	if len(r.rows) == 0 {
		return Record{Line: 1}, io.EOF
	}
	row := r.rows[0]
	r.rows = r.rows[1:]
	return Record{Line: 1, Values: row}, nil
}
