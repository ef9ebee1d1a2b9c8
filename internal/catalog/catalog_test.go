package catalog

import (
	"errors"
	"testing"
	"time"

	"thimble"
)

func TestDaysAreCountedInUTCAndTowardsThePast(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01T00:00:00Z": 0, "1970-01-01T23:59:59Z": 0, "1970-01-02T00:00:00Z": 1,
		"1969-12-31T23:59:59Z": -1, "1969-12-31T00:00:00Z": -1, "2010-12-01T00:30:00+01:00": 14943,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		got := Day(at)
		if got != want {
			t.Errorf("Day(%s) = %d, want %d", text, got, want)
		}
		if back := DayTime(got); at.Before(back) || !at.Before(back.Add(24*time.Hour)) {
			t.Errorf("%s is not within the day that begins at %s", text, back)
		}
	}
}

func TestProductsWithBrokenFieldsAreRefusedByName(t *testing.T) {
	good := Product{ID: "85123A", Name: "T-LIGHT HOLDER", Kind: Goods, Price: thimble.Money{Minor: 255, Currency: "GBP"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, break_ := range map[string]func(*Product){
		"no id":           func(p *Product) { p.ID = "" },
		"control in name": func(p *Product) { p.Name = "A\x00B" },
		"unknown kind":    func(p *Product) { p.Kind = "gift" },
		"negative price":  func(p *Product) { p.Price.Minor = -1 },
		"no UTF-8":        func(p *Product) { p.Category = "\xff" },
	} {
		p := good
		break_(&p)
		if err := p.Validate(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v, want an error of kind invalid", name, err)
		}
	}
}

func TestQueriesAreRefusedByField(t *testing.T) {
	for name, q := range map[string]Query{
		"sort": {Sort: "colour"}, "limit": {Limit: MaxPage + 1}, "negative limit": {Limit: -1},
		"search": {Search: "a b c d e f g h i"}, "category": {Category: "\x01"},
	} {
		if _, err := q.Normal(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v, want an error of kind invalid", name, err)
		}
	}
}

func TestCursorOfAnotherListIsRefused(t *testing.T) {
	q, err := Query{Sort: ByName, After: Position{Sort: ByPrice, Num: 3, ID: "x"}.Cursor()}.Normal()
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []string{q.After, "%%%", "e30"} {
		q.After = after
		if _, err := q.Position(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("cursor %q: got %v, want an error of kind invalid", after, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("", false)
	f.Add(Position{Sort: ByName, Text: "A", ID: "1"}.Cursor(), false)
	f.Fuzz(func(t *testing.T, after string, desc bool) {
		q := Query{Sort: ByName, Desc: desc, After: after, Limit: 1}
		p, err := q.Position()
		if err != nil {
			return
		}
		q.After = p.Cursor()
		if again, err := q.Position(); err != nil || again != p {
			t.Errorf("got %v and %v, want %v", again, err, p)
		}
	})
}
