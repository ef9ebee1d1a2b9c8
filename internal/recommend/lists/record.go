package lists

import (
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/decision"
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
func (s *Shop) record(g reader, version registrydb.Version, p past, v *sieve, all []placed, placement string) decision.Record {
	verdict := g.Verdict()
	r := decision.Record{
		V: decision.Form2, Capability: capability, Placement: placement, Subject: g.Subject(), At: s.Now().UTC().Truncate(time.Microsecond),
		Model:  decision.Model{Name: ModelName, Version: version.Number, SHA256: fmt.Sprintf("%x", version.Hash)},
		Inputs: p.inputs, Packs: []string{verdict.Pack},
		Scale: decision.Scale{Link: decision.Identity, Unit: recommend.ScoreUnit, Value: 1},
		Human: &decision.Human{Part: decision.NoHuman},
	}
	for _, e := range all {
		res := decision.Result{Item: e.Item, Score: e.Score, Moved: e.moved, Boosts: e.boosts, Held: e.campaign}
		res.Terms = slices.Grow(res.Terms, len(e.Terms)+len(e.Against)) // none are none still
		for _, t := range e.Terms {
			res.Terms = append(res.Terms, decision.Term{Because: t.Item, Share: t.Share, Weight: t.Share, Value: 1})
		}
		for _, t := range e.Against { // as a purchase, counted against
			res.Terms = append(res.Terms, decision.Term{Because: t.Item, Share: t.Share, Weight: -t.Share, Value: -1})
		}
		r.Results = append(r.Results, res)
	}
	// The rail can be checked from the record alone when no item of the list speaks for
	// another: what was only looked at may be on both sides.
	if !overlaps(all) {
		r.Rails = []decision.Rail{{Name: "bought", Words: "what you already bought is left out", On: decision.OnItems, Op: decision.Apart, Does: decision.Removes, Fired: true}}
		if v.said {
			r.Rails = append(r.Rails, decision.Rail{Name: "taste", Words: "what you said you do not want is left out", On: decision.OnItems, Op: decision.Apart, Does: decision.Removes, Fired: true})
		}
	}
	r.Rails = append(r.Rails, v.rails()...)
	r.Boosting = v.boosting(all)
	return r.WithCounterfactual()
}

// overlaps reports whether an item of a list speaks for another.
func overlaps(ranked []placed) bool {
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
		score := res.Score
		for _, t := range res.Terms {
			if t.Value >= 0 {
				history = append(history, thimble.Interaction{Item: t.Because})
				continue
			}
			score -= t.Share
			if recommend.Explain(now.model, []thimble.Interaction{{Item: t.Because}}, res.Item).Score != -t.Share {
				return false, true
			}
		}
		again := recommend.Explain(now.model, history, res.Item)
		if again.Score != score || len(again.Terms) != len(history) {
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
