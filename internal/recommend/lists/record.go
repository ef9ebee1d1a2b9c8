package lists

import (
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/registry/registrydb"
)

const capability = "recommend"

// DecisionTypes are the automated decisions that lists make.
func DecisionTypes() []decision.Type {
	return []decision.Type{{
		Capability: capability, About: decision.Person, Title: "A list of products for you", Counter: decision.LeavesOut,
		Recourse: decision.Recourse{Right: decision.HumanReview, Effect: "This list ends. You see the popular list until the program has learned anew."},
		Texts:    decision.ListTexts("products"),
	}}
}

// record is the whole decision: who has it can do it again without the model. Each past
// item counts once, so that its value is 1 and its weight is its share.
func (s *Shop) record(g *gate.Grant, v registrydb.Version, p past, ranked []recommend.Ranked, placement string) decision.Record {
	verdict := g.Verdict()
	r := decision.Record{
		V: decision.Form2, Capability: capability, Placement: placement, Subject: g.Subject(), At: s.Now().UTC().Truncate(time.Microsecond),
		Model:  decision.Model{Name: ModelName, Version: v.Number, SHA256: fmt.Sprintf("%x", v.Hash)},
		Inputs: p.inputs, Packs: []string{verdict.Pack},
		Scale: decision.Scale{Link: decision.Identity, Unit: recommend.ScoreUnit, Value: 1},
		Human: &decision.Human{Part: decision.NoHuman},
	}
	for _, e := range ranked {
		res := decision.Result{Item: e.Item, Score: e.Score}
		for _, t := range e.Terms {
			res.Terms = append(res.Terms, decision.Term{Because: t.Item, Share: t.Share, Weight: t.Share, Value: 1})
		}
		r.Results = append(r.Results, res)
	}
	// The rail can be checked from the record alone when no item of the list speaks for
	// another: what was only looked at may be on both sides.
	if !overlaps(ranked) {
		r.Rails = []decision.Rail{{Name: "bought", Words: "what you already bought is left out", On: decision.OnItems, Op: decision.Apart, Does: decision.Removes, Fired: true}}
	}
	return r.WithCounterfactual()
}

// overlaps reports whether an item of a list speaks for another.
func overlaps(ranked []recommend.Ranked) bool {
	in := make(map[thimble.ItemID]bool, len(ranked))
	for _, e := range ranked {
		in[e.Item] = true
	}
	for _, e := range ranked {
		for _, t := range e.Terms {
			if in[t.Item] {
				return true
			}
		}
	}
	return false
}

// Compare asks the model that serves for the scores of a record again, from the purchases
// that its terms name. Known is false when another model decided.
func (s *Shop) Compare(r decision.Record) (same, known bool) {
	now := s.live.Load()
	if now == nil || r.Capability != capability || r.Model.SHA256 != fmt.Sprintf("%x", now.version.Hash) {
		return false, false
	}
	for _, res := range r.Results {
		var history []thimble.Interaction
		for _, t := range res.Terms {
			history = append(history, thimble.Interaction{Item: t.Because})
		}
		again := recommend.Explain(now.model, history, res.Item)
		if again.Score != res.Score || len(again.Terms) != len(res.Terms) {
			return false, true
		}
		for _, t := range again.Terms {
			if !slices.ContainsFunc(res.Terms, func(u decision.Term) bool { return u.Because == t.Item && u.Share == t.Share }) {
				return false, true
			}
		}
	}
	return true, true
}
