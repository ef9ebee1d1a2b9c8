package device

// Parse reads a file without its signature.
var Parse = parse

// Count returns how many people have a pair.
func (p *Pairs) Count() (out map[[2]int32]int64) {
	out = map[[2]int32]int64{}
	for k, v := range p.counts {
		out[[2]int32{k.a, k.b}] = v
	}
	return out
}

// Laplace draws from the discrete Laplace.
func (n *Noise) Laplace(t uint64) int64 { return n.laplace(t) }

// Heaviest keeps the cells whose codes are largest.
var Heaviest = heaviest
