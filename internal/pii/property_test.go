package pii

import (
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

const seed = 20261129

// times returns how often a property is tried: full under THIMBLE_SOAK.
func times(sample, full int) int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return full
	}
	return sample
}

type generator struct{ *rand.Rand }

func (g generator) digits(n int) []byte {
	d := make([]byte, n)
	for i := range d {
		d[i] = byte('0' + g.IntN(10))
	}
	return d
}

// card makes a number whose check digit is computed here, by another road than the
// scanner's: the ten possible ones are tried against the definition.
func (g generator) card() string {
	prefixes := []string{"4", "51", "55", "2221", "34", "37", "6011", "36", "3528", "62"}
	p := prefixes[g.IntN(len(prefixes))]
	n := 16
	if p == "34" || p == "37" {
		n = 15
	}
	d := append([]byte(p), g.digits(n-1-len(p))...)
	sum := 0
	for i := len(d) - 1; i >= 0; i -= 2 {
		v := int(d[i]-'0') * 2
		sum += v/10 + v%10
		if i > 0 {
			sum += int(d[i-1] - '0')
		}
	}
	return string(append(d, byte('0'+(10-sum%10)%10)))
}

func (g generator) iban() string {
	bban := append([]byte("WEST"), g.digits(14)...)
	rest := 0
	for _, c := range string(bban) + "GB00" {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return fmt.Sprintf("GB%02d%s", 98-rest, bban)
}

func (g generator) email() string {
	return fmt.Sprintf("u%d.%c@mail%d.example.org", g.IntN(1e6), 'a'+rune(g.IntN(26)), g.IntN(100))
}

func (g generator) ip() string {
	return fmt.Sprintf("%d.%d.%d.%d", g.IntN(256), g.IntN(256), g.IntN(256), g.IntN(256))
}

func (g generator) ssn() string {
	return fmt.Sprintf("%03d-%02d-%04d", 1+g.IntN(665), 1+g.IntN(99), 1+g.IntN(9999))
}

// grouped writes it in fours, as a card's face and a bank's letter do.
func grouped(s, sep string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			b.WriteString(sep)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// disguised writes digits in other scripts and puts characters without width
// between them.
func (g generator) disguised(s string) string {
	zeros := []rune{'0', '０', '٠', '०', '𝟎'}
	zero := zeros[g.IntN(len(zeros))]
	var b strings.Builder
	for i, c := range s {
		if i > 0 && g.IntN(4) == 0 {
			b.WriteRune([]rune{0x200B, 0x200D, 0x2060, 0xFEFF, 0xAD}[g.IntN(5)])
		}
		if c >= '0' && c <= '9' {
			c = zero + c - '0'
		}
		b.WriteRune(c)
	}
	return b.String()
}

var around = [][2]string{{"", ""}, {"it is ", " thanks"}, {"(", ")"}, {"no: ", "."}, {"größe 38, ", ", 20 mm"}, {"\n", "\n2 pieces"}, {"„", "“"}}

func TestChecksummedNumbersAreFoundHoweverTheyAreWritten(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	t.Logf("seed %d", seed)
	makers := []struct {
		kind Kind
		make func() string
	}{{Card, g.card}, {IBAN, g.iban}, {Email, g.email}, {IP, g.ip}, {NationalID, g.ssn}}
	missed, n := map[Kind]int{}, times(10_000, 100_000)
	for i := range n {
		m := makers[i%len(makers)]
		value := m.make()
		if m.kind == Card || m.kind == IBAN {
			value = []string{value, grouped(value, " "), grouped(value, "-"), grouped(value, "\u00a0")}[g.IntN(4)]
		}
		if g.IntN(3) == 0 {
			value = g.disguised(value)
		}
		a := around[g.IntN(len(around))]
		text := a[0] + value + a[1]
		spans := Scan(text, nil)
		if len(spans) != 1 || spans[0].Kind != m.kind || text[spans[0].Start:spans[0].End] != value {
			if missed[m.kind]++; missed[m.kind] < 4 {
				t.Errorf("case %d: %q gave %v, want the whole %s at %d", i, text, spans, m.kind, len(a[0]))
			}
		}
	}
	t.Logf("%d numbers, missed or misread: %v", n, missed)
}

// Both checks find every single wrong digit, so one is enough to make a number none.
func TestOneWrongDigitMakesItNoNumber(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(seed, 2))}
	t.Logf("seed %d", seed)
	for i := range times(10_000, 100_000) {
		value, kind := []byte(g.card()), Card
		if i%2 == 0 {
			value, kind = []byte(g.iban()), IBAN
		}
		at := len(value) - 1 - g.IntN(10)
		value[at] = '0' + (value[at]-'0'+byte(1+g.IntN(9)))%10
		for _, s := range Scan(string(value), nil) {
			if s.Kind == kind {
				t.Fatalf("case %d: %q passes for a %s", i, value, kind)
			}
		}
	}
}

// check is what holds of any text.
func check(t *testing.T, text string) {
	t.Helper()
	spans := Scan(text, nil)
	from := 0
	for _, s := range spans {
		if s.Start < from || s.End <= s.Start || s.End > len(text) || s.Kind == 0 || s.Rule == "" {
			t.Fatalf("%q: span %+v after %d of %d", text, s, from, len(text))
		}
		if utf8.ValidString(text) && !utf8.ValidString(text[s.Start:s.End]) {
			t.Fatalf("%q: span %+v cuts a character", text, s)
		}
		from = s.End
	}
	Redact(nil, text, spans)
}

func FuzzScan(f *testing.F) {
	for _, text := range []string{
		"jo@example.com", "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "+41 (0)96 471 07 95 x12", "2001:db8::1", "00:1B:44:11:3A:B7",
		"https://a.example/?u=1", "x://x://x://", "AB 12 34 56 C", "1 2 3 4 5 6 7 8 9 0 1 2", "@@@@", "::::", "\xff4111\xff", "٤١١١١١١١١١١١١١١١", "1\u200b2\u200b3",
		"131052-308T", "RSSMRA85T10A562S", "X1234567L", "11010519491231002X", "1234567TW", "00", "+", "(0)", "a@b.c", "0044 0", "((((1", "1))))2",
	} {
		f.Add(text)
	}
	f.Fuzz(check)
}

func TestAnyMixtureOfSignsGivesSpansInOrder(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(seed, 3))}
	t.Logf("seed %d", seed)
	parts := []string{"1", "23", "4111", "1111", "0", " ", "-", ".", "/", "(", ")", "+", "@", ":", "::", "//", "x", "AB", "ext", "é", "\u200b", "\xff", "٤", "phone ", "a.b", "_", "ssn"}
	for range times(50_000, 2_000_000) {
		var b strings.Builder
		for range g.IntN(24) {
			b.WriteString(parts[g.IntN(len(parts))])
		}
		check(t, b.String())
	}
}

// What is twice as long takes about twice as long. Time is not asserted: the count of
// bytes looked at is bounded by construction, and these texts would take hours else.
func TestHostileTextsAreReadToTheirEnd(t *testing.T) {
	for _, part := range []string{"1", "1 ", "@", "a@", ":", "a://", "1:", "::", "é", "4111-", "phone 1 ", "(1)", "+1", "AB12", "a.@", "١"} {
		check(t, strings.Repeat(part, 1<<20/len(part)))
	}
}

// labelledTexts opens the synthetic texts of presidio-research, which THIMBLE_PII_DATA
// names.
func labelledTexts(t testing.TB) *gzip.Reader {
	t.Helper()
	path := os.Getenv("THIMBLE_PII_DATA")
	if path == "" {
		t.Skip("THIMBLE_PII_DATA names no file of labelled texts")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // it was only read
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestLabelledTextsAreReadWell(t *testing.T) {
	m, err := Evaluate(labelledTexts(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", m)
	for name, least := range map[string]float64{"EMAIL_ADDRESS": 1, "IP_ADDRESS": 1, "US_SSN": 1, "IBAN_CODE": 1, "CREDIT_CARD": 0.97, "PHONE_NUMBER": 0.6} {
		if got := m.Types[name].Recall; got < least {
			t.Errorf("%s: recall %.3f, want %.3f or more", name, got, least)
		}
	}
	if m.Covered.Precision < 0.97 {
		t.Errorf("precision %.3f, want 0.97 or more", m.Covered.Precision)
	}
}

var prose = strings.Repeat("I ordered the linen shirt in size 38 on 12 March and it came in 40, which is too wide at the shoulders. "+
	"The colour is lovely and the cloth feels good, so I would like to change it for a smaller one if there is one left. ", 100)

func BenchmarkScan(b *testing.B) {
	for name, text := range map[string]string{
		"prose":  prose,
		"mixed":  strings.Repeat(prose[:300]+" Call 0341 8387176 or write to jo@example.com, order 4561237891. ", 50),
		"digits": strings.Repeat("4111 1111 1111 1112 12.34 5 ", 800),
		"accent": strings.Repeat("Größe 38 passt leider überhaupt nicht, die Ärmel sind zu lang. ", 300),
	} {
		b.Run(name, func(b *testing.B) {
			spans := Scan(text, nil)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				spans = Scan(text, spans[:0])
			}
		})
	}
}
