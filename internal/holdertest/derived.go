package holdertest

import (
	"context"
	"testing"

	"thimble"
)

var derived = []promise{
	{"its places are named and in the map", places},
	{"an export is the same twice and writes nothing", derivedExports},
	{"an erasure leaves what was made without the person", derivedErases},
	{"what has expired is taken out", derivedExpires},
	{"a restriction takes the person out and its end brings them back", derivedRestricts},
	{"an objection takes the person out", derivedObjects},
	{"the undoing of a merge leaves what was made of two", derivedMerges},
	{"an erasure interrupted anywhere is finished by the next call", derivedInterrupted},
}

// learned makes a person and has the holder make something of them; it returns the
// states without and with the person.
func (f Fixture) learned(tb testing.TB) (who thimble.SubjectID, without, with string) {
	tb.Helper()
	f.Derived.Settle(tb)
	f.Derived.Anew(tb)
	without = f.Derived.State(tb)
	who = f.Person(tb)
	f.Keep(tb, who)
	f.Derived.Settle(tb)
	if with = f.Derived.State(tb); with == without {
		tb.Fatal("the fixture's person changes nothing in what the holder makes")
	}
	return who, without, with
}

// forget takes a person out again, so that the next test begins without them.
func (f Fixture) forget(tb testing.TB, who thimble.SubjectID, v *verdict) {
	tb.Helper()
	f.Derived.Erase(tb, who)
	_, err := f.Holder.Erase(context.Background(), who)
	v.no(err, "erasing")
}

// is notes what the holder keeps if it is not what it should.
func (v *verdict) is(tb testing.TB, f Fixture, after, want string) {
	tb.Helper()
	if got := f.Derived.State(tb); got != want {
		v.errorf("after %s it keeps %s, want %s", after, got, want)
	}
}

func derivedExports(tb testing.TB, f Fixture) (v verdict) {
	ada, _, with := f.learned(tb)
	said, data, err := f.export(context.Background(), ada)
	v.no(err, "exporting")
	again, _, err := f.export(context.Background(), ada)
	v.no(err, "exporting again")
	v.same("the export", said, again)
	v.is(tb, f, "an export", with)
	for _, d := range data {
		if d.Holder != f.Holder.HolderName() || d.Category == "" || d.Name == "" || d.Value == nil {
			v.errorf("an exported value lacks holder, category, name or value: %+v", d)
		}
	}
	if len(data) == 0 {
		v.errorf("it exports nothing of a person of whom it makes something")
	}
	f.forget(tb, ada, &v)
	return v
}

func derivedErases(tb testing.TB, f Fixture) (v verdict) {
	ada, without, _ := f.learned(tb)
	f.Derived.Erase(tb, ada)
	for range 2 {
		e, err := f.Holder.Erase(context.Background(), ada)
		v.no(err, "erasing")
		v.is(tb, f, "an erasure", without)
		if e.Erased != 0 {
			v.errorf("it counts %d, and keeps nothing of its own", e.Erased)
		}
	}
	return v
}

func derivedInterrupted(tb testing.TB, f Fixture) (v verdict) {
	tries := everywhere(func(ctx context.Context) bool {
		who, without, _ := f.learned(tb)
		f.Derived.Erase(tb, who)
		_, err := f.Holder.Erase(ctx, who)
		_, again := f.Holder.Erase(context.Background(), who)
		v.no(again, "erasing after an interruption")
		v.is(tb, f, "an interrupted erasure", without)
		return err == nil
	})
	if tries < 2 {
		v.errorf("the erasure cannot be interrupted: it never asks its context")
	}
	return v
}

func derivedExpires(tb testing.TB, f Fixture) (v verdict) {
	f.Derived.Settle(tb)
	for c := range f.Terms {
		_, _, with := f.learned(tb)
		before := f.Tick(tb)
		_, err := f.Holder.Expire(context.Background(), neverHeld, before)
		v.no(err, "expiring what is not held")
		v.is(tb, f, "the expiry of another category", with)
		f.Derived.Expire(tb, c, before)
		for range 2 {
			_, err := f.Holder.Expire(context.Background(), c, before)
			v.no(err, "expiring")
			if got := f.Derived.State(tb); got == with {
				v.errorf("what has expired is still in it")
			}
		}
	}
	return v
}

func derivedRestricts(tb testing.TB, f Fixture) (v verdict) {
	ada, without, with := f.learned(tb)
	for _, on := range []bool{true, true, false, false} {
		f.Derived.Restrict(tb, ada, on)
		v.no(f.Holder.Restrict(context.Background(), ada, on), "restricting")
		want := without
		if !on {
			f.Derived.Settle(tb) // coming back may take a while, going may not
			want = with
		}
		v.is(tb, f, "a restriction or its end", want)
	}
	f.forget(tb, ada, &v)
	return v
}

func derivedObjects(tb testing.TB, f Fixture) (v verdict) {
	ada, without, with := f.learned(tb)
	v.no(f.Holder.Object(context.Background(), ada, thimble.EssentialService), "objecting to another purpose")
	v.is(tb, f, "an objection to another purpose", with)
	f.Derived.Object(tb, ada, f.Objects)
	for range 2 {
		v.no(f.Holder.Object(context.Background(), ada, f.Objects), "objecting")
		v.is(tb, f, "an objection", without)
	}
	f.forget(tb, ada, &v)
	return v
}

func derivedMerges(tb testing.TB, f Fixture) (v verdict) {
	ada, _, _ := f.learned(tb)
	eve, _, two := f.learned(tb)
	id, err := thimble.NewID(nil)
	if err != nil {
		tb.Fatal(err)
	}
	m := thimble.Merge{ID: id, Survivor: ada, Absorbed: eve, At: f.Tick(tb)}
	f.Derived.Merge(tb, m)
	for range 2 {
		v.no(f.Holder.Merge(context.Background(), m), "merging")
		f.Derived.Settle(tb)
		if got := f.Derived.State(tb); got == two {
			v.errorf("two who are one count as two")
		}
	}
	m.Until = f.Tick(tb)
	f.Derived.Unmerge(tb, m)
	for range 2 {
		v.no(f.Holder.Unmerge(context.Background(), m), "undoing a merge")
		v.is(tb, f, "the undoing of a merge", two)
	}
	return v
}
