package lists

import (
	"fmt"
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
		Contest: decision.Contest{Right: decision.HumanReview, Effect: "This list ends. You see the popular list until the program has learned anew."},
		Texts:   decision.ListTexts("products"),
	}}
}

// record is the whole decision: who has it can do it again without the model. Each past
// item counts once, so that its value is 1 and its weight is its share.
func (s *Shop) record(g *gate.Grant, v registrydb.Version, history []thimble.Interaction, ranked []recommend.Ranked, placement string) decision.Record {
	verdict := g.Verdict()
	input := decision.Input{Category: thimble.PurchaseHistory, Purpose: g.Purpose(), Basis: verdict.Basis, Cite: verdict.Cite, Count: len(history)}
	if c := verdict.Consent; c.Seq > 0 {
		input.Consent = fmt.Sprintf("%s#%d", c.Purpose, c.Seq)
	}
	r := decision.Record{
		V: decision.Form2, Capability: capability, Placement: placement, Subject: g.Subject(), At: s.Now().UTC().Truncate(time.Microsecond),
		Model:  decision.Model{Name: ModelName, Version: v.Number, SHA256: fmt.Sprintf("%x", v.Hash)},
		Inputs: []decision.Input{input}, Packs: []string{verdict.Pack},
		Scale: decision.Scale{Link: decision.Identity, Unit: recommend.ScoreUnit, Value: 1},
		Rails: []decision.Rail{{Name: "bought", Words: "what you already bought is left out", On: decision.OnItems, Op: decision.Apart, Does: decision.Removes, Fired: true}},
		Human: &decision.Human{Part: decision.NoHuman},
	}
	for _, e := range ranked {
		res := decision.Result{Item: e.Item, Score: e.Score}
		for _, t := range e.Terms {
			res.Terms = append(res.Terms, decision.Term{Because: t.Item, Share: t.Share, Weight: t.Share, Value: 1})
		}
		r.Results = append(r.Results, res)
	}
	return r.WithCounterfactual()
}
