package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

var packages = []string{
	"thimble/internal/price", "thimble/internal/assist", "thimble/internal/fit", "thimble/internal/triage", "thimble/internal/order/orderdb",
	"thimble/internal/order", "thimble/internal/gate", "thimble/internal/app", "thimble/internal/pricetest", "thimble/internal/collect/timelinedb", "thimble/internal/collect/plandb",
}

// merged runs all checks as one, so that a line can want findings of any of them.
var merged = &analysis.Analyzer{
	Name: "merged", Doc: "all checks",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, a := range Analyzers {
			as := *pass
			as.Analyzer = a
			if _, err := a.Run(&as); err != nil {
				return nil, err
			}
		}
		return nil, nil
	},
}

// A planted violation is a line that says which findings it wants. What else is
// found, and what is wanted and not found, fails.
func TestEachPlantedViolationIsCaughtAndNothingElse(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), merged, packages...)
}

// Without an exception the place it excuses is a finding, and one that excuses
// nothing is a finding as well.
func TestAnExceptionExcusesOnePlaceAndIsReportedWhenUnused(t *testing.T) {
	kept := exceptions
	t.Cleanup(func() { exceptions = kept })
	exceptions = []exception{
		{"revealed", "thimble/internal/fit", "Silent", "a test of exceptions"},
		{"revealed", "thimble/internal/fit", "Gone", "a test of exceptions"},
	}
	found := recorder{T: t}
	analysistest.Run(&found, analysistest.TestData(), merged, "thimble/internal/fit")
	want := []string{"fit.go:3: unexpected diagnostic: the exception of revealed for Gone is not needed any more", "fit.go:10: no diagnostic was reported matching"}
	for _, w := range want {
		if !slices.ContainsFunc(found.said, func(s string) bool { return strings.Contains(s, strings.SplitN(w, ": ", 2)[1]) }) {
			t.Errorf("%q is missing in %q", w, found.said)
		}
	}
	if len(found.said) != len(want) {
		t.Errorf("said %q, want %d findings", found.said, len(want))
	}
}

// A recorder keeps what analysistest complains about.
type recorder struct {
	*testing.T
	said []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func TestThereAreThirtyPlantsAndTenLookAlikes(t *testing.T) {
	plants, alike := 0, 0
	for _, path := range packages {
		files, err := filepath.Glob(filepath.Join("testdata/src", path, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", path, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			plants += len(regexp.MustCompile(`// want "`).FindAllString(string(text), -1))
			alike += len(regexp.MustCompile(`look-alike`).FindAllString(string(text), -1))
		}
	}
	t.Logf("%d planted violations, %d look-alikes", plants, alike)
	if plants < 30 || alike < 10 {
		t.Errorf("%d planted violations and %d look-alikes, want 30 and 10 at least", plants, alike)
	}
}

// The kernel is listed here and in internal/arch: they must say the same.
func TestTheKernelIsThatOfTheMap(t *testing.T) {
	text, err := os.ReadFile("../../../internal/arch/rows.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "// kernel\n")
	rows, _, ok2 := strings.Cut(rest, "// capabilities")
	if !ok || !ok2 {
		t.Fatal("internal/arch/rows.go has changed its form")
	}
	var folders []string
	for _, m := range regexp.MustCompile(`"([a-z]+)"`).FindAllStringSubmatch(rows, -1) {
		folders = append(folders, m[1])
	}
	got, want := slices.Sorted(slices.Values(kernel)), slices.Sorted(slices.Values(folders))
	if !slices.Equal(got, want) {
		t.Errorf("the kernel of the checks is %q, the map says %q", got, want)
	}
}

func TestEachExceptionSaysWhyAndWhere(t *testing.T) {
	seen := map[exception]bool{}
	for _, e := range exceptions {
		if !slices.ContainsFunc(Analyzers, func(a *analysis.Analyzer) bool { return a.Name == e.check }) {
			t.Errorf("%+v: there is no such check", e)
		}
		folder := filepath.Join("../../..", strings.TrimPrefix(e.pkg, "thimble/"))
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("%+v: there is no such package", e)
		}
		if len(strings.Fields(e.why)) < 4 || e.in == "" {
			t.Errorf("%+v: a place and a reason were expected", e)
		}
		key := exception{check: e.check, pkg: e.pkg, in: e.in}
		if seen[key] {
			t.Errorf("%+v stands there twice", e)
		}
		seen[key] = true
	}
}
