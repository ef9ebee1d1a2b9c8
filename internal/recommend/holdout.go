package recommend

import "context"

// Held says how well lists by a recipe foretell what people had last.
type Held struct {
	People   int     // who were asked about; with 0 the rest says nothing
	Recall   float64 // share of what was held out that is in a list of 20
	NDCG     float64 // of a list of 20, with binary gains
	Coverage float64 // share of the items that are in some list
}

// HoldOut trains on each history without its last fifth and judges lists for that fifth. It
// changes nothing in d, and costs a training and the memory of one.
func HoldOut(ctx context.Context, r Recipe, d *Dataset) (Held, error) {
	train, held := holdOut(d.histories)
	t := newTuning(d.table.ids, train, held)
	m, err := t.learn(ctx, r)
	if err != nil {
		return Held{}, err
	}
	var out Metrics
	out.judge(m, t.set, t.train, t.held)
	return Held{People: out.TestSize, Recall: out.Recall, NDCG: out.NDCG, Coverage: out.Coverage}, nil
}
