package web_test

import (
	"math"
	"testing"
	"time"

	"thimble"
	"thimble/internal/web"
)

func TestValuesReadAsPeopleWriteThem(t *testing.T) {
	for _, tc := range []struct {
		value any
		want  string
	}{
		{0, "0"}, {999, "999"}, {1000, "1,000"}, {-1234567, "−1,234,567"}, {int64(math.MinInt64), "−9,223,372,036,854,775,808"},
		{0.2134, "0.213"}, {12.5, "12.5"}, {-0.0001, "0"}, {123456.78, "123,457"}, {math.NaN(), "–"},
		{thimble.Money{Minor: 5, Currency: "GBP"}, "£0.05"}, {thimble.Money{Minor: -123456, Currency: "EUR"}, "−€1,234.56"},
		{thimble.Money{Minor: 1234, Currency: "JPY"}, "¥1,234"}, {thimble.Money{Minor: 1234, Currency: "KWD"}, "1.234\u00a0KWD"}, {thimble.Money{}, "0.00"},
		{noon, "22 Nov 2026, 12:00 UTC"}, {true, "yes"}, {nil, ""}, {thimble.Hide("Ada"), "[personal]"},
	} {
		if got := web.Text(tc.value); got != tc.want {
			t.Errorf("Text(%v) = %q, want %q", tc.value, got, tc.want)
		}
	}
}

func TestAgesUseOneUnit(t *testing.T) {
	for _, tc := range []struct {
		ago  time.Duration
		want string
	}{
		{30 * time.Second, "just now"}, {time.Minute, "1 minute ago"}, {-3 * time.Hour, "in 3 hours"},
		{49 * time.Hour, "2 days ago"}, {100 * 24 * time.Hour, "3 months ago"}, {-800 * 24 * time.Hour, "in 2 years"},
	} {
		if got := web.Age(noon, noon.Add(-tc.ago)); got != tc.want {
			t.Errorf("Age(%v ago) = %q, want %q", tc.ago, got, tc.want)
		}
	}
}

func TestSharesTokensAndMonograms(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{web.Percent(0.613), "61\u00a0%"}, {web.Percent(0.0213), "2.1\u00a0%"}, {web.Percent(1), "100\u00a0%"},
		{web.ShortToken("sub_0123456789abcdef"), "sub_01234567…"}, {web.ShortToken("R-1042"), "R-1042"},
		{web.Monogram("White hanging heart light"), "WL"}, {web.Monogram("öl"), "Ö"}, {web.Monogram("42"), "·"},
		{web.Plural(1, "order", "orders"), "1 order"}, {web.Plural(2000, "order", "orders"), "2,000 orders"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
