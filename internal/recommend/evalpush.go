package recommend

import (
	"context"
	"slices"

	"thimble"
)

// A target is an item that is pushed, what the accounts have beside it, and whose lists
// are looked at.
type target struct {
	item   int32
	cover  []int32 // of a segment; else empty
	judged []int   // users
}

// targets draws items that few people had.
func (a *attack) targets() []target {
	var cold []int32
	for i, n := range a.popularity {
		if n >= coldFrom && n <= coldTo && (a.segments == nil || len(a.segments[i]) > 0) {
			cold = append(cold, int32(i))
		}
	}
	a.rng.Shuffle(len(cold), func(x, y int) { cold[x], cold[y] = cold[y], cold[x] })
	want := a.c.Targets
	if want == 0 {
		want = 20
	}
	var out []target
	for _, i := range cold {
		if len(out) == want {
			break
		}
		t := target{item: i}
		if a.c.Kind == "segment" {
			t.cover = a.cover(i)
		}
		if t.judged = a.audience(t); len(t.judged) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// cover is the popular items of a target's segment.
func (a *attack) cover(i int32) []int32 {
	var of []int32
	if a.segments != nil {
		of = a.segments[i]
	} else {
		// Of the two hundred most popular items one, and what goes with it.
		head := a.byRank[a.rng.IntN(min(200, len(a.byRank)))]
		of = append(of, head)
		for _, r := range a.open.model.GoesWith(a.set.names[head], Query{K: segmentTop, NoTerms: true}) {
			j, _ := a.open.model.table.find(r.Item)
			of = append(of, j)
		}
	}
	out := slices.DeleteFunc(slices.Clone(of), func(j int32) bool { return j == i })
	return out[:min(len(out), segmentTop)]
}

// audience draws people whose lists are judged: without who had the target.
func (a *attack) audience(t target) []int {
	var out []int
	for user, items := range a.set.train {
		if len(items) == 0 || slices.Contains(items, t.item) {
			continue
		}
		in := 0
		for _, i := range items {
			if slices.Contains(t.cover, i) {
				in++
			}
		}
		if in >= 2 || a.c.Kind != "segment" {
			out = append(out, user)
		}
	}
	a.rng.Shuffle(len(out), func(x, y int) { out[x], out[y] = out[y], out[x] })
	return out[:min(len(out), judgedMost)]
}

// attackers makes the accounts.
func (a *attack) attackers(t target) []Change {
	var byPair []int32 // an item as often as people had it
	if a.c.Kind == "average" {
		for _, items := range a.set.train {
			byPair = append(byPair, items...)
		}
	}
	out := make([]Change, a.out.Accounts)
	for n := range out {
		var items []int32
		for k := range a.length - 1 {
			from := a.byRank
			switch {
			case a.c.Kind == "segment":
				from = t.cover
			case a.c.Kind == "average":
				from = byPair
			case a.c.Kind == "popular":
				from = a.byRank[:min(50, len(a.byRank))]
			case a.c.Kind == "bandwagon" && k%2 == 0:
				from = a.byRank[:min(10, len(a.byRank))]
			}
			items = append(items, from[a.rng.IntN(len(from))])
		}
		items = append(items, t.item)
		out[n] = Change{evalPerson(len(a.set.users) + n), a.history(items, false)}
	}
	return out
}

// push attacks one target and adds up what comes of it.
func (a *attack) push(ctx context.Context, t target) error {
	accounts := a.attackers(t)
	before := a.rate(a.open.model, t)
	a.out.Clean += before
	open, err := a.open.with(ctx, accounts)
	if err != nil {
		return err
	}
	a.open.leave(accounts)
	a.out.Attacked += a.rate(open, t)

	base := a.rate(a.caps.model, t)
	m, err := a.caps.with(ctx, accounts)
	if err != nil {
		return err
	}
	caps := a.rate(m, t)
	found := a.suspects(accounts)
	a.count(found, len(accounts))
	// What is left of the people and the accounts, from the model without any.
	a.caps.leave(accounts)
	m, back, err := a.caps.instead(ctx, accounts, found)
	if err != nil {
		return err
	}
	a.caps.leave(accounts)
	a.caps.restore(back)
	both := a.rate(m, t)
	a.out.Caps += caps
	a.out.Detector += both
	a.out.WorstCaps = max(a.out.WorstCaps, caps-base)
	a.out.WorstDetector = max(a.out.WorstDetector, both-base)
	a.out.Judged += float64(len(t.judged))
	a.out.Targets++
	return nil
}

// with returns the model with accounts, who come into the data.
func (d *defence) with(ctx context.Context, accounts []Change) (*Model, error) {
	m, _, err := d.model.Update(ctx, d.data, accounts)
	return m, err
}

// instead returns the model with the accounts that are not suspected and without the
// people who are, and what those had.
func (d *defence) instead(ctx context.Context, accounts []Change, suspects []thimble.SubjectID) (*Model, []Change, error) {
	left := map[thimble.SubjectID]bool{}
	for _, p := range suspects {
		left[p] = true
	}
	var changes, back []Change
	for _, c := range accounts {
		if !left[c.Person] {
			changes = append(changes, c)
		}
	}
	for _, p := range suspects {
		if h := d.data.history(p); len(h.Items) > 0 {
			back = append(back, Change{p, h})
			changes = append(changes, Change{Person: p})
		}
	}
	m, err := d.with(ctx, changes)
	return m, back, err
}

// leave takes accounts out of the data.
func (d *defence) leave(accounts []Change) {
	for _, c := range accounts {
		d.data.Forget(c.Person)
	}
}

// rate returns per cent of the audience in whose list of ten the target is.
func (a *attack) rate(m *Model, t target) float64 {
	hits := 0
	for _, user := range t.judged {
		past := make([]thimble.Interaction, 0, len(a.set.train[user]))
		for _, i := range a.set.train[user] {
			past = append(past, thimble.Interaction{Item: a.set.names[i]})
		}
		for _, r := range m.ForYou(past, Query{K: attackList, NoTerms: true}) {
			if r.Item == a.set.names[t.item] {
				hits++
			}
		}
	}
	return 100 * float64(hits) / float64(max(1, len(t.judged)))
}

// count adds up how right the detector was.
func (a *attack) count(found []thimble.SubjectID, accounts int) {
	genuine := map[thimble.SubjectID]bool{}
	for user := range a.set.train {
		genuine[evalPerson(user)] = true
	}
	wrong := 0
	for _, p := range found {
		if genuine[p] {
			wrong++
		}
	}
	right := len(found) - wrong
	a.out.Precision += float64(right) / float64(max(1, len(found)))
	a.out.Recall += float64(right) / float64(accounts)
	a.out.Wrong += 100 * float64(wrong) / float64(len(genuine))
}

// mean divides what was added up by the targets.
func (a *attack) mean(targets int) {
	n := float64(max(1, targets))
	for _, v := range []*float64{
		&a.out.Clean, &a.out.Attacked, &a.out.Caps, &a.out.Detector,
		&a.out.Precision, &a.out.Recall, &a.out.Wrong, &a.out.Judged,
	} {
		*v /= n
	}
}
