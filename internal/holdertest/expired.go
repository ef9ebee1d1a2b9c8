package holdertest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"thimble"
)

// neverHeld is a category that no holder has.
const neverHeld thimble.Category = "user.biometric.fingerprint"

// aged makes two people with something of before and something of after an instant,
// and returns what they have of after.
func (f Fixture) aged(tb testing.TB) (people [2]thimble.SubjectID, before time.Time, young [2][]string) {
	tb.Helper()
	var old [2][]string
	for i := range people {
		people[i] = f.Person(tb)
		f.Keep(tb, people[i])
		old[i] = f.raw(tb)[people[i]]
	}
	before = f.Tick(tb)
	for i, who := range people {
		f.Keep(tb, who)
		young[i] = slices.DeleteFunc(f.raw(tb)[who], func(row string) bool { return slices.Contains(old[i], row) })
	}
	return people, before, young
}

func expires(tb testing.TB, f Fixture) (v verdict) {
	ctx := context.Background()
	for _, c := range slices.Sorted(maps.Keys(f.Terms)) {
		people, before, young := f.aged(tb)
		all := f.raw(tb)
		if e, err := f.Holder.Expire(ctx, neverHeld, before); err != nil || e.Erased != 0 || len(e.Kept) != 0 {
			v.errorf("expiring what is not held: %+v, %v", e, err)
		}
		v.same("a row, by the expiry of another category,", all, f.raw(tb))
		first, err := f.Holder.Expire(ctx, c, before)
		v.no(err, "expiring "+string(c))
		again, err := f.Holder.Expire(ctx, c, before)
		v.no(err, "expiring "+string(c)+" again")
		if again.Erased != 0 {
			v.errorf("expiring %s again erased %d", c, again.Erased)
		}
		if (first.Erased > 0) != (f.Terms[c] == Expires) {
			v.errorf("the expiry of %s erased %d", c, first.Erased)
		}
		if named := len(first.Kept) > 0 && first.Kept[0].Count > 0 && first.Kept[0].Law != ""; named != (f.Terms[c] == KeptByLaw) {
			v.errorf("the expiry of %s names as kept: %+v", c, first.Kept)
		}
		if f.Terms[c] != Expires {
			v.same("a row that does not expire", all, f.raw(tb))
			continue
		}
		v.onlyYoung(tb, f, people, before, young)
	}
	return v
}

// onlyYoung checks that of what two people had only the younger is left.
func (v *verdict) onlyYoung(tb testing.TB, f Fixture, people [2]thimble.SubjectID, before time.Time, young [2][]string) {
	tb.Helper()
	for i, who := range people {
		v.same("a younger row", young[i], f.raw(tb)[who])
		_, data, err := f.export(context.Background(), who)
		v.no(err, "exporting what has not expired")
		for _, d := range data {
			if f.Terms[d.Category] == Expires && d.At.Before(before) {
				v.errorf("%s of %s is exported, and should have expired", d.Name, d.At)
			}
		}
	}
}

func expiresInterrupted(tb testing.TB, f Fixture) (v verdict) {
	for _, c := range slices.Sorted(maps.Keys(f.Terms)) {
		if f.Terms[c] != Expires {
			continue
		}
		everywhere(func(ctx context.Context) bool {
			people, before, young := f.aged(tb)
			_, err := f.Holder.Expire(ctx, c, before)
			_, again := f.Holder.Expire(context.Background(), c, before)
			v.no(again, "expiring after an interruption")
			v.onlyYoung(tb, f, people, before, young)
			return err == nil
		})
	}
	return v
}
