package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"thimble"
)

// read returns the records of a text, a flaw in place of what has none.
func read(t testing.TB, text []byte, f Form) (rows [][]string) {
	t.Helper()
	r, err := Open(Decode(bytes.NewReader(text), f.Encoding), f)
	if err != nil {
		t.Fatal(err)
	}
	r.Use(slices.Clone(r.Columns()))
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		row := []string{fmt.Sprint(rec.Line)}
		if rec.Flaw != "" {
			row = append(row, "!"+string(rec.Flaw))
		}
		rows = append(rows, append(row, rec.Values...))
	}
}

func TestHowATextIsWrittenIsFoundOut(t *testing.T) {
	text := "Größe;Preis;Ort\nM;12,50;Köln\nL;13,00;Gößweinstein\n"
	latin, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	wide := func(order unicode.Endianness, mark unicode.BOMPolicy) string {
		s, err := unicode.UTF16(order, mark).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct{ text, encoding string }{
		"UTF-8":                    {text, UTF8},
		"UTF-8 with a mark":        {"\ufeff" + text, UTF8},
		"Latin-1":                  {latin, Windows1252},
		"UTF-16, little, marked":   {wide(unicode.LittleEndian, unicode.UseBOM), UTF16LE},
		"UTF-16, big, marked":      {wide(unicode.BigEndian, unicode.UseBOM), UTF16BE},
		"UTF-16, little, unmarked": {wide(unicode.LittleEndian, unicode.IgnoreBOM), UTF16LE},
		"UTF-16, big, unmarked":    {wide(unicode.BigEndian, unicode.IgnoreBOM), UTF16BE},
	} {
		f := Sniff([]byte(c.text))
		if want := (Form{CSV, c.encoding, ";", `"`}); f != want {
			t.Errorf("%s: got %+v, want %+v", name, f, want)
		}
		if got := read(t, []byte(c.text), f); fmt.Sprint(got) != "[[2 M 12,50 Köln] [3 L 13,00 Gößweinstein]]" {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for text, want := range map[string]Form{
		"a\tb,c\td\n1\t2,3\t4\n":             {CSV, UTF8, "\t", `"`},
		"a|b\n1|2\n":                         {CSV, UTF8, "|", `"`},
		"'a','b'\n'1;2','x'\n":               {CSV, UTF8, ",", "'"},
		"a,b\n\"1;2;3\",x\n\"4;5;6\",x\n":    {CSV, UTF8, ",", `"`},
		"name,note\n'twas,O'Brien\n":         {CSV, UTF8, ",", `"`},
		"":                                   {CSV, UTF8, ",", `"`},
		"\n {\"a\":1}\n":                     {Writing: JSONL, Encoding: UTF8},
		"<?xml version=\"1.0\"?><rss></rss>": {Writing: XML, Encoding: UTF8},
	} {
		if f := Sniff([]byte(text)); f != want {
			t.Errorf("%q: got %+v, want %+v", text, f, want)
		}
	}
}

func TestObjectsAreRowsAndTheirListsToo(t *testing.T) {
	text := `{"id":"1","buyer":{"mail":"a@example.org","tags":["x","y"]},"lines":[{"sku":"A","n":2},{"sku":"B","n":1.50}],"notes":[{"text":"no"}]}
{"id":2,"buyer":{"mail":null},"lines":[]}
{"id":3,"id":4}
[1]
{"id":"5","lines":[{"sku":"C"}]}
`
	r, err := Open(strings.NewReader(text), Form{Writing: JSONL, Encoding: UTF8})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"buyer.mail", "buyer.tags", "id", "lines.n", "lines.sku", "notes.text"}, r.Columns()); diff != "" {
		t.Errorf("columns, want (-) and got (+):\n%s", diff)
	}
	r.Use([]string{"id", "lines.sku", "lines.n", "buyer.mail"})
	var got []string
	for {
		rec, err := r.Next()
		if err != nil {
			break
		}
		got = append(got, fmt.Sprint(rec.Line, rec.Flaw, rec.Values))
	}
	want := []string{"1[1 A 2 a@example.org]", "1[1 B 1.50 a@example.org]", "2[2   ]", "3json[]", "4json[]", "5[5 C  ]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

const feed = `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://shop.example</link>
<item><g:id>A-1</g:id><title>Linen &amp; shirt</title><g:price>15.00 USD</g:price><g:availability>in_stock</g:availability>
<g:shipping><g:country>US</g:country><g:price>5 USD</g:price></g:shipping><link>https://shop.example/a</link></item>
<item><g:id>A-2</g:id><title><![CDATA[Trousers]]></title><g:price>25.00 USD</g:price></item></channel></rss>`

func TestAFeedIsReadEntryByEntry(t *testing.T) {
	atom := `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>x</title><entry><g:id>B</g:id><link href="https://shop.example/b"/></entry></feed>`
	for text, want := range map[string]string{feed: "A-1|Linen & shirt|15.00 USD|https://shop.example/a A-2|Trousers|25.00 USD|", atom: "B|||https://shop.example/b"} {
		r, err := Open(strings.NewReader(text), Sniff([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		r.Use([]string{"id", "title", "price", "link"})
		var got []string
		for {
			rec, err := r.Next()
			if err != nil {
				break
			}
			got = append(got, strings.Join(rec.Values, "|"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAHostileFeedIsRefusedCheaply(t *testing.T) {
	deep := strings.Repeat("<a>", 10_000)
	for name, text := range map[string]string{
		"entities that grow": `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY l2 "&lol;&lol;">]><rss><item><id>&l2;</id></item></rss>`,
		"an outside entity":  `<!DOCTYPE x SYSTEM "file:///etc/passwd"><rss><item><id>1</id></item></rss>`,
		"an unknown entity":  `<rss><item><id>&passwd;</id></item></rss>`,
		"deep":               deep,
		"deep in an entry":   "<rss><item>" + deep,
		"an endless entry":   "<rss><item><title>" + strings.Repeat("x", 1<<20),
		"many fields":        "<rss><item>" + manyFields(2_000) + "</item></rss>",
		"no XML":             "<rss><item><id>1</item></rss>",
		"no entries":         "<rss></rss>",
		"nothing":            "",
	} {
		r, err := Open(strings.NewReader(text), Form{Writing: XML, Encoding: UTF8})
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, thimble.ErrInvalid) && !errors.Is(err, errEntry) || strings.Contains(fmt.Sprint(err), "passwd") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<f%d>x</f%d>", i, i)
	}
	return b.String()
}

func TestNumbersAreReadInTheWayOfTheCountry(t *testing.T) {
	for _, c := range []struct{ text, mark, number, code string }{
		{"12.50", ".", "12.50", ""}, {"12,50", ",", "12.50", ""}, {"1.234,50", ",", "1234.50", ""}, {"1,234.50", ".", "1234.50", ""},
		{"1 234,50 €", ",", "1234.50", ""}, {"€ 5", ",", "5", ""}, {"15.00 USD", ".", "15.00", "USD"}, {"EUR 15", ".", "15", "EUR"},
		{"-12,5", ",", "-12.5", ""}, {"1'234.50", ".", "1234.50", ""}, {"1.234.567", ",", "1234567", ""}, {"-€5.00", ".", "-5.00", ""},
	} {
		number, code, ok := Decimal(c.text, c.mark)
		if !ok || number != c.number || code != c.code {
			t.Errorf("%q by %q is %q %q %t, want %q %q", c.text, c.mark, number, code, ok, c.number, c.code)
		}
	}
	for _, text := range []string{"", "x", "1.2.3", "12,34,567", "1e3", "٣", "1,23", "--1", "USD", "1.", "0x10", "1 23"} {
		if number, _, ok := Decimal(text, "."); ok {
			t.Errorf("%q is %q, want no number", text, number)
		}
	}
}

func TestADateThatMayBeReadInTwoWaysIsNotGuessed(t *testing.T) {
	fields := []Field{{Name: "at", Names: []string{"date"}, Date: true}}
	look := func(dates ...string) Guess {
		text := "date,x\n" + strings.Join(dates, ",1\n") + ",1\n"
		r, err := Open(strings.NewReader(text), Plain())
		if err != nil {
			t.Fatal(err)
		}
		g, err := Look(r, Plain(), "x", fields, nil)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	for want, dates := range map[Layout][]string{
		"DD/MM/YYYY": {"03/04/2024", "13/04/2024"}, "MM/DD/YYYY": {"03/04/2024", "03/14/2024"}, "DD.MM.YYYY": {"03.04.2024 10:00"},
		Auto: {"2024-04-03", "2024-04-03T10:00:00Z"}, "YYYY/MM/DD": {"2024/04/03"}, "DD MON YYYY": {"3 Apr 2024"},
	} {
		if g := look(dates...); g.Mapping.Date != want || len(g.Doubts) != 0 {
			t.Errorf("%v: got %q with doubts %q, want %s", dates, g.Mapping.Date, g.Doubts, want)
		}
	}
	for _, dates := range [][]string{{"03/04/2024", "05/06/2024"}, {"yesterday"}} {
		if g := look(dates...); g.Mapping.Date != "" || len(g.Doubts) != 1 || !strings.HasPrefix(g.Doubts[0], "date:") {
			t.Errorf("%v: got %q with doubts %q, want a doubt", dates, g.Mapping.Date, g.Doubts)
		}
	}
}

func TestAGuessHasNoValueOfAnyRow(t *testing.T) {
	text := "E-Mail;Notiz\nxyzzy@example.org;xyzzy\nxyzzy2@example.org;\n"
	r, err := Open(strings.NewReader(text), Sniff([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := Look(r, Sniff([]byte(text)), "x", []Field{{Name: "email", Tells: []Shape{EmailShape}}}, nil)
	b, _ := json.Marshal(g)
	if err != nil || strings.Contains(string(b)+fmt.Sprint(g), "xyzzy") || g.Columns[0].Field != "email" || g.Columns[0].Why != "values" {
		t.Errorf("got %v, %s", err, b)
	}
	for _, head := range []string{"xyzzy@example.org,x", "2024-01-01,x", "+442079460018,x", "12345,x"} {
		text := head + "\n1,2\n"
		r, err := Open(strings.NewReader(text), Plain())
		if err != nil {
			t.Fatal(err)
		}
		_, err = Look(r, Plain(), "x", nil, nil)
		if !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), "xyzzy") {
			t.Errorf("%q: %v", head, err)
		}
	}
}

func TestAMappingComesBackAsItWasSavedAndIsReadStrictly(t *testing.T) {
	fields := []Field{{Name: "a", Need: true}, {Name: "b"}}
	m := Mapping{Version: MappingForm, Kind: "x", Form: Plain(), Columns: map[string]string{"a": "A", "b": "B"}, Date: "DD.MM.YYYY", Decimal: ",", Currency: "EUR", Zone: "Europe/Berlin"}
	b, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadMapping(bytes.NewReader(b))
	if err != nil || got.Check("x", fields) != nil || cmp.Diff(m, got) != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, change := range map[string]func(*Mapping){
		"another kind": func(m *Mapping) { m.Kind = "y" }, "no such field": func(m *Mapping) { m.Columns["c"] = "C" },
		"a needed field": func(m *Mapping) { delete(m.Columns, "a") }, "one column twice": func(m *Mapping) { m.Columns["b"] = "A" },
		"a date": func(m *Mapping) { m.Date = "02.01.2006" }, "a zone": func(m *Mapping) { m.Zone = "Mars" }, "a currency": func(m *Mapping) { m.Currency = "euro" },
		"a mark": func(m *Mapping) { m.Decimal = ";" }, "a form": func(m *Mapping) { m.Form.Delimiter = "x" }, "an encoding": func(m *Mapping) { m.Form.Encoding = "ebcdic" },
	} {
		bad := m
		bad.Columns = map[string]string{"a": "A", "b": "B"}
		change(&bad)
		if err := bad.Check("x", fields); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "{}", `{"thimble":"import-map/v1","colour":1}`, string(b) + "{}", strings.Repeat(" ", maxMapping+1)} {
		if _, err := ReadMapping(strings.NewReader(text)); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// What encoding/csv reads in strict mode, we read as it does; fields of several lines
// within the bounds too.
func TestRowsAreThoseOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(rapid.StringMatching(`[a-c ,;"']{0,6}`), 1, 5).Draw(t, "row")
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			return // an empty line is no record
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		fields, end := split(nil, b.String(), ',', '"')
		if end != whole || !slices.Equal(fields, row) {
			t.Fatalf("%q is %q (%d), want %q", b.String(), fields, end, row)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(`a,"b ""c""",d`, ",")
	f.Add(`'a';'b`, ";")
	f.Fuzz(func(t *testing.T, text, delimiter string) {
		if len(delimiter) != 1 || !strings.Contains(delimiters, delimiter) || strings.ContainsAny(text, "\n\r") {
			return
		}
		fields, end := split(nil, text, delimiter[0], '"')
		r := csv.NewReader(strings.NewReader(text + "\n"))
		r.Comma, r.FieldsPerRecord = rune(delimiter[0]), -1
		want, err := r.Read()
		if errors.Is(err, io.EOF) {
			return // an empty line
		}
		if (err == nil) != (end == whole) || err == nil && !slices.Equal(want, fields) {
			t.Errorf("%q is %q (%d), the standard library says %q, %v", text, fields, end, want, err)
		}
	})
}

// What is read as an object is one to encoding/json, and no key comes twice in it.
func FuzzObjects(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"c":"d"}]}`))
	f.Add([]byte(`{"a":{"a":{"a":null}}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.ContainsAny(text, "\n") {
			return
		}
		o, flaw := parseObject(line{no: 1, text: text, flaw: flawOf(text)})
		if flaw != "" {
			return
		}
		var v map[string]any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		at := map[string]int{}
		for i, p := range o.paths() {
			at[p] = i
		}
		for _, row := range o.rows(at, len(at)) {
			if len(row) != len(at) {
				t.Fatalf("%q gives a row of %d, want %d", text, len(row), len(at))
			}
		}
	})
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(feed))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><rss><item><id>&b;</id></item></rss>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Open(bytes.NewReader(text), Form{Writing: XML, Encoding: UTF8})
		if err != nil {
			return
		}
		r.Use([]string{"id", "title"})
		for n := 0; ; n++ {
			rec, err := r.Next()
			if err != nil {
				return
			}
			if n > len(text) {
				t.Fatal("more entries than bytes")
			}
			if rec.Flaw == "" && len(rec.Values) != 2 {
				t.Fatalf("a row of %d", len(rec.Values))
			}
		}
	})
}

func FuzzSniffed(f *testing.F) {
	f.Add([]byte("a;b\n1;2\n"))
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		form := Sniff(text)
		if err := form.Check(); err != nil {
			t.Fatal(err)
		}
		r, err := Open(Decode(bytes.NewReader(text), form.Encoding), form)
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if _, err := Look(r, form, "x", []Field{{Name: "email", Names: []string{"email"}, Tells: []Shape{EmailShape}}, {Name: "at", Names: []string{"date"}, Date: true}}, nil); err != nil && !errors.Is(err, thimble.ErrInvalid) {
			t.Fatal(err)
		}
	})
}
