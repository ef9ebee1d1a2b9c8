package decision

import (
	"cmp"
	"slices"

	"thimble"
)

// Bounds of a record, so that replaying it stays cheap whoever wrote it.
const (
	maxName     = 200
	maxFeatures = 256
	maxRails    = 32
	maxBands    = 32
)

// A Feature is one value that went into a score. Text says it in words; Options are
// what the person could change it to, empty when they cannot.
type Feature struct {
	Key      thimble.ItemID   `json:"key"`
	Words    string           `json:"words"`
	Category thimble.Category `json:"category"`
	Value    int64            `json:"value"`
	Weight   int64            `json:"weight"`
	Text     string           `json:"text,omitempty"`
	Source   string           `json:"source,omitempty"`
	Options  []Option         `json:"options,omitempty"`
}

// An Option is another value that a feature could have, and its weight then: a scorecard
// has one for each bin.
type Option struct {
	Text   string `json:"text"`
	Value  int64  `json:"value"`
	Weight int64  `json:"weight"`
}

// What a rail looks at beside the features.
const (
	OnScore = "score" // of each result
	OnItems = "items" // that are named by the terms
	OnList  = "list"  // what could have been in it
)

// Ops of rails.
const (
	Above = "above" // fires above the limit
	Below = "below" // fires below it
	Apart = "apart" // no result is one of the items that the terms name
	Among = "among" // chooses among what could be in a list
)

// What a rail does when it fires.
const (
	Bounds  = "bounds"  // the score becomes the limit
	Forces  = "forces"  // the outcome becomes the rail's
	Removes = "removes" // it kept something out
	Chooses = "chooses" // it said what of many is in the list
)

// A Rail is a rule that stands above the sum. Fired says whether it did; it is
// evaluated again when the record is replayed.
type Rail struct {
	Name    string `json:"name"`
	Words   string `json:"words"`
	On      string `json:"on"`
	Op      string `json:"op"`
	Limit   int64  `json:"limit,omitempty"`
	Does    string `json:"does"`
	Outcome string `json:"outcome,omitempty"`
	Fired   bool   `json:"fired"`
}

// A Band is an outcome with the score it begins at. The first band reaches down
// without an end, and has no At. Later bands are better for the person.
type Band struct {
	At      int64  `json:"at,omitempty"`
	Outcome string `json:"outcome"`
	Words   string `json:"words"`
}

// Replay does the decision again from the record alone, and compares. The error is of
// kind ErrInvalid and names what comes out differently.
func (r Record) Replay() error {
	if err := r.form(); err != nil {
		return err
	}
	values := map[thimble.ItemID]Feature{}
	for _, f := range r.Features {
		values[f.Key] = f
	}
	fired := make([]bool, len(r.Rails))
	var last *int64 // the score above that is won by one
	for i := range r.Results {
		res := &r.Results[i]
		if err := r.sum(i, values); err != nil {
			return err
		}
		moved, err := r.moves(i)
		if err != nil {
			return err
		}
		settled := r.settle(res.Score+moved, fired)
		if settled-res.Score != res.Moved {
			return invalid("results[%d].moved: rails and boosts move the score by %d, the record says %d", i, settled-res.Score, res.Moved)
		}
		if got := r.Scale.shown(settled); (got == nil) != (res.Shown == nil) || got != nil && *got != *res.Shown {
			return invalid("results[%d].shown is not what the table says", i)
		}
		if got := r.outcome(settled, r.forced(values, fired)); got != res.Outcome {
			return invalid("results[%d].outcome: %q comes out, the record says %q", i, got, res.Outcome)
		}
		if res.Held != "" {
			continue
		}
		if last != nil && settled > *last {
			return invalid("results[%d] stands below a lower score", i)
		}
		last = &settled
	}
	if err := r.apart(fired); err != nil {
		return err
	}
	for i, rail := range r.Rails {
		if rail.Fired != fired[i] {
			return invalid("rails[%d].fired: the rail %q comes out otherwise", i, rail.Name)
		}
	}
	return r.checkCounter()
}

// sum does one result's sum again.
func (r Record) sum(i int, values map[thimble.ItemID]Feature) error {
	res := r.Results[i]
	total := res.Base
	for j, t := range res.Terms {
		share, ok := scaled(t.Weight, t.Value, r.Scale.Value)
		if !ok || share != t.Share {
			return invalid("results[%d].terms[%d]: weight times value is not the share %d", i, j, t.Share)
		}
		if f, named := values[t.Because]; len(r.Features) > 0 && (!named || f.Value != t.Value || f.Weight != t.Weight) {
			return invalid("results[%d].terms[%d]: no feature has that key, value and weight", i, j)
		}
		if total += share; abs(total) > exact {
			return invalid("results[%d]: the sum is out of range", i)
		}
	}
	if total != res.Score {
		return invalid("results[%d]: the terms sum to %d, the score is %d", i, total, res.Score)
	}
	return nil
}

// settle applies the rails that bound scores.
func (r Record) settle(score int64, fired []bool) int64 {
	for i, rail := range r.Rails {
		if rail.Does == Bounds && rail.fires(score) {
			score = rail.Limit
			if fired != nil {
				fired[i] = true
			}
		}
	}
	return score
}

func (rail Rail) fires(v int64) bool {
	return rail.Op == Above && v > rail.Limit || rail.Op == Below && v < rail.Limit
}

// forced is the outcome that the rails on features leave: of several that fire, the
// first counts.
func (r Record) forced(values map[thimble.ItemID]Feature, fired []bool) (outcome string) {
	for i, rail := range r.Rails {
		if rail.Does != Forces || !rail.fires(values[thimble.ItemID(rail.On)].Value) {
			continue
		}
		if fired != nil {
			fired[i] = true
		}
		outcome = cmp.Or(outcome, rail.Outcome)
	}
	return outcome
}

// band returns the place of the band that a score falls into; -1 without bands.
func (r Record) band(score int64) int {
	at := len(r.Bands) - 1
	for at > 0 && score < r.Bands[at].At {
		at--
	}
	return at
}

// place returns which band an outcome is; -1 for none.
func (r Record) place(outcome string) int {
	return slices.IndexFunc(r.Bands, func(b Band) bool { return b.Outcome == outcome })
}

func (r Record) outcome(settled int64, forced string) string {
	if forced != "" || len(r.Bands) == 0 {
		return forced
	}
	return r.Bands[r.band(settled)].Outcome
}

// apart evaluates the rails that keep what the person has out of the list.
func (r Record) apart(fired []bool) error {
	had := map[thimble.ItemID]bool{}
	for _, res := range r.Results {
		for _, t := range res.Terms {
			had[t.Because] = true
		}
	}
	for i, rail := range r.Rails {
		if rail.Does == Removes || rail.Does == Chooses {
			fired[i] = rail.Fired // what it kept out cannot be seen in what is there
		}
		if rail.Does != Removes {
			continue
		}
		if j := slices.IndexFunc(r.Results, func(res Result) bool { return had[res.Item] }); j >= 0 {
			return invalid("results[%d].item: the rail %q keeps it out", j, rail.Name)
		}
	}
	return nil
}

// form checks what can be said of a record without doing it again.
func (r Record) form() error {
	if len(r.Guards) > 0 {
		return invalid("guards: form 2 has rails")
	}
	for _, err := range []error{r.About.check(), r.Scale.check(), r.Propensity.check(), r.Human.check(), r.Boosting.check(), r.checkFeatures(), r.checkRails(), r.checkBands()} {
		if err != nil {
			return err
		}
	}
	for i, res := range r.Results {
		if abs(res.Base) > exact || abs(res.Score) > exact || abs(res.Moved) > exact {
			return invalid("results[%d]: a number is out of range", i)
		}
	}
	return nil
}

func (r Record) checkFeatures() error {
	if len(r.Features) > maxFeatures {
		return invalid("features: at most %d were expected", maxFeatures)
	}
	seen := map[thimble.ItemID]bool{}
	for i, f := range r.Features {
		if f.Key == "" || seen[f.Key] || f.Key == OnScore || f.Key == OnItems {
			return invalid("features[%d].key: a name of its own was expected", i)
		}
		seen[f.Key] = true
		for _, o := range append([]Option{{Value: f.Value, Weight: f.Weight}}, f.Options...) {
			if abs(o.Value) > exact || abs(o.Weight) > exact {
				return invalid("features[%d]: a number is out of range", i)
			}
			if _, ok := scaled(o.Value, o.Weight, r.Scale.Value); !ok {
				return invalid("features[%d]: a share is out of range", i)
			}
		}
		if len(f.Options) > maxOptions {
			return invalid("features[%d].options: at most %d were expected", i, maxOptions)
		}
	}
	return nil
}

func (r Record) checkRails() error {
	if len(r.Rails) > maxRails {
		return invalid("rails: at most %d were expected", maxRails)
	}
	forcing := map[string]bool{}
	for i, rail := range r.Rails {
		on := rail.On == OnScore
		if rail.Does == Forces {
			on = slices.ContainsFunc(r.Features, func(f Feature) bool { return string(f.Key) == rail.On })
			forcing[rail.On] = true
		}
		compares := rail.Op == Above || rail.Op == Below
		ok := (rail.Does == Bounds || rail.Does == Forces) && compares && on || rail.Does == Removes && rail.Op == Apart && rail.On == OnItems ||
			rail.Does == Chooses && rail.Op == Among && rail.On == OnList
		switch {
		case rail.Name == "" || rail.Words == "":
			return invalid("rails[%d]: a name and words are needed", i)
		case !ok:
			return invalid("rails[%d]: %q does not fit %q on %q", i, rail.Does, rail.Op, rail.On)
		case abs(rail.Limit) > exact:
			return invalid("rails[%d].limit is out of range", i)
		case (rail.Does == Forces) != (rail.Outcome != ""):
			return invalid("rails[%d].outcome: a rail that forces has one, and no other", i)
		case rail.Does == Forces && r.place(rail.Outcome) < 0:
			return invalid("rails[%d].outcome: no band has it", i)
		}
	}
	if len(forcing) > maxForcing {
		return invalid("rails: at most %d features may force an outcome", maxForcing)
	}
	return nil
}

func (r Record) checkBands() error {
	if len(r.Bands) > maxBands {
		return invalid("bands: at most %d were expected", maxBands)
	}
	for i, b := range r.Bands {
		if b.Outcome == "" || b.Words == "" || abs(b.At) > exact {
			return invalid("bands[%d]: an outcome, its words and where it begins are needed", i)
		}
		if i == 0 && b.At != 0 || i > 1 && b.At <= r.Bands[i-1].At {
			return invalid("bands[%d].at: bands begin without an end and rise", i)
		}
	}
	return nil
}

// Settle fills in what follows from terms, rails, table and bands, and orders the
// results: what a capability leaves to be worked out.
func (r Record) Settle() Record {
	values := map[thimble.ItemID]Feature{}
	for _, f := range r.Features {
		values[f.Key] = f
	}
	fired := make([]bool, len(r.Rails))
	r.Results, r.Rails = slices.Clone(r.Results), slices.Clone(r.Rails)
	for i := range r.Results {
		res := &r.Results[i]
		res.Terms = slices.Clone(res.Terms)
		res.Score = res.Base
		for j := range res.Terms {
			t := &res.Terms[j]
			t.Share, _ = scaled(t.Weight, t.Value, max(r.Scale.Value, 1)) // out of range is found by Check
			res.Score += t.Share
		}
		settled := r.settle(res.Score+r.boost(res), fired)
		res.Moved, res.Shown, res.Outcome = settled-res.Score, r.Scale.shown(settled), r.outcome(settled, r.forced(values, fired))
	}
	slices.SortStableFunc(r.Results, func(a, b Result) int { return cmp.Compare(b.Score+b.Moved, a.Score+a.Moved) })
	for i := range r.Rails {
		if d := r.Rails[i].Does; d != Removes && d != Chooses {
			r.Rails[i].Fired = fired[i]
		}
	}
	return r
}
