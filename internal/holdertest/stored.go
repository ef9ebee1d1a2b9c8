package holdertest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/sqldb"
)

var kinds = []string{thimble.TablePlace, thimble.FilePlace, thimble.IndexPlace, thimble.StreamPlace, thimble.MemoryPlace}

func places(_ testing.TB, f Fixture) (v verdict) {
	all := f.Holder.Places()
	if len(all) == 0 {
		v.errorf("it keeps data nowhere")
	}
	for _, p := range all {
		if p.Name == "" || !slices.Contains(kinds, p.Kind) {
			v.errorf("a place of kind %q is called %q", p.Kind, p.Name)
		}
		if p.Kind != thimble.TablePlace {
			continue
		}
		if !slices.ContainsFunc(datamap.All(), func(t datamap.Table) bool { return t.Name == p.Name && t.Holder == f.Holder.HolderName() }) {
			v.errorf("the data map does not say that %s is held by %s", p.Name, f.Holder.HolderName())
		}
	}
	return v
}

func exports(tb testing.TB, f Fixture) (v verdict) {
	ada := f.Person(tb)
	words := f.Keep(tb, ada)
	before := f.raw(tb)
	said, data, err := f.export(context.Background(), ada)
	v.no(err, "exporting")
	if (len(data) == 0) != f.Silent {
		v.errorf("%d data are exported of a person of whom something is kept", len(data))
	}
	for _, d := range data {
		if d.Holder != f.Holder.HolderName() || d.Category == "" || d.Name == "" || d.Value == nil {
			v.errorf("an exported value lacks holder, category, name or value: %+v", d)
		}
		if f.Terms[d.Category] == 0 {
			v.errorf("the fixture does not say how long %s is kept", d.Category)
		}
	}
	for _, w := range words {
		if !strings.Contains(strings.Join(said, "\n"), w) {
			v.errorf("the export lacks %q", w)
		}
	}
	again, _, err := f.export(context.Background(), ada)
	v.no(err, "exporting again")
	v.same("the export", said, again)
	v.same("a row, by an export,", before, f.raw(tb))
	return v
}

func snapshot(tb testing.TB, f Fixture) (v verdict) {
	if f.Core == nil {
		return nil // keys are not exported
	}
	ada := f.Person(tb)
	f.Keep(tb, ada)
	f.Tick(tb)
	then := f.mustExport(tb, ada)
	err := at(context.Background(), []*sqldb.DB{f.Core, f.Log, f.View}, func(ctx context.Context) error {
		f.Keep(tb, ada)
		said, _, err := f.export(ctx, ada)
		v.same("the export at the snapshot", then, said)
		return err
	})
	v.no(err, "exporting at a snapshot")
	if now := f.mustExport(tb, ada); !f.Silent && slices.Equal(now, then) {
		v.errorf("what was kept meanwhile is not exported afterwards: the fixture keeps nothing new")
	}
	return v
}

func restricts(tb testing.TB, f Fixture) (v verdict) {
	ada := f.Person(tb)
	f.Keep(tb, ada)
	before, said := f.raw(tb), f.mustExport(tb, ada)
	for _, on := range []bool{true, true, false, false} {
		v.no(f.Holder.Restrict(context.Background(), ada, on), "restricting")
		now := f.mustExport(tb, ada)
		if on && f.Restricts {
			if missing := lacks(now, said); len(missing) > 0 || len(now) != len(said)+1 {
				v.errorf("a restriction is one more datum, and %d are missing of %d", len(missing), len(said))
			}
			continue
		}
		v.same("the export, by a restriction,", said, now)
	}
	if !f.Restricts {
		v.same("a row, by a restriction,", before, f.raw(tb))
	}
	return v
}

func objects(tb testing.TB, f Fixture) (v verdict) {
	ada, ctx := f.Person(tb), context.Background()
	f.Keep(tb, ada)
	before, said := f.raw(tb)[ada], f.mustExport(tb, ada)
	purpose := f.Objects
	if purpose == "" {
		purpose = thimble.TrainAISystem
	}
	if f.Used == nil {
		v.no(f.Holder.Object(ctx, ada, purpose), "objecting")
		v.same("a row, by an objection,", before, f.raw(tb)[ada])
		v.same("the export, by an objection,", said, f.mustExport(tb, ada))
		return v
	}
	if !f.Used(tb, ada) {
		v.errorf("the fixture permits nothing that could be objected to")
	}
	v.no(f.Holder.Object(ctx, ada, purpose), "objecting")
	if f.Used(tb, ada) {
		v.errorf("it is still used for %s after the objection", purpose)
	}
	once := f.mustExport(tb, ada)
	v.no(f.Holder.Object(ctx, ada, purpose), "objecting again")
	v.same("the export, by a second objection,", once, f.mustExport(tb, ada))
	everywhere(func(ctx context.Context) bool {
		who := f.Person(tb)
		f.Keep(tb, who)
		through := f.Holder.Object(ctx, who, purpose) == nil
		v.no(f.Holder.Object(context.Background(), who, purpose), "objecting after an interruption")
		if f.Used(tb, who) {
			v.errorf("it is still used after an interrupted objection")
		}
		return through
	})
	return v
}

func erases(tb testing.TB, f Fixture) (v verdict) {
	ada, ctx := f.Person(tb), context.Background()
	f.Keep(tb, ada)
	f.Keep(tb, ada)
	first, err := f.Holder.Erase(ctx, ada)
	v.no(err, "erasing")
	if first.Erased == 0 {
		v.errorf("it erased nothing")
	}
	for _, k := range first.Kept {
		if k.Count == 0 || k.What == "" || k.Law == "" {
			v.errorf("what is kept lacks count, words or law: %+v", k)
		}
	}
	again, err := f.Holder.Erase(ctx, ada)
	v.no(err, "erasing again")
	if again.Erased != 0 {
		v.errorf("erasing again erased %d", again.Erased)
	}
	v.erased(tb, f, ada)
	return v
}

func (v *verdict) erased(tb testing.TB, f Fixture, who thimble.SubjectID) {
	tb.Helper()
	if left := f.withoutStaying(tb, who); len(left) > 0 {
		v.errorf("%d rows are left: %v", len(left), left)
	}
	if len(f.Stays) == 0 {
		if said := f.mustExport(tb, who); len(said) > 0 {
			v.errorf("%d data are exported afterwards", len(said))
		}
	}
}

func erasesInterrupted(tb testing.TB, f Fixture) (v verdict) {
	tries := everywhere(func(ctx context.Context) bool {
		who := f.Person(tb)
		f.Keep(tb, who)
		_, err := f.Holder.Erase(ctx, who)
		_, again := f.Holder.Erase(context.Background(), who)
		v.no(again, "erasing after an interruption")
		v.erased(tb, f, who)
		return err == nil
	})
	if tries < 2 {
		v.errorf("the erasure cannot be interrupted: it never asks its context")
	}
	return v
}

// at runs f with a context that is a snapshot of each of the sets that are there.
func at(ctx context.Context, sets []*sqldb.DB, f func(context.Context) error) error {
	for i, db := range sets {
		if db != nil {
			return db.Snapshot(ctx, func(ctx context.Context) error { return at(ctx, sets[i+1:], f) })
		}
	}
	return f(ctx)
}
