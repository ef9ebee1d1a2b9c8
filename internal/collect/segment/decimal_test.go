package segment

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestAmountsBecomeMinorUnits(t *testing.T) {
	for _, c := range []struct {
		text   string
		places int
		want   string
	}{
		{"19.99", 2, "1999"}, {"19.999", 2, "2000"}, {"0.005", 2, "1"}, {"0.0049", 2, "0"}, {"-0.005", 2, "-1"}, {"-0.001", 2, "0"}, {"1e2", 2, "10000"}, {"1.5E-1", 2, "15"}, {"1500.5", 0, "1501"},
		{"12.3456", 3, "12346"}, {"0.29", 2, "29"}, {"1.005", 2, "101"}, {"4.35", 2, "435"}, {"999999999999999.99", 2, "99999999999999999"}, {"0", 2, "0"}, {"-0", 2, "0"}, {"0.00", 4, "0"}, {"1e-300", 2, "0"},
	} {
		d := readDecimal([]byte(c.text))
		if got := string(appendMinor(nil, &d, c.places)); got != c.want {
			t.Errorf("%s with %d places is %s, want %s", c.text, c.places, got, c.want)
		}
	}
}

func TestDecimalsAreThoseOfExactArithmetic(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	half := big.NewRat(1, 2)
	for range times(50_000, 3_000_000) {
		text := strconv.FormatInt(rng.Int64N(1e9)-5e8, 10)
		if rng.IntN(2) == 0 {
			text += fmt.Sprintf(".%0*d", 1+rng.IntN(6), rng.IntN(10))
		}
		if rng.IntN(4) == 0 {
			text += fmt.Sprintf("e%d", rng.IntN(12)-8)
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		d := readDecimal([]byte(text))
		for _, places := range []int{0, 2, 3, 4} {
			scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)))
			negative := scaled.Sign() < 0
			scaled.Abs(scaled).Add(scaled, half)
			want := new(big.Int).Quo(scaled.Num(), scaled.Denom())
			if negative {
				want.Neg(want)
			}
			if got := string(appendMinor(nil, &d, places)); got != want.String() {
				t.Fatalf("%s with %d places is %s, want %s", text, places, got, want)
			}
		}
		v, whole := d.whole()
		if whole != exact.IsInt() || whole && big.NewRat(v, 1).Cmp(exact) != 0 {
			t.Fatalf("%s: whole %t, %d; exactly %s", text, whole, v, exact)
		}
	}
}
