package collect

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble/internal/catalog"
	"thimble/internal/collect/table"
	"thimble/internal/order"
)

const head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"

// read reads a text to its end in batches of so many orders.
func read(text string, size int) (all Batch, sizes []int, err error) {
	opt, err := Options{BatchOrders: size}.normal(Orders)
	if err != nil {
		return all, nil, err
	}
	r, err := newBatchReader(strings.NewReader(text), opt, 0)
	if err != nil {
		return all, nil, err
	}
	for {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return all, sizes, nil
		}
		if err != nil {
			return all, sizes, err
		}
		if b.From != all.To && all.To != 0 {
			return all, sizes, fmt.Errorf("a batch begins at %d, the one before ended at %d", b.From, all.To)
		}
		all.To = b.To
		all.Sales = append(all.Sales, b.Sales...)
		all.Rejects = append(all.Rejects, b.Rejects...)
		sizes = append(sizes, len(b.Sales))
	}
}

func TestEveryBrokenRowIsSkippedForItsReason(t *testing.T) {
	good := `1,22752,BLUE MUG,1,2010-12-01 08:26:00,1.00,7,France`
	for row, want := range map[string]Reason{
		"1,22752,BLUE \xff,1,2010-12-01,1.00,7,France":                               BadEncoding,
		"1,22752,BLUE \x00,1,2010-12-01,1.00,7,France":                               ControlChar,
		"1,22752," + strings.Repeat("x", table.MaxLine) + ",1,2010-12-01,1,7,France": LineTooLong,
		`1,22752,"BLUE MUG,1,2010-12-01,1.00,7,France`:                               BadQuotes,
		`1,22752,BLUE "BIG" MUG,1,2010-12-01,1.00,7,France`:                          BadQuotes,
		`1,22752,BLUE MUG,1,2010-12-01,1.00,7`:                                       BadColumns,
		`1,22752,BLUE MUG,1,2010-12-01,1,00,7,France`:                                BadColumns,
		` ,22752,BLUE MUG,1,2010-12-01,1.00,7,France`:                                BadNumber,
		strings.Repeat("9", 65) + `,22752,BLUE MUG,1,2010-12-01,1.00,7,France`:       BadNumber,
		`A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,France`:          Adjustment,
		"\"1\t2\",22752,MUG,1,2010-12-01,1.00,7,France":                              BadNumber,
		"1,\"22\t752\",MUG,1,2010-12-01,1.00,7,France":                               BadItem,
		`1,,BLUE MUG,1,2010-12-01,1.00,7,France`:                                     BadItem,
		`1,` + strings.Repeat("9", 65) + `,BLUE MUG,1,2010-12-01,1.00,7,France`:      BadItem,
		`1,22752,` + strings.Repeat("É", 201) + `,1,2010-12-01,1.00,7,France`:        BadDescription,
		`1,22752,BLUE MUG,one,2010-12-01,1.00,7,France`:                              BadQuantity,
		`1,22752,BLUE MUG,1.5,2010-12-01,1.00,7,France`:                              BadQuantity,
		`1,22752,BLUE MUG,1000000000,2010-12-01,1.00,7,France`:                       BadQuantity,
		`1,22752,BLUE MUG,0,2010-12-01,1.00,7,France`:                                ZeroQuantity,
		`1,22752,damages,-1,2010-12-01,0,,France`:                                    QuantitySign,
		`C1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`:                               QuantitySign,
		`1,22752,BLUE MUG,1,2010-12-01,"1,00",7,France`:                              BadPrice,
		`1,22752,BLUE MUG,1,2010-12-01,,7,France`:                                    BadPrice,
		`1,22752,BLUE MUG,1,2010-12-01,-0.01,7,France`:                               NegativePrice,
		`1,22752,BLUE MUG,1,1.12.2010,1.00,7,France`:                                 BadDate,
		`1,22752,BLUE MUG,1,1969-12-31,1.00,7,France`:                                BadDate,
		`1,22752,BLUE MUG,1,2010-12-01,1.00,` + strings.Repeat("7", 65) + `,`:        BadCustomer,
		"1,22752,BLUE MUG,1,2010-12-01,1.00,7\u200b,France":                          BadCustomer,
		"1,22752,BLUE MUG,1,2010-12-01,1.00,000,France":                              BadCustomer, // everybody's
		`1,22752,BLUE MUG,1,2010-12-01,1.00,8,France`:                                OtherCustomer,
		`1,22752,BLUE MUG,1,2010-12-01,1.00,,France`:                                 OtherCustomer,
		good + "\n2" + good[1:] + "\n" + good:                                        SplitOrder,
	} {
		b, _, err := read(head+good+"\n"+row+"\n3"+good[1:]+"\n", 500)
		if err != nil {
			t.Fatal(err)
		}
		line := int64(3 + strings.Count(row, "\n"))
		if diff := cmp.Diff([]Reject{{line, want}}, b.Rejects); diff != "" {
			t.Errorf("%.60q: want (-) and got (+) differ:\n%s", row, diff)
		}
		if want.Rule() == "" {
			t.Errorf("reason %s has no words", want)
		}
		if last := b.Sales[len(b.Sales)-1]; last.Order.Number != "3" || last.First != line+1 {
			t.Errorf("%.60q costs the row after it", row)
		}
	}
}

func TestAnOrderHasABoundOfLines(t *testing.T) {
	row := "1,22752,BLUE MUG,1,2010-12-01,1.00,7,France\n"
	b, _, err := read(head+strings.Repeat(row, order.MaxLines+1), 500)
	if err != nil || len(b.Rejects) != 1 || b.Rejects[0].Reason != TooManyLines || b.Rows() != order.MaxLines+1 {
		t.Errorf("got %v, %v", b.Rejects, err)
	}
}

func TestAQuotedFieldMaySpanLinesAndAForgottenQuoteCostsOneRow(t *testing.T) {
	row := func(number, name string) string {
		return number + `,22752,` + name + ",1,2010-12-01,1.00,7,France\n"
	}
	text := head + row("1", "\"BLUE\nOR RED\nMUG\"") + row("2", `"FORGOTTEN`) + "\n" + row("3", "MUG") + row("4", `"FORGOTTEN TOO`) + row("5", "MUG")
	b, _, err := read(text, 2)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, s := range b.Sales {
		numbers = append(numbers, fmt.Sprint(s.Order.Number, "@", s.First))
	}
	want := []string{"1@2", "3@7", "5@9"}
	if diff := cmp.Diff(want, numbers) + cmp.Diff([]Reject{{5, BadQuotes}, {8, BadQuotes}}, b.Rejects); diff != "" {
		t.Errorf("want (-) and got (+) differ:\n%s", diff)
	}
	if got := b.Sales[0].Names[0]; got != "BLUE OR RED MUG" {
		t.Errorf("the name is %q", got)
	}
}

// texts draws files that are partly broken.
func texts() *rapid.Generator[string] {
	cell := func(values ...string) *rapid.Generator[string] { return rapid.SampledFrom(values) }
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		b.WriteString(head)
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			for i, g := range []*rapid.Generator[string]{
				cell("1", "2", "3", "C4", "A5", "6", ""), cell("22752", "POST"), cell("MUG", `"BIG MUG"`, `"BIG`, "A\nB", "\xff"),
				cell("1", "2", "-1", "0", "x"), cell("2010-12-01", "2010-12-02 10:00", "never"), cell("1.00", "0.001", "x"), cell("", "7", "7.0", "8"),
			} {
				b.WriteString(strings.Repeat(",", min(i, 1)) + g.Draw(t, "cell"))
			}
			b.WriteString(",France" + cell("\n", "\r\n", "\n\n").Draw(t, "end"))
		}
		return b.String()
	})
}

func TestTheSizeOfBatchesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts().Draw(t, "text")
		whole, _, err := read(text, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		size := rapid.IntRange(1, 4).Draw(t, "size")
		parts, sizes, err := read(text, size)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := shown(whole), shown(parts); a != b {
			t.Fatalf("in one: %s\nin parts: %s", a, b)
		}
		for i, n := range sizes {
			if n > size || n < size && i < len(sizes)-1 {
				t.Fatalf("batches have %v orders, want %d each", sizes, size)
			}
		}
	})
}

// shown reveals who bought: to compare.
func shown(b Batch) string {
	var all []string
	for _, s := range b.Sales {
		all = append(all, fmt.Sprintf("%+v %q", s, s.Customer.Value.Reveal()))
	}
	return fmt.Sprint(all, b.Rejects, b.To)
}

func TestWhatLiesBehindALineIsWhatALaterReaderSees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts().Draw(t, "text")
		whole, _, err := read(text, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		opt, err := Options{BatchOrders: rapid.IntRange(1, 4).Draw(t, "size")}.normal(Orders)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newBatchReader(strings.NewReader(text), opt, 0)
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for b, err := r.next(); err == nil; b, err = r.next() {
			rows += b.Rows()
			if left := whole.after(b.To).Rows(); rows+left != whole.Rows() {
				t.Fatalf("%d rows up to line %d and %d after it are not %d", rows, b.To, left, whole.Rows())
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(head + "1,22752,BLUE MUG,1,2010-12-01 08:26:00,1.00,7,France\n")
	f.Add(head + "1,22752,\"BLUE\nMUG\",1,2010-12-01,1.00,7,France\r\n\"\n\n\"")
	f.Add(head + "C1,22752,,-1,2010-12-01,0.005,7.0,EIRE")
	f.Fuzz(func(t *testing.T, text string) {
		b, _, err := read(text, 2)
		if err != nil {
			return
		}
		if lines := int64(strings.Count(text, "\n") + 1); b.To > lines || b.Rows() > lines {
			t.Errorf("%d lines have %d rows up to line %d", lines, b.Rows(), b.To)
		}
		for _, s := range b.Sales {
			if err := s.Order.Validate(); err != nil {
				t.Errorf("an order was read that may not be: %v", err)
			}
			if len(s.Names) != len(s.Order.Lines) || s.Last < s.First {
				t.Errorf("an order from line %d to %d has %d names for %d lines", s.First, s.Last, len(s.Names), len(s.Order.Lines))
			}
		}
		for _, p := range Sold(b.Sales) {
			if err := p.Validate(); err != nil {
				t.Errorf("a product was read that may not be: %v", err)
			}
		}
	})
}

func TestPricesAreReadExactlyAndRoundedHalfUp(t *testing.T) {
	for text, want := range map[string]int64{
		"2.55": 255, "0": 0, "0.001": 0, "0.005": 1, "0.0049999": 0, "1.005": 101, "1.015": 102, "8.5": 850, "38970": 3897000, "-0.00": 0, "999999999.995": 100_000_000_000,
	} {
		if got, reason := parsePrice(text, "GBP"); got != want || reason != "" {
			t.Errorf("%s is %d %s, want %d", text, got, reason, want)
		}
	}
	for _, text := range []string{"", ".", ".5", "1.", "1e3", "1,000.00", "£1", "0x1", "1 000", "+1", "NaN", "1.2.3", "1000000000", "٣"} {
		if got, reason := parsePrice(text, "GBP"); reason != BadPrice {
			t.Errorf("%q is %d %s, want no price", text, got, reason)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,9}(\.[0-9]{1,12})?`).Draw(t, "price")
		r, _ := new(big.Rat).SetString(text)
		r.Add(r.Mul(r, big.NewRat(100, 1)), big.NewRat(1, 2))
		want := new(big.Int).Div(r.Num(), r.Denom())
		if got, reason := parsePrice(text, "GBP"); reason != "" || got != want.Int64() {
			t.Fatalf("%s is %d %s, want %s", text, got, reason, want)
		}
	})
}

func TestNumbersOfTheBooksAreTold(t *testing.T) {
	for number, want := range map[string]byte{"536365": 0, "C536379": 'C', "c536379": 'C', "A563186": 'A', "ORD-1": 0, "C": 0, "CX1": 0, "C-1": 0, "#1001": 0, "É1": 0} {
		if got := bookLetter(number); got != want {
			t.Errorf("%s has letter %q, want %q", number, got, want)
		}
	}
}

func TestSpreadsheetNumbersAreWholeAgain(t *testing.T) {
	for text, want := range map[string]string{"17850.0": "17850", "17850.000": "17850", "17850": "17850", "17850.5": "17850.5", "a.0": "a.0", ".0": ".0", "1.": "1."} {
		if got := whole(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestItemCodesHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]string{"85123a": "85123A", "m": "M", "gift_0001_20": "gift_0001_20", "BANK CHARGES": "BANK CHARGES", "straße": "straße"} {
		if got := itemCode(text); string(got) != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestDatesOfOneLayoutAreReadInTheirZone(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	for layout, text := range map[string]string{"": "2010-12-01T08:26:00-05:00", "1/2/2006 15:04": "12/1/2010 8:26", "2006": "2010"} {
		got, ok := Options{Zone: zone, DateLayout: layout}.parseTime(text)
		if want := time.Date(2010, 12, 1, 13, 26, 0, 0, time.UTC); !ok || layout != "2006" && !got.Equal(want) {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if _, ok := (Options{Zone: zone, DateLayout: "1/2/2006"}).parseTime("2010-12-01"); ok {
		t.Error("a date of another layout is read")
	}
}

func TestCountriesHaveTheirCodes(t *testing.T) {
	if len(countries) != 38 {
		t.Errorf("the table has %d countries, UCI Online Retail 38", len(countries))
	}
	for name, want := range map[string]string{"EIRE": "IE", "RSA": "ZA", "United Kingdom": "GB", "FR": "FR", "Channel Islands": "", "European Community": "", "Unspecified": "", "EU": "", "Atlantis": "", "": ""} {
		if got, ok := countryCode(name); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %t, want %q", name, got, ok, want)
		}
	}
	for name, code := range countries {
		if got, _ := countryCode(code); got != code {
			t.Errorf("%s has code %s, which is none", name, code)
		}
	}
}

func TestNotesAreNoNames(t *testing.T) {
	for _, c := range []struct {
		description string
		minor       int64
		want        bool
	}{
		{"WHITE METAL LANTERN", 0, true},
		{"BAG 125g SWIRLY MARBLES", 0, true},
		{"Dr. Jam's Arouzer Stress Ball", 1, true},
		{"damages", 0, false},
		{"?", 0, false},
		{"AMAZON", 0, false},
		{"came coded as 20713", 0, false},
		{"", 5, false},
	} {
		if got := isName(c.description, c.minor); got != c.want {
			t.Errorf("%q at %d is a name: %t, want %t", c.description, c.minor, got, c.want)
		}
	}
}

func TestCategoriesComeFromTheLastWordThatHasOne(t *testing.T) {
	for name, want := range map[string]string{
		"WHITE HANGING HEART T-LIGHT HOLDER": "candles", "JUMBO BAG RED RETROSPOT": "bags", "SET/5 RED RETROSPOT LID GLASS BOWLS": "tableware",
		"PACK OF 72 RETROSPOT CAKE CASES": "kitchen", "CABINETS, BOXES": "storage", "RABBIT NIGHT LIGHT": "lights", "MYSTERY": "other", "": "other",
	} {
		if got := categoryOf(name, catalog.Goods); got != want {
			t.Errorf("%s is among %s, want %s", name, got, want)
		}
	}
	if kindOf("POST") != catalog.Service || kindOf("85123A") != catalog.Goods || kindOf("DCGSSGIRL") != catalog.Goods || kindOf("gift_0001_20") != catalog.Goods {
		t.Error("goods and services are mixed up")
	}
	if got := categoryOf("POSTAGE", catalog.Service); got != "service" {
		t.Errorf("postage is among %s", got)
	}
}

func TestProductsTakeTheLatestNameAndSalesPrice(t *testing.T) {
	b, _, err := read(head+strings.Join([]string{
		`1,22752,OLD MUG,1,2010-12-01,1.00,7,France`,
		`2,22752,BLUE MUG,1,2010-12-02,1.25,7,France`, `2,22752,BLUE MUG,2,2010-12-02,1.25,7,France`,
		`3,22752,found,1,2010-12-03,0.00,,France`,
		`C4,22752,BLUE MUG,-1,2010-12-04,9.00,7,France`,
	}, "\n"), 500)
	if err != nil {
		t.Fatal(err)
	}
	p := Sold(b.Sales)
	if len(p) != 1 || p[0].Name != "BLUE MUG" || p[0].Price.Minor != 125 || p[0].Category != "mugs" || p[0].UpdatedAt.Day() != 4 {
		t.Errorf("got %+v", p)
	}
	want := []catalog.Demand{{Item: "22752", Day: 14944, Orders: 1, Units: 1}, {Item: "22752", Day: 14945, Orders: 1, Units: 3}, {Item: "22752", Day: 14946, Orders: 1, Units: 1}}
	if diff := cmp.Diff(want, Demand(b.Sales)); diff != "" {
		t.Errorf("want (-) and got (+) differ:\n%s", diff)
	}
}
