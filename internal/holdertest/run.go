package holdertest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
)

// A promise is one part of the contract, and how it is put to the test.
type promise struct {
	name string
	test func(tb testing.TB, f Fixture) verdict
}

// A verdict lists what a holder did against a promise.
type verdict []string

func (v *verdict) errorf(format string, args ...any) { *v = append(*v, fmt.Sprintf(format, args...)) }

// no notes an error that should not have been.
func (v *verdict) no(err error, doing string) {
	if err != nil {
		v.errorf("%s: %v", doing, err)
	}
}

// same notes what has changed.
func (v *verdict) same(what string, before, after any) {
	if diff := cmp.Diff(before, after); diff != "" {
		v.errorf("%s changed, before (-) and after (+):\n%s", what, diff)
	}
}

func promises(f Fixture) []promise {
	if f.Derived != nil {
		return derived
	}
	return stored
}

var stored = []promise{
	{"its places are named and in the map", places},
	{"an export is whole and the same twice and writes nothing", exports},
	{"an export at a snapshot shows nothing that came later", snapshot},
	{"a restriction loses nothing", restricts},
	{"an objection ends the use", objects},
	{"a merge moves nothing and its undoing leaves each with their own", merges},
	{"an undoing interrupted anywhere is finished by the next call", mergesInterrupted},
	{"an erasure destroys once", erases},
	{"an erasure interrupted anywhere is finished by the next call", erasesInterrupted},
	{"what expires goes and nothing else", expires},
	{"an expiry interrupted anywhere is finished by the next call", expiresInterrupted},
}

// Run puts a holder to the test of each promise, as a subtest.
func Run(t *testing.T, f Fixture) {
	t.Helper()
	for _, p := range promises(f) {
		t.Run(p.name, func(t *testing.T) {
			for _, problem := range watched(t, f, p) {
				t.Error(problem)
			}
		})
	}
}

// Judge returns what a holder does against the contract, by promise. It is for
// showing that a bad holder is found out.
func Judge(tb testing.TB, f Fixture) map[string][]string {
	tb.Helper()
	found := map[string][]string{}
	for _, p := range promises(f) {
		if v := watched(tb, f, p); len(v) > 0 {
			found[p.name] = v
		}
	}
	return found
}

// watched tests a promise while somebody else looks on, whose bytes must not change.
func watched(tb testing.TB, f Fixture, p promise) (v verdict) {
	tb.Helper()
	if f.Derived != nil {
		return p.test(tb, f)
	}
	f.Tick(tb)
	bob := f.Person(tb)
	f.Keep(tb, bob)
	f.Tick(tb)
	before, said := f.raw(tb)[bob], f.mustExport(tb, bob)
	if len(before) == 0 {
		v.errorf("the fixture keeps nothing in the holder's tables")
	}
	v = append(v, p.test(tb, f)...)
	if p.name == "what expires goes and nothing else" || p.name == "an expiry interrupted anywhere is finished by the next call" {
		return v // bob's has expired too
	}
	v.same("somebody else's rows", before, f.raw(tb)[bob])
	v.same("somebody else's export", said, f.mustExport(tb, bob))
	return v
}

// without returns rows of tables that do not stay after an erasure.
func (f Fixture) withoutStaying(tb testing.TB, who thimble.SubjectID) (left []string) {
	tb.Helper()
	for _, row := range f.raw(tb)[who] {
		if !startsWithAny(row, f.Stays) {
			left = append(left, row)
		}
	}
	return left
}

func startsWithAny(row string, tables []string) bool {
	for _, t := range tables {
		if len(row) > len(t) && row[:len(t)+1] == t+" " {
			return true
		}
	}
	return false
}
