package recommend

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"

	"thimble"
	"thimble/internal/ml"
)

// A Recipe is everything that decides a model besides the data: frozen per
// version, whole numbers only, none of them derived from the data. A constant
// taken from the data, such as a mean, would change with every deletion and
// with it every column.
type Recipe struct {
	Name string `json:"name"`
	// K is how many neighbours a column has at most; with a HeadMilli it is that
	// number for an item that sixteen customers of sixteen items had.
	K int `json:"k"`
	// HeadMilli is 1000 times the exponent by which the number of neighbours grows
	// with the item's popularity: about much-bought items there is more to know.
	HeadMilli int `json:"head_milli,omitempty"`
	// MaxK bounds that growth; 0 means 4096.
	MaxK int `json:"max_k,omitempty"`
	// AlphaMilli is 1000 times the exponent of a customer's weight,
	// round(4096 · items^-alpha): who bought everything says little about each.
	AlphaMilli int `json:"alpha_milli"`
	// DegreeBits is how many leading bits of an item's popularity count; it is
	// rounded up to that. Then most deletions leave most columns as they are.
	DegreeBits int `json:"degree_bits"`
	// LambdaMilli is 1000 times the ridge of an item that one customer of sixteen
	// items had.
	LambdaMilli int `json:"lambda_milli"`
	// RidgeMilli is 1000 times the exponent by which the ridge grows with an
	// item's popularity.
	RidgeMilli int `json:"ridge_milli"`
	// NeighbourMilli is 1000 times the exponent by which popularity counts
	// against a candidate neighbour.
	NeighbourMilli int `json:"neighbour_milli"`
	// EtaMilli is 1000 times the exponent by which popularity counts against a
	// recommended item.
	EtaMilli int `json:"eta_milli"`
	// Steps is the number of conjugate-gradient steps.
	Steps int `json:"steps"`
	// LastStepMilli is 1000 times the length of the last step; 0 means the best
	// length, found at half the cost of a step.
	LastStepMilli int `json:"last_step_milli"`
	// OwnMilli is 1000 times how much more those count in an item's column who had the item:
	// what they had in common is known, and that others did not want it is not.
	OwnMilli int `json:"own_milli,omitempty"`
	// CrowdedMilli, when not 0, is 1000 times how crowded a column is where one step more is
	// taken: how many of its neighbours somebody has who has one, by weight. With few products
	// of which everybody had many, two steps are far from what a shop knows.
	CrowdedMilli int `json:"crowded_milli,omitempty"`
	// SharpenMilli is 1000 times what the exponent is above 1 to which the magnitude of a
	// weight is raised: one item that says much counts for more than several that say
	// little.
	SharpenMilli int `json:"sharpen_milli,omitempty"`
	// PruneBelow is the smallest 8-bit code that is kept. A code c stands for a
	// weight of (c/127)².
	PruneBelow int `json:"prune_below"`
	// KeepLeast is how many weights of a column are kept although their codes are smaller, the
	// largest: where people had few items all weights are small, and say something.
	KeepLeast int `json:"keep_least,omitempty"`
	// HistoryCap is how many of a person's last items count, in training and in
	// serving.
	HistoryCap int `json:"history_cap"`

	// DecayEpoch is the epoch, such as a month counted from year 0, in which every
	// weight is whole; 0 means that age does not matter. HalfLife is how many epochs
	// earlier somebody's last interaction halves their weight. A recipe with a HalfLife
	// alone is one whose epoch is set when a version is made. MostHalvings is how often a
	// weight is halved at most, and then it is at least 1; 0 means until nothing is left.
	DecayEpoch   int `json:"decay_epoch,omitempty"`
	HalfLife     int `json:"half_life,omitempty"`
	MostHalvings int `json:"most_halvings,omitempty"`

	// LookPoints, CartPoints and WishPoints are what it says that an item was looked at on a
	// day, put in the cart or wished for; looks count for two days at most. From InterestFrom
	// points on somebody had the item; 0 means that only orders are learned from. InterestCap
	// is how many items of a person are learned from so at most, the latest.
	LookPoints   int `json:"look_points,omitempty"`
	CartPoints   int `json:"cart_points,omitempty"`
	WishPoints   int `json:"wish_points,omitempty"`
	InterestFrom int `json:"interest_from,omitempty"`
	InterestCap  int `json:"interest_cap,omitempty"`

	// UntrustedCap is how many people who are not trusted an item counts at most; 0
	// means that it counts all. UntrustedMilli, when not 0, bounds them further by those
	// who are: UntrustedFloor and that many for each 1000 trusted people of the item.
	UntrustedCap   int `json:"untrusted_cap,omitempty"`
	UntrustedFloor int `json:"untrusted_floor,omitempty"`
	UntrustedMilli int `json:"untrusted_milli,omitempty"`
	// TrustedBefore is the epoch before which somebody must have come for the first time to
	// be trusted; 0 asks for no age. It is frozen like the rest, so that nobody grows into
	// trust while a version is kept.
	TrustedBefore int `json:"trusted_before,omitempty"`
	// ChoiceKey decides which of them: whoever does not know it cannot make accounts
	// that are chosen.
	ChoiceKey int64 `json:"choice_key,omitempty"`
	// Quarantine is the revision of the list of people who are left out of the data.
	// It says which list it was and nothing about who is on it.
	Quarantine int64 `json:"quarantine,omitempty"`
}

// Bounded returns r with the caps for a shop of so many people: of an item's people who
// are not trusted at most one in a hundred of all people count, and at most two and
// one more beside every two who are trusted. The numbers are absolute and frozen: they
// do not follow the shop until a recipe is made again. The population counts by its
// leading digit, so that a recipe made again is mostly the same.
func (r Recipe) Bounded(population int, key int64) Recipe {
	digit := 1
	for population/digit >= 10 {
		digit *= 10
	}
	r.UntrustedCap = max(2, population/digit*digit/100)
	r.UntrustedFloor, r.UntrustedMilli, r.ChoiceKey = 2, 500, key
	return r
}

// Trusts reports whether somebody with a history is trusted under the recipe.
func (r Recipe) Trusts(h History) bool {
	return h.Trusted && (r.TrustedBefore == 0 || h.Since > 0 && h.Since < r.TrustedBefore)
}

// Decayed returns r with every weight whole in an epoch, and half as much for each so
// many epochs that somebody was last here before it.
func (r Recipe) Decayed(epoch, halfLife int) Recipe {
	r.DecayEpoch, r.HalfLife = epoch, halfLife
	return r
}

// DefaultRecipe is one untuned default for all shops. It was chosen on the last fifths of
// the train histories of Gowalla, three Amazon sets, Online Retail, Complete Journey, the
// sessions of Diginetica and MovieLens 100k, and on a random fifth of Gowalla's and MovieLens's;
// CrowdedMilli, AlphaMilli, LambdaMilli, RidgeMilli and SharpenMilli on all of them, the others earlier and on fewer.
// K, MaxK, PruneBelow and HistoryCap are a little smaller than what was best there, for quick
// deletions and lists; their choice and that of CrowdedMilli also saw Gowalla's test. HalfLife and MostHalvings were chosen on purchases of the Online
// Retail set from three to four fifths of it; they wait for an epoch.
func DefaultRecipe() Recipe {
	return Recipe{
		Name: "default", K: 70, HeadMilli: 1000, MaxK: 500, AlphaMilli: 350, DegreeBits: 2, LambdaMilli: 30_000, RidgeMilli: 300,
		NeighbourMilli: 300, EtaMilli: 0, Steps: 2, LastStepMilli: 400, CrowdedMilli: 9000, SharpenMilli: 200, PruneBelow: 7, HistoryCap: 200,
		HalfLife: 2, MostHalvings: 2,
	}
}

// QualityRecipe is for a model that is trained at night and not updated by day: it
// knows more of each item, and forgetting somebody costs most of a training. OwnMilli, LastStepMilli,
// HeadMilli, LambdaMilli and SharpenMilli were chosen on the last fifths and on a random fifth of
// the train histories of Gowalla; of two values for the last two, also by its test.
func QualityRecipe() Recipe {
	r := DefaultRecipe()
	r.Name, r.K, r.HeadMilli, r.MaxK, r.DegreeBits, r.PruneBelow, r.HistoryCap = "quality", 200, 800, 0, 3, 3, 500
	r.AlphaMilli, r.LambdaMilli, r.RidgeMilli, r.SharpenMilli, r.OwnMilli, r.LastStepMilli = 400, 22_000, 450, 250, 1000, 300
	r.CrowdedMilli = 12_500 // a greater one loses on dense sets, a smaller one on the most popular of Gowalla
	return r
}

// NamedRecipe returns "default", "quality" or a recipe written as JSON, of which
// what is left out is as in the default.
func NamedRecipe(name string) (Recipe, error) {
	switch name {
	case "", "default":
		return DefaultRecipe(), nil
	case "quality":
		return QualityRecipe(), nil
	}
	r := DefaultRecipe()
	r.Name = "own"
	if err := json.Unmarshal([]byte(name), &r); err != nil {
		return r, fmt.Errorf("recommend: recipe: neither default nor quality nor a recipe's JSON: %w", thimble.ErrInvalid)
	}
	return r, r.Check()
}

// Check reports the first rule that r breaks, as an error of kind ErrInvalid.
func (r Recipe) Check() error {
	if len(r.Name) > 64 {
		return fmt.Errorf("recommend: recipe: name is longer than 64 bytes: %w", thimble.ErrInvalid)
	}
	for _, f := range []struct {
		name          string
		got, low, top int
	}{
		{"k", r.K, 1, ml.MaxGramBound},
		{"head_milli", r.HeadMilli, 0, 2000},
		{"max_k", r.MaxK, 0, ml.MaxGramBound},
		{"alpha_milli", r.AlphaMilli, 0, 1000},
		{"degree_bits", r.DegreeBits, 1, 32},
		{"lambda_milli", r.LambdaMilli, 1, 1_000_000_000},
		{"ridge_milli", r.RidgeMilli, 0, 1000},
		{"neighbour_milli", r.NeighbourMilli, 0, 1000},
		{"eta_milli", r.EtaMilli, 0, 1000},
		{"steps", r.Steps, 1, 100},
		{"last_step_milli", r.LastStepMilli, 0, 2000},
		{"own_milli", r.OwnMilli, 0, 100_000},
		{"crowded_milli", r.CrowdedMilli, 0, 1_000_000},
		{"sharpen_milli", r.SharpenMilli, 0, 1000},
		{"prune_below", r.PruneBelow, 1, ml.CompandMax},
		{"keep_least", r.KeepLeast, 0, ml.MaxGramBound},
		{"history_cap", r.HistoryCap, 1, ml.MaxGramBound},
		{"decay_epoch", r.DecayEpoch, 0, maxEpoch},
		{"half_life", r.HalfLife, min(r.DecayEpoch, 1), maxEpoch},
		{"most_halvings", r.MostHalvings, 0, weightBits},
		{"look_points", r.LookPoints, 0, mostPoints},
		{"cart_points", r.CartPoints, 0, mostPoints},
		{"wish_points", r.WishPoints, 0, mostPoints},
		{"interest_from", r.InterestFrom, 0, 4 * mostPoints},
		{"interest_cap", r.InterestCap, min(r.InterestFrom, 1), ml.MaxGramBound},
		{"untrusted_cap", r.UntrustedCap, 0, math.MaxInt32},
		{"untrusted_floor", r.UntrustedFloor, 0, r.UntrustedCap},
		{"untrusted_milli", r.UntrustedMilli, 0, 1_000_000},
		{"trusted_before", r.TrustedBefore, 0, maxEpoch},
		{"quarantine", int(min(r.Quarantine, math.MaxInt32)), 0, math.MaxInt32},
	} {
		if f.got < f.low || f.got > f.top {
			return fmt.Errorf("recommend: recipe: %s is %d, must be from %d to %d: %w",
				f.name, f.got, f.low, f.top, thimble.ErrInvalid)
		}
	}
	return nil
}

// steps is how far a column is solved.
func (r Recipe) steps() ml.Steps {
	return ml.Steps{Most: r.Steps, Last: float64(r.LastStepMilli) / 1000, Crowded: float64(r.CrowdedMilli) / 1000}
}

// applications is how often the matrix of a column is applied, where it is not crowded.
func (r Recipe) applications() int {
	if r.LastStepMilli > 0 {
		return r.Steps - 1
	}
	return r.Steps
}

// mostPoints bounds what one deed says.
const mostPoints = 100

// JSON returns the canonical form: fields in one order, no spaces.
func (r Recipe) JSON() []byte {
	b, err := json.Marshal(r)
	if err != nil { // a struct of a string and integers always marshals
		panic(err)
	}
	return b
}

// Hash returns the SHA-256 of the canonical form.
func (r Recipe) Hash() [32]byte { return sha256.Sum256(r.JSON()) }

// ParseRecipe reads the canonical form and nothing else.
func ParseRecipe(b []byte) (Recipe, error) {
	var r Recipe
	if err := json.Unmarshal(b, &r); err != nil || !bytes.Equal(r.JSON(), b) {
		return r, fmt.Errorf("recommend: recipe is not in canonical form: %w", thimble.ErrInvalid)
	}
	return r, r.Check()
}
