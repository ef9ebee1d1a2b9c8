package holdertest

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"thimble"
)

// A pair is two people before they are taken for one.
type pair struct {
	m      thimble.Merge
	words  [2][]string
	before [2][]string // raw rows
	said   [2][]string
}

func (p pair) who() [2]thimble.SubjectID {
	return [2]thimble.SubjectID{p.m.Survivor, p.m.Absorbed}
}

func (f Fixture) pair(tb testing.TB) pair {
	tb.Helper()
	id, err := thimble.NewID(nil)
	if err != nil {
		tb.Fatal(err)
	}
	p := pair{m: thimble.Merge{ID: id, Survivor: f.Person(tb), Absorbed: f.Person(tb)}}
	for i, who := range p.who() {
		p.words[i] = f.Keep(tb, who)
	}
	p.m.At = f.Tick(tb)
	for i, who := range p.who() {
		p.before[i], p.said[i] = f.raw(tb)[who], f.mustExport(tb, who)
	}
	return p
}

// oneAndTwo has the holder take the pair for one, lets it write about them, and ends
// the time in which they are one.
func (f Fixture) oneAndTwo(tb testing.TB, p *pair, v *verdict) {
	tb.Helper()
	for range 2 {
		v.no(f.Holder.Merge(context.Background(), p.m), "merging")
	}
	for i, who := range p.who() {
		v.same("a row, by a merge,", p.before[i], f.raw(tb)[who])
		v.same("an export, by a merge,", p.said[i], f.mustExport(tb, who))
	}
	if f.WhileOne != nil {
		for _, who := range p.who() {
			f.WhileOne(tb, who)
		}
	}
	p.m.Until = f.Tick(tb)
}

func merges(tb testing.TB, f Fixture) (v verdict) {
	p := f.pair(tb)
	f.oneAndTwo(tb, &p, &v)
	var after [2][]string
	for i := range 2 {
		v.no(f.Holder.Unmerge(context.Background(), p.m), "undoing a merge")
		v.apart(tb, f, p)
		for j, who := range p.who() {
			said := f.mustExport(tb, who)
			if i == 1 {
				v.same("an export, by a second undoing,", after[j], said)
			}
			after[j] = said
		}
	}
	return v
}

// apart checks that two people who were taken for one are two again.
func (v *verdict) apart(tb testing.TB, f Fixture, p pair) {
	tb.Helper()
	for i, who := range p.who() {
		rows, said := f.raw(tb)[who], f.mustExport(tb, who)
		other := p.who()[1-i]
		all := strings.Join(said, "\n")
		for _, foreign := range append(slices.Clone(p.words[1-i]), other.String(), hex.EncodeToString(other[:])) {
			own := strings.Contains(strings.Join(p.said[i], "\n"), foreign) // a word that both have tells nothing
			if strings.Contains(all, foreign) && !own {
				v.errorf("the export of one holds %q of the other", foreign)
			}
		}
		switch f.Trace {
		case Nothing:
			v.same("a row, by a merge and its undoing,", p.before[i], rows)
			v.same("an export, by a merge and its undoing,", p.said[i], said)
		case Both:
			if missing := lacks(rows, p.before[i]); len(missing) > 0 {
				v.errorf("rows are missing: %v", missing)
			}
			if len(said) != len(p.said[i])+1 {
				v.errorf("%d data are exported, %d were before, and 1 was written of each while they were one", len(said), len(p.said[i]))
			}
		case Gone:
			if len(rows)+len(said) > 0 {
				v.errorf("%d rows and %d data are left", len(rows), len(said))
			}
		}
	}
}

// lacks returns what of want is not in all.
func lacks(all, want []string) (missing []string) {
	for _, w := range want {
		if !slices.Contains(all, w) {
			missing = append(missing, w)
		}
	}
	return missing
}

func mergesInterrupted(tb testing.TB, f Fixture) (v verdict) {
	everywhere(func(ctx context.Context) bool {
		p := f.pair(tb)
		f.oneAndTwo(tb, &p, &v)
		through := f.Holder.Unmerge(ctx, p.m) == nil
		v.no(f.Holder.Unmerge(context.Background(), p.m), "undoing a merge after an interruption")
		v.apart(tb, f, p)
		return through
	})
	return v
}
