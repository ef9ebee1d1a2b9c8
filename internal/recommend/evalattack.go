package recommend

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"thimble"
	"thimble/internal/recommend/suspect"
)

// An AttackConfig says what an attack on a shop should be like. The attackers make
// accounts that are not trusted, all of them with the item that they push.
type AttackConfig struct {
	Train, Test io.Reader // as in an EvalConfig
	// Segments, when not nil, is a JSON object of items to the numbers of what they are
	// of, such as categories. Without it a segment is an item and its neighbours.
	Segments io.Reader
	Recipe   Recipe // the zero recipe means DefaultRecipe
	// Kind is what else the accounts have: "segment" the popular items of one segment,
	// "random" any items, "average" any by how popular they are, "bandwagon" half the
	// ten most popular and half any, "popular" some of the fifty most popular.
	Kind string
	// Share is how many accounts of 1000 people they make.
	Share   int
	Targets int // items that are pushed, one after the other; 0 means 20
	// Progress, when not nil, is told how far a stage is.
	Progress func(stage string, done, total int)
}

// AttackMetrics is what an attack came to. Rates are per cent of the people judged: of
// those who had two items of the segment or more, or of all, without who had the target.
type AttackMetrics struct {
	Kind      string  `json:"attack"`
	Share     float64 `json:"share_percent"`
	Accounts  int     `json:"accounts"`
	Targets   int     `json:"targets"`
	Judged    float64 `json:"judged_people"` // mean by target
	Segments  string  `json:"segments"`
	Untrusted float64 `json:"untrusted_percent"` // of the genuine people

	Clean    float64 `json:"hr@10_clean"`
	Attacked float64 `json:"hr@10_attacked"`
	Caps     float64 `json:"hr@10_caps"`
	Detector float64 `json:"hr@10_caps_detector"`
	// Worst is the largest of all targets' rises, with caps and with both.
	WorstCaps     float64 `json:"worst_shift_caps"`
	WorstDetector float64 `json:"worst_shift_caps_detector"`

	Precision float64 `json:"detector_precision"`
	Recall    float64 `json:"detector_recall"`
	Wrong     float64 `json:"detector_wrong_percent"` // of the genuine people

	NDCG         float64 `json:"ndcg@20_clean"`
	NDCGDefended float64 `json:"ndcg@20_clean_defended"`
	LossPercent  float64 `json:"ndcg_loss_percent"`

	Recipe Recipe `json:"recipe"`
}

// A Figure is a line of a printed table.
type Figure struct {
	Key   string
	Value any
}

// Rows returns the figures in the order in which one reads them, rounded.
func (m AttackMetrics) Rows() []Figure {
	round := func(v float64) string { return fmt.Sprintf("%.4f", v) }
	return []Figure{
		{"attack", m.Kind}, {"share_percent", m.Share}, {"accounts", m.Accounts}, {"targets", m.Targets},
		{"segments", m.Segments}, {"judged_people", round(m.Judged)}, {"untrusted_percent", m.Untrusted},
		{"hr@10_clean", round(m.Clean)}, {"hr@10_attacked", round(m.Attacked)},
		{"hr@10_caps", round(m.Caps)}, {"hr@10_caps_detector", round(m.Detector)},
		{"worst_shift_caps", round(m.WorstCaps)}, {"worst_shift_caps_detector", round(m.WorstDetector)},
		{"detector_precision", round(m.Precision)}, {"detector_recall", round(m.Recall)}, {"detector_wrong_percent", round(m.Wrong)},
		{"ndcg@20_clean", round(m.NDCG)}, {"ndcg@20_clean_defended", round(m.NDCGDefended)}, {"ndcg_loss_percent", round(m.LossPercent)},
	}
}

// AttackKinds are the kinds that EvaluateAttack knows.
func AttackKinds() []string { return []string{"segment", "random", "average", "bandwagon", "popular"} }

// attackSeed fixes who is not trusted, what is pushed and what the accounts have.
const attackSeed = 29

const (
	attackList = 10   // the length of the lists that are judged
	untrusted  = 5    // one of so many genuine people is not trusted
	judgedMost = 2000 // people judged for one target
	coldFrom   = 3    // a target has from so many people
	coldTo     = 12   // to so many
	segmentTop = 20   // popular items of a segment that the accounts have
)

// EvaluateAttack trains on a file, attacks it, and says how often the pushed item is in
// people's lists before, after, with the recipe's caps, and without whom the detector
// suspects. Of the genuine people one in five, by lot, is not trusted: files of the
// field do not say who is.
func EvaluateAttack(ctx context.Context, c AttackConfig) (AttackMetrics, error) {
	if !slices.Contains(AttackKinds(), c.Kind) {
		return AttackMetrics{}, fmt.Errorf("recommend: attack %q is none of %v: %w", c.Kind, AttackKinds(), thimble.ErrInvalid)
	}
	if c.Share < 1 || c.Share > 1000 {
		return AttackMetrics{}, fmt.Errorf("recommend: an attack of %d in 1000 people, must be from 1 to 1000: %w", c.Share, thimble.ErrInvalid)
	}
	set, err := readEvalSet(c.Train, c.Test)
	if err != nil {
		return AttackMetrics{}, err
	}
	a, err := newAttack(ctx, c, set)
	if err != nil {
		return AttackMetrics{}, err
	}
	if err := a.clean(ctx); err != nil {
		return a.out, err
	}
	targets := a.targets()
	for n, t := range targets {
		if err := a.push(ctx, t); err != nil {
			return a.out, err
		}
		if c.Progress != nil {
			c.Progress("attack", n+1, len(targets))
		}
	}
	a.mean(len(targets))
	return a.out, nil
}

// An attack is the shop under attack, without caps and with them.
type attack struct {
	c          AttackConfig
	rng        *rand.Rand
	set        *evalSet
	trusted    []bool
	popularity []int
	byRank     []int32   // items, most popular first
	segments   [][]int32 // item → the items of its segment, most popular first
	length     int       // items of an account
	open, caps *defence
	out        AttackMetrics
}

// A defence is the shop's data and model under one recipe.
type defence struct {
	data  *Dataset
	model *Model
}

func newAttack(ctx context.Context, c AttackConfig, set *evalSet) (*attack, error) {
	if c.Recipe == (Recipe{}) {
		c.Recipe = DefaultRecipe()
	}
	a := &attack{
		c: c, rng: rand.New(rand.NewPCG(attackSeed, 0)), set: set,
		trusted: make([]bool, len(set.train)), popularity: make([]int, len(set.names)),
	}
	people, pairs := 0, 0
	for user, items := range set.train {
		a.trusted[user] = a.rng.IntN(untrusted) > 0
		people += min(1, len(items))
		pairs += len(items)
		for _, i := range items {
			a.popularity[i]++
		}
	}
	a.length = max(2, pairs/max(people, 1))
	for i := range set.names {
		a.byRank = append(a.byRank, int32(i))
	}
	a.rank(a.byRank)
	bounded := c.Recipe.Bounded(people, attackSeed)
	a.out = AttackMetrics{
		Kind: c.Kind, Share: float64(c.Share) / 10, Accounts: max(1, people*c.Share/1000), Recipe: bounded,
		Untrusted: 100.0 / untrusted, Segments: "an item and its neighbours",
	}
	var err error
	if a.open, err = a.defend(ctx, c.Recipe); err != nil {
		return nil, err
	}
	if a.caps, err = a.defend(ctx, bounded); err != nil {
		return nil, err
	}
	if c.Segments != nil {
		a.out.Segments = "of the file of segments"
		a.segments, err = a.readSegments(c.Segments)
	}
	return a, err
}

// rank sorts items by popularity, then by id.
func (a *attack) rank(items []int32) {
	slices.SortFunc(items, func(i, j int32) int {
		return cmp.Or(cmp.Compare(a.popularity[j], a.popularity[i]), cmp.Compare(i, j))
	})
}

func (a *attack) defend(ctx context.Context, r Recipe) (*defence, error) {
	d := &defence{data: NewDataset(a.set.names)}
	for user := range a.set.train {
		_ = d.data.Put(evalPerson(user), a.history(a.set.train[user], a.trusted[user])) // never the zero subject
	}
	var err error
	d.model, err = Train(ctx, r, d.data, nil)
	return d, err
}

func (a *attack) history(items []int32, trusted bool) History {
	h := History{Trusted: trusted}
	for _, i := range items {
		h.Items = append(h.Items, a.set.names[i])
	}
	return h
}

// readSegments takes of what an item is of the largest that has at most a tenth of all
// items: the broadest segment that is one.
func (a *attack) readSegments(from io.Reader) ([][]int32, error) {
	var of map[string][]int
	if err := json.NewDecoder(from).Decode(&of); err != nil {
		return nil, fmt.Errorf("recommend: reading segments: it is no object of items to lists of numbers: %w", thimble.ErrInvalid)
	}
	members := map[int][]int32{}
	for i, id := range a.set.names {
		for _, s := range of[string(id)] {
			members[s] = append(members[s], int32(i))
		}
	}
	out := make([][]int32, len(a.set.names))
	for _, items := range members {
		a.rank(items)
	}
	for i, id := range a.set.names {
		best := -1
		for _, s := range of[string(id)] {
			if n := len(members[s]); n > len(a.set.names)/10 || n <= segmentTop {
				continue
			}
			if best < 0 || len(members[s]) > len(members[best]) || len(members[s]) == len(members[best]) && s < best {
				best = s
			}
		}
		if best >= 0 {
			out[i] = members[best]
		}
	}
	return out, nil
}

// clean judges the lists that nobody attacks, with all defences and without.
func (a *attack) clean(ctx context.Context) error {
	var open, defended Metrics
	open.judge(a.open.model, a.set, a.set.train, a.set.test)
	m, suspects, err := a.caps.without(ctx, a.suspects(nil))
	if err != nil {
		return err
	}
	defended.judge(m, a.set, a.set.train, a.set.test)
	a.caps.restore(suspects)
	a.out.NDCG, a.out.NDCGDefended = open.NDCG, defended.NDCG
	a.out.LossPercent = 100 * (1 - defended.NDCG/max(open.NDCG, 1e-9))
	return nil
}

// suspects returns whom the detector finds among the people and the attackers.
func (a *attack) suspects(attackers []Change) []thimble.SubjectID {
	s := suspect.NewSearch()
	for user, items := range a.set.train {
		s.Add(evalPerson(user), a.history(items, false).Items, a.trusted[user])
	}
	for _, c := range attackers {
		s.Add(c.Person, c.Items, c.Trusted)
	}
	var out []thimble.SubjectID
	for _, f := range s.Find() {
		out = append(out, f.People...)
	}
	return out
}

// without returns the model without some people, who leave the data, and what they had.
func (d *defence) without(ctx context.Context, people []thimble.SubjectID) (*Model, []Change, error) {
	var out, back []Change
	for _, p := range people {
		out, back = append(out, Change{Person: p}), append(back, Change{p, d.data.history(p)})
	}
	m, _, err := d.model.Update(ctx, d.data, out)
	return m, back, err
}

// restore puts people back into the data.
func (d *defence) restore(people []Change) {
	for _, c := range people {
		d.data.put(c.Person, c.History)
	}
}
