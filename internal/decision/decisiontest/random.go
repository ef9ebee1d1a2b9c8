package decisiontest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/decision"
)

// Subject is whom random decisions are about.
var Subject = thimble.SubjectID{1}

// names are products as shops write them.
var names = []string{
	"WHITE HANGING HEART T-LIGHT HOLDER", "REGENCY CAKESTAND 3 TIER", "JUMBO BAG RED RETROSPOT", "Linen shirt", "Wool coat, dark blue",
	"PARTY BUNTING", "LUNCH BAG BLACK SKULL.", "Silk scarf", "SET OF 3 CAKE TINS PANTRY DESIGN", "Leather belt", "PACK OF 72 RETROSPOT CAKE CASES",
	"Cotton socks, 3 pairs", "NATURAL SLATE HEART CHALKBOARD", "Trench coat", "ALARM CLOCK BAKELIKE GREEN", "Swim shorts", "Denim jacket", "Knit hat",
}

// Name is what an item of random decisions is called.
func Name(id thimble.ItemID) string {
	n := 0
	for _, c := range id {
		n = n*31 + int(c)
	}
	return names[(n%len(names)+len(names))%len(names)]
}

func base(rng *rand.Rand) decision.Record {
	return decision.Record{
		V: decision.Form2, Capability: "recommend", Placement: "home", Subject: Subject,
		At:     time.Date(2026, 11, 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), 0, 0, time.UTC),
		Model:  decision.Model{Name: "item-item", Version: 1 + rng.Int64N(9), SHA256: fmt.Sprintf("%064x", rng.Uint64())},
		Inputs: []decision.Input{{Category: thimble.PurchaseHistory, Purpose: thimble.PersonalizeContent, Basis: "consent", Cite: "GDPR Art. 6(1)(a)", Count: 3, Consent: "personalize.content.profiled#4"}},
		Packs:  []string{"eu.gdpr@2026.11.0"},
		Scale:  decision.Scale{Link: decision.Identity, Unit: 1 << 16, Value: 1},
	}
}

// List returns a random list that was chosen from purchases, complete with its
// counterfactual.
func List(rng *rand.Rand, results, had int) decision.Record {
	r := base(rng)
	r.Rails = []decision.Rail{{Name: "bought", Words: "what you already bought is left out", On: decision.OnItems, Op: decision.Apart, Does: decision.Removes, Fired: true}}
	for i := range results {
		res := decision.Result{Item: thimble.ItemID(fmt.Sprintf("new-%d", i))}
		for j := range had {
			if weight := rng.Int64N(1<<18) - 1<<15; rng.IntN(3) > 0 && weight != 0 {
				res.Terms = append(res.Terms, decision.Term{Because: thimble.ItemID(fmt.Sprintf("had-%d", j)), Weight: weight, Value: 1})
			}
		}
		r.Results = append(r.Results, res)
	}
	return r.Settle().WithCounterfactual()
}

var featureWords = []string{"how often you bought", "how long you are with us", "how soon you paid", "what you sent back", "the size of your order",
	"your open claims", "how you want it sent", "the day you ask for", "how far we ship it", "your last talk with us", "what is in stock", "your age"}

// Arranged returns a random list as a shop's rules leave it: some boosts move scores, and
// a campaign holds a place.
func Arranged(rng *rand.Rand, results, had int) decision.Record {
	r := List(rng, results, had)
	r.Boosting = &decision.Boosting{Most: 1 + rng.Int64N(50)}
	for i := range 1 + rng.IntN(4) {
		percent := 1 + rng.Int64N(r.Boosting.Most)
		if rng.IntN(3) == 0 {
			percent = -percent
		}
		r.Boosting.Boosts = append(r.Boosting.Boosts, decision.Boost{Name: fmt.Sprintf("boost-%d", i+1), Words: "our own brand", Percent: percent})
	}
	for i := range r.Results {
		for _, b := range r.Boosting.Boosts {
			if rng.IntN(2) == 0 {
				r.Results[i].Boosts = append(r.Results[i].Boosts, decision.Boosted{Boost: b.Name})
			}
		}
	}
	r = r.Settle()
	if rng.IntN(2) == 0 {
		held := decision.Result{Item: "ad", Held: "Advertisement: spring"}
		r.Results = slices.Insert(r.Results, rng.IntN(len(r.Results)+1), held)
		r.Rails = append(r.Rails, decision.Rail{Name: "campaign", Words: "a place of the list is held by a campaign", On: decision.OnList, Op: decision.Among, Does: decision.Chooses, Fired: true})
	}
	return r.WithCounterfactual()
}

// Scored returns a random scorecard of n features, complete with its counterfactual: each
// feature has up to four bins to change to, some are protected, rails bound the score and
// force outcomes, and a table shows the score.
func Scored(rng *rand.Rand, n int) decision.Record {
	r := base(rng)
	r.Capability, r.Placement = "triage", "inbox"
	r.Scale = decision.Scale{Link: decision.Logit, Unit: 1 << 16, Value: 1 << 8, Shows: "parts of 10,000",
		Table: []decision.Point{{Score: -200_000, Shown: 100}, {Score: 0, Shown: 5000}, {Score: 150_000, Shown: 9000}}}
	weight := func() int64 { return rng.Int64N(1<<17) - 1<<16 }
	res := decision.Result{Base: weight()}
	for i := range n {
		f := decision.Feature{Key: thimble.ItemID(fmt.Sprintf("f%d", i)), Words: featureWords[i%len(featureWords)], Category: thimble.PurchaseHistory,
			Value: rng.Int64N(512), Weight: weight(), Text: fmt.Sprintf("bin %d", rng.IntN(5)), Source: "orders"}
		if rng.IntN(5) == 0 {
			f.Category = "user.demographic.age_range"
		}
		for o := range rng.IntN(5) {
			f.Options = append(f.Options, decision.Option{Text: fmt.Sprintf("level %d", o), Value: rng.Int64N(512), Weight: weight()})
		}
		r.Features = append(r.Features, f)
		if rng.IntN(8) > 0 { // some count in rails alone
			res.Terms = append(res.Terms, decision.Term{Because: f.Key, Weight: f.Weight, Value: f.Value})
		}
	}
	r.Results = []decision.Result{res}
	r.Bands = []decision.Band{{Outcome: "later", Words: "you wait until next week"}, {At: -30_000 + rng.Int64N(20_000), Outcome: "soon", Words: "we answer within two days"},
		{At: 10_000 + rng.Int64N(60_000), Outcome: "now", Words: "we answer at once"}}
	r.Rails = rails(rng, n)
	return r.Settle().WithCounterfactual()
}

func rails(rng *rand.Rand, n int) (all []decision.Rail) {
	for i := range rng.IntN(4) {
		rail := decision.Rail{Name: fmt.Sprintf("rail-%d", i), Words: "a limit that the shop has set", On: decision.OnScore, Op: decision.Above, Limit: 40_000 + rng.Int64N(200_000), Does: decision.Bounds}
		switch {
		case rng.IntN(4) == 0:
			rail.Op, rail.Limit = decision.Below, -150_000+rng.Int64N(160_000)
		case n > 0 && rng.IntN(2) == 0:
			rail.On, rail.Limit, rail.Does = fmt.Sprintf("f%d", rng.IntN(min(n, 5))), rng.Int64N(512), decision.Forces
			rail.Outcome = []string{"later", "soon", "now"}[rng.IntN(3)]
			if rng.IntN(2) == 0 {
				rail.Op = decision.Below
			}
		}
		all = append(all, rail)
	}
	return all
}

// Words are words for random decisions.
func Words() decision.Words {
	return decision.Words{
		Item:     Name,
		Category: func(thimble.Category) string { return "what you bought" },
		Purpose:  func(thimble.Purpose) string { return "lists made for you" },
		Basis:    func(string) string { return "you allowed it" },
	}
}

// Grade returns the Flesch-Kincaid grade of a text (Kincaid et al., 1975): the years of
// school that its reader needs. A name in quotation marks counts as words like others.
func Grade(text string) (grade float64, words int) {
	sentences, syllables := 0, 0
	for _, w := range strings.Fields(text) {
		if strings.HasSuffix(w, ".") || strings.HasSuffix(w, "?") || strings.HasSuffix(w, "!") {
			sentences++
		}
		if n := syllablesOf(w); n > 0 {
			words++
			syllables += n
		}
	}
	if words == 0 {
		return 0, 0
	}
	return 0.39*float64(words)/float64(max(sentences, 1)) + 11.8*float64(syllables)/float64(words) - 15.59, words
}

// syllablesOf counts groups of vowels, without a silent e at the end; a figure is one.
func syllablesOf(word string) (n int) {
	word = strings.ToLower(strings.Trim(word, ".,;:!?“”’'\"()…"))
	vowel, letters := false, 0
	for _, c := range word {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' {
			letters++
		}
		is := strings.ContainsRune("aeiouy", c)
		if is && !vowel {
			n++
		}
		vowel = is
	}
	if strings.HasSuffix(word, "e") && !strings.HasSuffix(word, "le") && n > 1 {
		n--
	}
	if letters == 0 {
		return 0
	}
	return max(n, 1)
}
