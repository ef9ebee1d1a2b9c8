package tunedb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/recommend"
	"thimble/internal/recommend/tunedb"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

const why = "it was better on what came after"

type desk struct {
	*tunedb.Store
	k     *holdertest.Kernel
	t     *testing.T
	asked []thimble.ID
	now   time.Time
}

func each(t *testing.T, f func(t *testing.T, d *desk)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d := &desk{k: k, t: t, now: k.Now()}
		d.Store = tunedb.New(tunedb.Deps{DB: k.Core, Ledger: k.Ledger, Now: d.time, Ask: func(_ context.Context, _ *sqldb.Tx, id thimble.ID) error {
			d.asked = append(d.asked, id)
			return nil
		}})
		f(t, d)
	})
}

// time goes on by a second with each look.
func (d *desk) time() time.Time {
	d.now = d.now.Add(time.Second)
	return d.now
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func report() recommend.TuneReport {
	better := recommend.DefaultRecipe()
	better.Name, better.Steps = "default-tuned", 4
	return recommend.TuneReport{Recipe: better, Start: .1, Best: .2, Judged: 300, Tried: 2, Errors: 4, Split: recommend.Split{From: "2026-01", Cut: "2026-05-03", Until: "2026-06"},
		Points: []recommend.TunePoint{{Recipe: recommend.DefaultRecipe(), NDCG: .1, Recall: .2, Coverage: .5, Weights: 10}, {Recipe: better, NDCG: .2, Recall: .3, Coverage: .6, Weights: 12, Errors: 4}}}
}

// done is a tuning that has ended with a report.
func (d *desk) done() thimble.ID {
	d.t.Helper()
	id, err := d.Start(d.t.Context(), "mia")
	d.must(err)
	d.must(d.Finish(d.t.Context(), id, report()))
	return id
}

func TestOneTuningIsUnderWayAtATimeAndKeepsWhatItFound(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id, err := d.Start(t.Context(), "mia")
		d.must(err)
		if _, err := d.Start(t.Context(), "pia"); !errors.Is(err, thimble.ErrConflict) || len(d.asked) != 1 || d.asked[0] != id {
			t.Errorf("a second one: %v, asked for %d times", err, len(d.asked))
		}
		d.must(d.Progress(t.Context(), id, 3, 11))
		all, err := d.List(t.Context(), 10)
		d.must(err)
		if len(all) != 1 || all[0].State != tunedb.Running || all[0].Tried != 3 || all[0].Most != 11 || all[0].AskedBy != "mia" || !all[0].EndedAt.IsZero() {
			t.Errorf("under way: %+v", all)
		}
		d.must(d.Finish(t.Context(), id, report()))
		all, err = d.List(t.Context(), 10)
		d.must(err)
		if diff := cmp.Diff(report(), all[0].Report); diff != "" || all[0].State != tunedb.Done || all[0].EndedAt.IsZero() {
			t.Errorf("ended as %s at %v:\n%s", all[0].State, all[0].EndedAt, diff)
		}
		for name, err := range map[string]error{"moved": d.Progress(t.Context(), id, 1, 2), "ended again": d.Finish(t.Context(), id, report()), "refused": d.Refuse(t.Context(), id, "x")} {
			if !errors.Is(err, thimble.ErrConflict) {
				t.Errorf("%s when it has ended: %v", name, err)
			}
		}
		next, err := d.Start(t.Context(), "pia")
		d.must(err)
		d.must(d.Refuse(t.Context(), next, "too few"))
		if all, err = d.List(t.Context(), 1); err != nil || all[0].ID != next || all[0].Why != "too few" || all[0].State != tunedb.Refused {
			t.Errorf("the newest: %+v, %v", all, err)
		}
	})
}

func TestARecipeIsChosenFromWhatWasTriedByANameAndForAReason(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if r, chosen, err := d.Recipe(t.Context()); err != nil || chosen != nil || r != recommend.DefaultRecipe() {
			t.Errorf("before a choice: %+v by %+v, %v", r, chosen, err)
		}
		id := d.done()
		waits, err := d.Start(t.Context(), "mia")
		d.must(err)
		better, other := report().Recipe, report().Recipe
		other.K++
		for name, c := range map[string]struct {
			tuning     thimble.ID
			recipe     recommend.Recipe
			by, reason string
			kind       error
		}{
			"one that was not tried":       {id, other, "mia", why, thimble.ErrInvalid},
			"another without a tuning":     {thimble.ID{}, better, "mia", why, thimble.ErrInvalid},
			"of a tuning under way":        {waits, better, "mia", why, thimble.ErrNotFound},
			"of a tuning that is not":      {thimble.ID{9}, better, "mia", why, thimble.ErrNotFound},
			"by nobody":                    {id, better, "", why, thimble.ErrInvalid},
			"with a wave of the hand":      {id, better, "mia", "better", thimble.ErrInvalid},
			"a recipe that cannot be made": {id, recommend.Recipe{}, "mia", why, thimble.ErrInvalid},
		} {
			if _, err := d.Choose(t.Context(), c.tuning, c.recipe, c.by, c.reason); !errors.Is(err, c.kind) {
				t.Errorf("%s: %v, want %v", name, err, c.kind)
			}
		}
		c, err := d.Choose(t.Context(), id, better, "mia", why)
		d.must(err)
		r, chosen, err := d.Recipe(t.Context())
		if diff := cmp.Diff(&registry.Chosen{Choice: 1, By: "mia", At: c.At}, chosen); err != nil || diff != "" || r != better {
			t.Errorf("after it: %+v, %v\n%s", r, err, diff)
		}
		_, err = d.Choose(t.Context(), thimble.ID{}, recommend.DefaultRecipe(), "pia", "back to the one that ships")
		d.must(err)
		if r, chosen, err := d.Recipe(t.Context()); err != nil || r != recommend.DefaultRecipe() || chosen.Choice != 2 || chosen.By != "pia" {
			t.Errorf("chosen back: %+v by %+v, %v", r, chosen, err)
		}
		if all, err := d.Choices(t.Context(), 10); err != nil || len(all) != 2 || all[1].Tuning != id || all[1].Reason != why || !all[0].Tuning.IsZero() {
			t.Errorf("choices: %+v, %v", all, err)
		}
	})
}

func TestAChoiceIsALeafAndOneThatWasChangedIsFound(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		before, err := d.k.Ledger.Size(t.Context())
		d.must(err)
		_, err = d.Choose(t.Context(), d.done(), report().Recipe, "mia", why)
		d.must(err)
		_, err = d.k.Ledger.Integrate(t.Context())
		d.must(err)
		if after, err := d.k.Ledger.Size(t.Context()); err != nil || after != before+1 {
			t.Errorf("%d leaves, %v, want one more than %d", after, err, before)
		}
		holds := func() (rules []string) {
			for c, err := range d.Claims(t.Context()) {
				d.must(err)
				rules = append(rules, c.Rule)
			}
			return rules
		}
		if got := holds(); len(got) != 1 || got[0] != "" {
			t.Errorf("the claims say %q, want one that holds", got)
		}
		d.must(d.k.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update recommend_recipes set staff = 'nobody'`)
			return err
		}))
		if got := holds(); len(got) != 1 || got[0] == "" {
			t.Errorf("of a row that was changed the claims say %q", got)
		}
	})
}
