package order

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
)

var noon = time.Date(2010, 12, 1, 12, 0, 0, 0, time.UTC)

func pence(n int64) thimble.Money { return thimble.Money{Minor: n, Currency: "GBP"} }

func orders() *rapid.Generator[Order] {
	return rapid.Custom(func(t *rapid.T) Order {
		o := Order{
			Number:   rapid.StringN(1, 16, MaxNumber).Draw(t, "number"),
			PlacedAt: time.UnixMicro(rapid.Int64Range(1, 1<<57).Draw(t, "at")).UTC(),
			Country:  rapid.SampledFrom([]string{"", "GB", "IE"}).Draw(t, "country"),
			Return:   rapid.Bool().Draw(t, "return"),
		}
		currency := rapid.SampledFrom([]string{"GBP", "EUR"}).Draw(t, "currency")
		for range rapid.IntRange(1, 20).Draw(t, "lines") {
			o.Lines = append(o.Lines, Line{
				Item:  thimble.ItemID(rapid.StringN(1, 16, MaxItem).Draw(t, "item")),
				Units: rapid.Int64Range(1, MaxUnits).Draw(t, "units"),
				Price: thimble.Money{Minor: rapid.Int64Range(0, MaxMinor).Draw(t, "minor"), Currency: currency},
			})
		}
		return o
	})
}

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := orders().Draw(t, "order")
		b, err := Encode(o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if diff := cmp.Diff(o, got); err != nil || diff != "" {
			t.Fatalf("error %v; want (-) and got (+) differ:\n%s", err, diff)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := Decode(b[:cut]); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("the first %d of %d bytes decode: %v", cut, len(b), err)
		}
		if _, err := Decode(append(slices.Clone(b), 0)); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("a longer body decodes: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	b, err := Encode(Order{Number: "536365", PlacedAt: noon, Country: "GB", Lines: []Line{{"85123A", 6, pence(255)}, {"71053", 1, pence(0)}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{1, 0})
	f.Add([]byte{1, 0, 'G', 'B', 'P', 1, 1, 'x', 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Decode(b)
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("got %v, want an error of kind invalid", err)
			}
			return
		}
		again, err := Encode(o)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x decodes, but encodes as %x, %v", b, again, err)
		}
	})
}

func TestOrdersThatBreakARuleAreNotEncoded(t *testing.T) {
	good := Order{Number: "1", PlacedAt: noon, Lines: []Line{{"a", 1, pence(1)}}}
	for name, break_ := range map[string]func(*Order){
		"no number":      func(o *Order) { o.Number = "" },
		"no time":        func(o *Order) { o.PlacedAt = time.Time{} },
		"nanoseconds":    func(o *Order) { o.PlacedAt = noon.Add(1) },
		"country's name": func(o *Order) { o.Country = "France" },
		"small country":  func(o *Order) { o.Country = "fr" },
		"no lines":       func(o *Order) { o.Lines = nil },
		"no item":        func(o *Order) { o.Lines = []Line{{"", 1, pence(1)}} },
		"no units":       func(o *Order) { o.Lines = []Line{{"a", 0, pence(1)}} },
		"negative price": func(o *Order) { o.Lines = []Line{{"a", 1, pence(-1)}} },
		"no currency":    func(o *Order) { o.Lines = []Line{{"a", 1, thimble.Money{Minor: 1}}} },
		"two currencies": func(o *Order) {
			o.Lines = []Line{{"a", 1, pence(1)}, {"b", 1, thimble.Money{Minor: 1, Currency: "EUR"}}}
		},
	} {
		o := good
		break_(&o)
		if _, err := Encode(o); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v, want an error of kind invalid", name, err)
		}
	}
}

// plain opens what was never sealed.
type plain struct{ body []byte }

func (p plain) Open(context.Context, thimble.Cell, []byte) ([]byte, error) { return p.body, nil }

func TestRowWithAnotherTimeIsRefused(t *testing.T) {
	b, err := Encode(Order{Number: "1", PlacedAt: noon, Lines: []Line{{"a", 1, pence(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unseal(t.Context(), plain{b}, Sealed{PlacedAt: noon}); err != nil {
		t.Fatal(err)
	}
	_, err = Unseal(t.Context(), plain{b}, Sealed{PlacedAt: noon.Add(time.Hour)})
	if !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestHistoryIsWhatWasKept(t *testing.T) {
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	bought := []Order{
		{PlacedAt: day(1), Lines: []Line{{"mug", 6, pence(1)}, {"bag", 2, pence(1)}, {"tin", 1, pence(1)}}},
		{PlacedAt: day(2), Lines: []Line{{"mug", 1, pence(1)}, {"mug", 2, pence(1)}}},
		{PlacedAt: day(3), Return: true, Lines: []Line{{"mug", 4, pence(1)}, {"bag", 2, pence(1)}, {"lamp", 1, pence(1)}}},
	}
	want := []thimble.Interaction{{Item: "tin", At: day(1), Units: 1}, {Item: "mug", At: day(2), Units: 5}}
	if diff := cmp.Diff(want, History(bought)); diff != "" {
		t.Errorf("want (-) and got (+) differ:\n%s", diff)
	}
	if got := History(nil); len(got) != 0 {
		t.Errorf("the history of nothing is %v", got)
	}
}

func TestHistoryDoesNotDependOnTheOrderOfOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(orders(), 0, 6).Draw(t, "orders")
		if diff := cmp.Diff(History(all), History(rapid.Permutation(all).Draw(t, "shuffled"))); diff != "" {
			t.Fatalf("the histories differ:\n%s", diff)
		}
	})
}
