package iab_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent/iab"
	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := draws(rapid.Uint64().Draw(t, "seed"))
		tc, ca, g := m.tc(), m.canada(), m.gpp()
		text, err := tc.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := tcf.Decode(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(tc, again, sets); diff != "" {
			t.Fatal(diff)
		}
		if text, err = ca.Encode(); err != nil {
			t.Fatal(err)
		}
		canada, err := tcf.DecodeCanada(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(ca, canada, sets); diff != "" {
			t.Fatal(diff)
		}
		if text, err = g.Encode(); err != nil {
			t.Fatal(err)
		}
		platform, err := gpp.Decode(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(gppFields(g), gppFields(platform)); diff != "" {
			t.Fatal(diff)
		}
		if twice, err := platform.Encode(); err != nil || twice != text {
			t.Fatalf("written again: %s, %v, want %s", twice, err, text)
		}
	})
}

// sets compares sets by what they hold.
var sets = cmp.Comparer(func(a, b iab.Set) bool { return a.Equal(b) })

func TestASetIsWhatItsIDsAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.IntRange(1, iab.MaxID)).Draw(t, "ids")
		s, err := iab.NewSet(ids...)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if got := s.IDs(); !slices.Equal(got, ids) || s.Len() != len(ids) {
			t.Fatalf("got %v, want %v", got, ids)
		}
		if len(ids) > 0 && s.Max() != ids[len(ids)-1] {
			t.Fatalf("Max = %d, want %d", s.Max(), ids[len(ids)-1])
		}
		for _, id := range ids {
			if !s.Has(id) {
				t.Fatalf("%d is missing", id)
			}
		}
		n := 0
		for _, r := range s.Ranges() {
			n += r.Last - r.First + 1
		}
		if n != len(ids) || s.Has(0) || s.Has(-1) || s.Has(iab.MaxID+1) {
			t.Fatalf("ranges hold %d ids, want %d", n, len(ids))
		}
	})
}

func TestFibonacciCodesAreThoseOfTheSpecification(t *testing.T) {
	// From the specification's own table: 1 is 11, 2 is 011, 7 is 01011, 8 is 000011.
	for v, want := range map[int]string{1: "11", 2: "011", 3: "0011", 4: "1011", 5: "00011", 6: "10011", 7: "01011", 8: "000011"} {
		var w iab.Writer
		w.Fibonacci("value", v)
		text, err := w.String(iab.Compact)
		if err != nil {
			t.Fatal(err)
		}
		var r iab.Reader
		if err := r.Open("value", text); err != nil {
			t.Fatal(err)
		}
		for _, c := range want {
			if r.Uint("bit", 1) != uint64(c-'0') {
				t.Errorf("%d is written as %s in base64, want the bits %s", v, text, want)
			}
		}
	}
	for v := 1; v <= iab.MaxID; v += 1 + v/500 {
		var w iab.Writer
		w.Fibonacci("value", v)
		text, err := w.String(iab.Compact)
		if err != nil {
			t.Fatal(err)
		}
		var r iab.Reader
		if err := r.Open("value", text); err != nil {
			t.Fatal(err)
		}
		if got := r.Fibonacci("value"); got != v || r.End("value") != nil {
			t.Fatalf("%d is read as %d, %v", v, got, r.Err())
		}
	}
}

// tc is a string that holds; the rows of the next test break it.
func tc(t *testing.T, change func(*tcf.String)) string {
	t.Helper()
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	s := &tcf.String{Head: tcf.Head{Created: at, Updated: at, CMP: 10, Language: [2]byte{'D', 'E'}, VendorList: 150, Policy: 5},
		ServiceSpecific: true, Consents: tcf.NewBits(1, 2), Country: [2]byte{'D', 'E'}, HasDisclosed: true}
	change(s)
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// raw writes bits as one segment.
func raw(t *testing.T, write func(*iab.Writer)) string {
	t.Helper()
	var w iab.Writer
	write(&w)
	text, err := w.String(iab.Whole)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// head writes the core of a TC string up to the vendors.
func head(w *iab.Writer, letters uint64) {
	w.Uint("version", 2, 6)
	for _, field := range [][2]uint64{{0, 36}, {0, 36}, {0, 12}, {0, 12}, {0, 6}, {letters, 12}, {1, 12}, {2, 6}, {0, 2}, {0, 12}, {0, 24}, {0, 24}, {0, 1}, {0, 12}} {
		w.Uint("field", field[0], int(field[1]))
	}
}

func TestBrokenTCStringsAreRefusedWithFieldAndRule(t *testing.T) {
	good := tc(t, func(*tcf.String) {})
	core, disclosed, _ := strings.Cut(good, ".")
	vendors := func(write func(*iab.Writer)) string { return raw(t, func(w *iab.Writer) { head(w, 0); write(w) }) }
	entry := func(w *iab.Writer, ids ...uint64) {
		w.Bool(len(ids) > 1)
		for _, id := range ids {
			w.Uint("id", id, 16)
		}
	}
	ranges := func(top uint64, n int, write func(*iab.Writer)) string {
		return vendors(func(w *iab.Writer) {
			w.Uint("max", top, 16)
			w.Bool(true)
			w.Uint("entries", uint64(n), 12)
			write(w)
			w.Uint("interests and restrictions", 0, 17+12)
		})
	}
	restriction := func(purpose, kind uint64, twice bool) string {
		return vendors(func(w *iab.Writer) {
			w.Uint("no vendors", 0, 34)
			n := uint64(1)
			if twice {
				n = 2
			}
			w.Uint("restrictions", n, 12)
			for range n {
				w.Uint("purpose", purpose, 6)
				w.Uint("type", kind, 2)
				w.Uint("entries", 1, 12)
				entry(w, 7)
			}
		})
	}
	for name, row := range map[string]struct{ text, want string }{
		"nothing":                    {"", "core: characters"},
		"a strange character":        {core[:40] + "+" + core[41:], "a character is not of base64url"},
		"cut off":                    {core[:30], "the string ends before it"},
		"too long":                   {strings.Repeat("C", iab.MaxLength+1), "at most 16384 characters"},
		"version 1":                  {"B" + core[1:], "version: version 2 was expected"},
		"version 3":                  {"D" + core[1:], "version: version 2 was expected"},
		"an empty segment":           {core + ".", "segment: characters"},
		"an unknown segment":         {core + ".gAAA", "disclosed vendors (1)"},
		"a segment twice":            {good + "." + disclosed, "the same segment comes twice"},
		"the core twice":             {core + "." + core, "disclosed vendors (1)"},
		"more padding than any":      {core + "AAAA", "bits are left over"},
		"padding that is not zero":   {core[:len(core)-1] + "B", "bits are left over"},
		"no letters":                 {raw(t, func(w *iab.Writer) { head(w, 63); w.Uint("rest", 0, 46) }), "consent language: two letters"},
		"a range with id 0":          {ranges(9, 1, func(w *iab.Writer) { entry(w, 0) }), "an id is not between 1"},
		"a range above the maximum":  {ranges(9, 1, func(w *iab.Writer) { entry(w, 3, 10) }), "an id is not between 1"},
		"a range that ends too soon": {ranges(9, 1, func(w *iab.Writer) { entry(w, 5, 4) }), "a range ends before it begins"},
		"ranges that overlap":        {ranges(9, 2, func(w *iab.Writer) { entry(w, 1, 5); entry(w, 5, 6) }), "an id is named twice"},
		"an id twice":                {ranges(9, 2, func(w *iab.Writer) { entry(w, 2); entry(w, 2) }), "an id is named twice"},
		"a restriction of purpose 0": {restriction(0, 1, false), "a purpose from 1 to 24"},
		"a restriction of type 3":    {restriction(2, 3, false), "a type from 0 to 2"},
		"a restriction twice":        {restriction(2, 1, true), "a purpose has the same type twice"},
	} {
		_, err := tcf.Decode(row.text)
		if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want an error of kind invalid with %q", name, err, row.want)
		}
		if err != nil && len(row.text) > 20 && strings.Contains(err.Error(), row.text[:20]) {
			t.Errorf("%s: the error quotes the string", name)
		}
	}
	if _, err := tcf.Decode(good); err != nil {
		t.Error(err)
	}
	if _, err := tcf.Decode(restriction(2, 1, false)); err != nil {
		t.Error(err)
	}
}

func TestBrokenGPPStringsAreRefusedWithFieldAndRule(t *testing.T) {
	header := func(ids ...int) string {
		s, err := iab.NewSet(ids...)
		if err != nil {
			t.Fatal(err)
		}
		var w iab.Writer
		w.Uint("type", 3, 6)
		w.Uint("version", 1, 6)
		w.Ranges("ids", s.Ranges(), iab.Fibonacci)
		text, err := w.String(iab.Compact)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	usca := "BlgWEYCY"
	for name, row := range map[string]struct{ text, want string }{
		"nothing":                        {"", "header: characters"},
		"a TC string":                    {strings.Split(tc(t, func(*tcf.String) {}), ".")[0], "header type: type 3"},
		"version 2":                      {"DC" + header(8)[2:] + "~" + usca, "header version: version 1"},
		"a section too few":              {header(8, 9) + "~" + usca, "it names more sections than there are"},
		"a section too many":             {header(8) + "~" + usca + "~" + usca, "there are more sections than it names"},
		"an empty section":               {header(8) + "~", "section: characters"},
		"a section beyond the list":      {header(28) + "~" + usca, "28 is not in the registry"},
		"the header as a section":        {header(3) + "~" + usca, "3 (header) is no section of consent"},
		"version 1 of the TCF":           {header(1) + "~" + usca, "1 (tcfeuv1) is no section of consent"},
		"signal integrity":               {header(4) + "~" + usca, "4 (signal integrity) is no section"},
		"a value of 3":                   {header(8) + "~B" + "_" + usca[2:], "a value from 0 to 2"},
		"bits after the end":             {header(8) + "~BlgWEYCZ", "bits are left over"},
		"a sub-section of another type":  {header(8) + "~" + usca + ".gA", "type 1, Global Privacy Control"},
		"a sub-section that is not":      {header(9) + "~BSFgmiU.QA", "usva has none"},
		"a US Privacy string of 5":       {header(6) + "~1YNNN", "four characters"},
		"a US Privacy string of version": {header(6) + "~2YNN", "version 1 was expected"},
		"a US Privacy string with X":     {header(6) + "~1YXN", "Y, N or -"},
	} {
		_, err := gpp.Decode(row.text)
		if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want an error of kind invalid with %q", name, err, row.want)
		}
	}
}

func TestEverySectionOfTheRegistryIsKnown(t *testing.T) {
	names := []string{"tcfeuv1", "tcfeuv2", "header", "signal integrity", "tcfcav1", "uspv1", "usnat", "usca", "usva", "usco", "usut", "usct", "usfl",
		"usmt", "usor", "ustx", "usde", "usia", "usne", "usnh", "usnj", "ustn", "usmn", "usmd", "usin", "usky", "usri"}
	for i, want := range names {
		if got := gpp.Name(i + 1); got != want {
			t.Errorf("section %d is %q, want %q", i+1, got, want)
		}
	}
	if gpp.Name(28) != "" || gpp.Name(0) != "" {
		t.Error("sections beyond the registry have names")
	}
	m := draws(1)
	for id := 7; id <= 27; id++ {
		s := &gpp.String{Sections: []gpp.Section{{ID: id, US: m.us(id)}}}
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := gpp.Decode(text); err != nil || !again.Sections[0].Known() {
			t.Errorf("section %d: %v", id, err)
		}
	}
	// A version of tomorrow is read for show and says that it is not understood.
	text := "DBABRgA~bSFgmiU"
	if s, err := gpp.Decode(text); err != nil || s.Sections[0].Known() || s.Sections[0].US.Version != 27 {
		t.Errorf("an unknown version: %v", err)
	}
}
