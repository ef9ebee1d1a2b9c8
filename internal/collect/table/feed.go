package table

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"thimble"
)

// Bounds of a feed.
const (
	maxEntry  = 1 << 18 // bytes of one entry
	maxFields = 500     // of one entry
)

// feedReader reads a product feed: each <item> of RSS 2.0 or <entry> of Atom is a
// record, each element in it a column by its local name. The line of an entry is its
// place: 1, 2, 3, …
type feedReader struct {
	d       *xml.Decoder
	src     *bounded
	no      int64
	columns []string
	at      map[string]int
	first   map[string]string // the first entry, read to know the columns
	begun   bool
	eof     bool
}

// bounded fails when one entry reads more than it may.
type bounded struct {
	r    io.Reader
	left int64
}

var errEntry = fmt.Errorf("table: one entry of the feed is longer than %d bytes: %w", maxEntry, thimble.ErrInvalid)

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errEntry
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func newFeed(text io.Reader) (*feedReader, error) {
	r := &feedReader{src: &bounded{r: text}}
	r.d = xml.NewDecoder(r.src)
	r.d.Strict, r.d.Entity = true, map[string]string{} // the five of XML, and no other
	// The text is UTF-8 by now, whatever it says of itself.
	r.d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	first, err := r.entry()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("table: the feed has no <item> and no <entry>: %w", thimble.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	r.first, r.columns = first, sortedKeys(first)
	return r, nil
}

// Columns implements [Reader]: those of the first entry. Later ones may have more.
func (r *feedReader) Columns() []string { return r.columns }

// Use implements [Reader].
func (r *feedReader) Use(columns []string) {
	r.columns, r.at = columns, make(map[string]int, len(columns))
	for i, c := range columns {
		if c != "" {
			r.at[c] = i
		}
	}
}

// Line implements [Reader].
func (r *feedReader) Line() int64 { return r.no }

// Next implements [Reader].
func (r *feedReader) Next() (Record, error) {
	entry := r.first
	if r.first = nil; entry == nil {
		var err error
		if entry, err = r.entry(); err != nil {
			return Record{Line: r.no}, err
		}
	}
	r.no++
	row := make([]string, len(r.columns))
	for name, v := range entry {
		if i, ok := r.at[name]; ok {
			row[i] = v
		}
	}
	for _, v := range row {
		if f := flawOf([]byte(v)); f != "" {
			return Record{Line: r.no, Flaw: f}, nil
		}
	}
	return Record{Line: r.no, Values: row}, nil
}

// entry reads up to the end of the next entry. What breaks the XML ends the feed: there
// is no telling where it goes on.
func (r *feedReader) entry() (map[string]string, error) {
	depth := 0
	r.src.left = maxEntry
	for {
		t, err := r.d.Token()
		if err != nil {
			return nil, feedError(err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("table: the feed declares a document type or entities; remove the declaration: %w", thimble.ErrInvalid)
		case xml.StartElement:
			if depth++; depth > MaxDepth {
				return nil, fmt.Errorf("table: the feed is %s: %w", TooDeep.Rule(), thimble.ErrInvalid)
			}
			if t.Name.Local == "item" || t.Name.Local == "entry" {
				return r.fields(t)
			}
			r.src.left = maxEntry
		case xml.EndElement:
			depth--
		}
	}
}

// fields reads one entry. An element within an element is "shipping.price"; of several
// of one name the first counts.
func (r *feedReader) fields(start xml.StartElement) (map[string]string, error) {
	fields := map[string]string{}
	var path []string
	var text strings.Builder
	for {
		t, err := r.d.Token()
		if err != nil {
			return nil, feedError(err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("table: the feed has a declaration within an entry: %w", thimble.ErrInvalid)
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > MaxDepth || len(fields) > maxFields {
				return nil, fmt.Errorf("table: an entry of the feed has more than %d levels or %d fields: %w", MaxDepth, maxFields, thimble.ErrInvalid)
			}
			text.Reset()
			r.link(fields, path, t)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if len(path) == 0 && t.Name == start.Name {
				return fields, nil
			}
			name := strings.Join(path, ".")
			if _, had := fields[name]; !had {
				fields[name] = strings.Join(strings.Fields(text.String()), " ")
			}
			path = slices.Delete(path, len(path)-1, len(path))
			text.Reset()
		}
	}
}

// link reads Atom's <link href="…"/>.
func (r *feedReader) link(fields map[string]string, path []string, t xml.StartElement) {
	for _, a := range t.Attr {
		if len(path) == 1 && t.Name.Local == "link" && a.Name.Local == "href" && fields["link"] == "" {
			fields["link"] = a.Value
		}
	}
}

// feedError keeps the text of a broken feed out of its error.
func feedError(err error) error {
	syntax, ok := errors.AsType[*xml.SyntaxError](err)
	if ok {
		return fmt.Errorf("table: line %d is not well-formed XML; the feed cannot be read on from there: %w", syntax.Line, thimble.ErrInvalid)
	}
	return err
}
