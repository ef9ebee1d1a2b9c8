package recommendweb

import (
	"encoding/json"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tunedb"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryConsolePageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	v := registrydb.Version{Number: 2, Lineage: registry.Lineage{Recipe: json.RawMessage(`{"k":200}`)}, Reason: "erasure", MadeAt: time.Unix(1, 0), Stage: registry.Champion}
	body := consoleBody{First: &web.Empty{Title: "No model yet"}, Stats: consoleStats(v), Facts: consoleFacts(v), Recipe: consoleRecipe(v), History: consoleHistory([]registrydb.Version{v, {Number: 1, Stage: registry.Retired}})}
	who := thimble.SubjectID{1}
	shirt, coat := &catalog.Product{ID: "shirt", Name: "SHIRT"}, &catalog.Product{ID: "coat", Name: "COAT"}
	seen := lists.Glimpse{Lots: true, List: lists.List{Personal: true, Why: "Made from what you bought.", Model: 2, Applied: []string{"what is sold out is left out"}, Verdict: &gate.Verdict{Why: "consent"}, Entries: []lists.Entry{
		{Product: coat, Score: 70, Moved: 7, Boosts: []lists.Boost{{Words: "our own brand", Share: 7}}, Terms: []lists.Term{{Because: shirt, Share: 90, Did: taste.Bought}, {Because: coat, Share: -20, Unwanted: true}}},
	}}}
	entry := glimpseEntryOf(0, seen.Entries[0])
	if got := entry.Table.Totals[2].Value; got != int64(77) || len(entry.Table.Rows) != 3 {
		t.Errorf("%d lines sum to %v, want what is bought, what is unwanted and what the shop moves: 77", len(entry.Table.Rows), got)
	}
	glimpsed := glimpseOf(who, seen, glance{placement: "home"})
	popular := glimpseOf(who, lists.Glimpse{List: lists.List{Why: "Not personal.", Entries: []lists.Entry{{Product: coat, Orders: 4}}}}, glance{})
	glimpsed.Popular, glimpsed.Denied = popular.Popular, &web.Callout{Tone: web.Bad, Title: "The gate said no"}
	better := recommend.DefaultRecipe()
	better.Name, better.Steps, better.HeadMilli = "default-tuned", 4, 0
	if got := recipeWords(better); got != "steps 4, head_milli 0" {
		t.Errorf("a recipe differs by %q", got)
	}
	done := tunedb.Tuning{ID: thimble.ID{2}, AskedBy: "mia", State: tunedb.Done, Tried: 2, Report: recommend.TuneReport{Recipe: better, Judged: 300, Tried: 2, Split: recommend.Split{From: "2026-01", Cut: "2026-05-01", Until: "2026-06"},
		Points: []recommend.TunePoint{{Recipe: recommend.DefaultRecipe(), NDCG: .1}, {Recipe: better, NDCG: .2, Errors: 4}}}}
	chosen := []tunedb.Choice{{Number: 1, Recipe: better, By: "mia", Reason: "it was better"}}
	trials := tuningBodyOf([]tunedb.Tuning{{State: tunedb.Running, Tried: 3, Most: 11}, done}, chosen, 3, "by choice 1 of mia", nil)
	if trials.Choose != nil || trials.Points == nil {
		t.Error("while recipes are tried one can be chosen, on a page that looks again by itself; or what was found before is not shown")
	}
	ended := tuningBodyOf([]tunedb.Tuning{done}, chosen, 3, "", nil)
	trials.Choose = ended.Choose
	few := tuningBodyOf([]tunedb.Tuning{{State: tunedb.Refused, Why: "Too few."}}, nil, 0, "", nil)
	trials.Refused, trials.Empty = few.Refused, tuningBodyOf(nil, nil, 0, "", &web.Action{Label: "Try recipes", Href: tuningPath, Post: true}).Empty
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_recommendations.html": {Layout: web.Console, Title: "Recommendations", Body: body},
		"console_tuning.html":          {Layout: web.Console, Title: "Tuning", Body: trials},
		"console_glimpse.html":         {Layout: web.Console, Title: "Lists", Body: glimpsed},
	})
}
