package recommend

import (
	"math"
	"math/bits"

	"thimble/internal/ml"
)

// popularity is what a column needs to know about each item: its buyers, and
// functions of its rounded degree; and about each buyer, the weight.
type popularity struct {
	rows     []ml.GramRow
	affinity []uint32  // degree^-neighbour, fixed point: what makes a count a key
	damp     []float64 // degree^-eta
	room     []int     // how many neighbours its column has at most
	weights  *ml.Weights
}

// popularityOf reads the index once per training or update.
func popularityOf(r Recipe, x *index) *popularity {
	n := len(x.degree)
	p := &popularity{rows: make([]ml.GramRow, n), affinity: make([]uint32, n), damp: make([]float64, n), room: make([]int, n), weights: ml.NewWeights(x.weights)}
	first := map[int64]int{} // rounded degree → the first item that has it
	for i, degree := range x.degree {
		rounded := r.round(degree)
		ridge := 0.0
		if k, ok := first[rounded]; ok {
			ridge = p.rows[k].Ridge
			p.affinity[i], p.damp[i], p.room[i] = p.affinity[k], p.damp[k], p.room[k]
		} else {
			first[rounded] = i
			ridge, p.damp[i] = r.ridge(rounded)
			p.affinity[i], p.room[i] = r.affinity(rounded), r.room(rounded)
		}
		p.rows[i] = ml.GramRow{
			Columns: x.buyers[i], Degree: float64(rounded), Pad: rounded - degree, Ridge: ridge,
		}
	}
	return p
}

// round returns a degree rounded up to the recipe's leading bits.
func (r Recipe) round(degree int64) int64 {
	drop := max(0, bits.Len64(uint64(degree))-r.DegreeBits)
	return (degree + 1<<drop - 1) >> drop << drop
}

// unitItems is the number of items of the customer in whose weight the ridge and
// the damping are measured.
const unitItems = 16

// ridge returns the ridge of an item with a rounded degree, and the factor by
// which its own column is damped.
func (r Recipe) ridge(degree int64) (ridge, damp float64) {
	if degree <= 0 {
		return 0, 0
	}
	unit := r.unit()
	relative := float64(degree) / unit
	lambda := float64(float64(r.LambdaMilli) / 1000 * unit)
	ridge = float64(lambda * ml.Pow(relative, float64(r.RidgeMilli)/1000))
	return ridge, ml.Pow(relative, -float64(r.EtaMilli)/1000)
}

const (
	affinityBits = 24
	keyIDBits    = 24
	keyShift     = 16
)

// affinity returns degree^-neighbour in fixed point, of a rounded degree.
func (r Recipe) affinity(degree int64) uint32 {
	if degree <= 0 {
		return 0
	}
	return uint32(ml.Round(math.Ldexp(ml.Pow(float64(degree), -float64(r.NeighbourMilli)/1000), affinityBits)))
}

// minRoom is how many neighbours the least popular item's column may have, unless
// K is less.
const minRoom = 8

// room returns how many neighbours the column of an item with a rounded degree
// has at most.
func (r Recipe) room(degree int64) int {
	if r.HeadMilli == 0 {
		return r.K
	}
	if degree <= 0 {
		return min(r.K, minRoom)
	}
	most := r.MaxK
	if most == 0 {
		most = ml.MaxGramBound
	}
	unit := float64(unitItems * r.unit())
	n := ml.Round(float64(float64(r.K) * ml.Pow(float64(degree)/unit, float64(r.HeadMilli)/1000)))
	return max(min(int(min(n, ml.MaxGramBound)), most), min(r.K, minRoom))
}

// unit returns the weight of a customer of unitItems items.
func (r Recipe) unit() float64 {
	return float64(weightUnit * ml.Pow(unitItems, -float64(r.AlphaMilli)/1000))
}
