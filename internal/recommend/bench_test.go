package recommend

import (
	"testing"

	"thimble"
)

// The benchmarks use 8,000 people and 4,000 items, about 80,000 interactions.
func benchShop() *Dataset { return clusteredShop(8000, 4000, 12) }

func BenchmarkTrain(b *testing.B) {
	d := benchShop()
	b.ReportAllocs()
	for b.Loop() {
		train(b, DefaultRecipe(), d)
	}
}

func benchHistory() []thimble.Interaction {
	var out []thimble.Interaction
	for i := range 16 {
		out = append(out, thimble.Interaction{Item: itemName(7 * i)})
	}
	return out
}

func BenchmarkForYou(b *testing.B) {
	m := train(b, DefaultRecipe(), benchShop())
	past := benchHistory()
	for name, q := range map[string]Query{"terms": {}, "bare": {NoTerms: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.ForYou(past, q)
			}
		})
	}
}

func BenchmarkForget(b *testing.B) {
	d := benchShop()
	m := train(b, DefaultRecipe(), d)
	b.ReportAllocs()
	columns := 0
	for n := 0; b.Loop(); n++ {
		next, affected, err := m.Forget(b.Context(), d, person(n%8000))
		if err != nil {
			b.Fatal(err)
		}
		m, columns = next, columns+affected
	}
	b.ReportMetric(float64(columns)/float64(b.N), "columns/op")
}

func BenchmarkUnmarshal(b *testing.B) {
	raw := modelBytes(b, train(b, DefaultRecipe(), benchShop()))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := UnmarshalModel(raw); err != nil {
			b.Fatal(err)
		}
	}
}
