package app_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/policy"
	"thimble/internal/thimbletest"
)

// consented are the vocabulary's purposes that need consent, by their Go names.
var consented = map[string]thimble.Purpose{"PersonalizeContent": thimble.PersonalizeContent, "TrainAISystem": thimble.TrainAISystem}

// TestEachCapabilityThatAsksForConsentSaysWhatItDoesWithout reads the sources of the
// capabilities: who hands a purpose that needs consent to the gate declares what
// happens without it.
func TestEachCapabilityThatAsksForConsentSaysWhatItDoesWithout(t *testing.T) {
	pack, err := policy.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range consented {
		if pack.Find(p).Mode <= policy.Notice {
			t.Errorf("%s needs no consent", name)
		}
	}
	type pair struct {
		capability string
		purpose    thimble.Purpose
	}
	declared := map[pair]bool{}
	for _, w := range thimbletest.New(t).Without() {
		declared[pair{w.Capability, w.Purpose}] = true
		if w.Does == "" || !strings.HasSuffix(w.Does, ".") {
			t.Errorf("%s does not say in a sentence what it does without %s", w.Capability, w.Purpose)
		}
	}
	found := 0
	for _, capability := range []string{"collect", "recommend", "rights", "storefront", "portal", "api"} {
		for name := range asked(t, filepath.Join("..", capability)) {
			found++
			if !declared[pair{capability, consented[name]}] {
				t.Errorf("%s asks the gate for %s and does not declare what it does without", capability, name)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d uses found: the walk is broken", found)
	}
}

// asked returns the purposes that need consent and are named where the gate is
// asked: in a gate.Request, or as an argument of Scan or Cohort.
func asked(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	note := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && consented[s.Sel.Name] != "" {
				names[s.Sel.Name] = true
			}
			return true
		})
	}
	request := reflect.TypeFor[gate.Request]().Name()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == request {
					note(n)
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Scan" || s.Sel.Name == "Cohort") {
					note(n)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
