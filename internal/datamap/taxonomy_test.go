package datamap_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/datamap"
)

const root = "../.."

func TestTheTaxonomyIsATreeOfKeysWithPlainWords(t *testing.T) {
	for kind, terms := range map[string][]datamap.Term{"category": datamap.Categories(), "purpose": datamap.Purposes(), "person": datamap.People()} {
		seen := map[string]bool{}
		for _, term := range terms {
			if term.Name == "" || len(term.Description) < 10 || seen[term.Key] {
				t.Errorf("%s %q: a name and a description, and once only, were expected", kind, term.Key)
			}
			seen[term.Key] = true
		}
		for _, term := range terms {
			// Within reads the parent off the key, so the two must say the same.
			want := ""
			if i := strings.LastIndexByte(term.Key, '.'); i >= 0 {
				want = term.Key[:i]
			}
			if term.Parent != want || want != "" && !seen[want] {
				t.Errorf("%s %q has the parent %q, want %q, which is there: %t", kind, term.Key, term.Parent, want, seen[want])
			}
		}
	}
	if n := len(datamap.Categories()); n < 85+16 {
		t.Errorf("%d categories: fideslang's 85 and 16 of our own or more were expected", n)
	}
	if len(datamap.Purposes()) != 54+2 || len(datamap.People()) != 15 {
		t.Errorf("%d purposes and %d kinds of people, want fideslang's 54 with two of our own, and 15", len(datamap.Purposes()), len(datamap.People()))
	}
}

// notKeys look like keys of the taxonomy and are something else.
var notKeys = []string{"thimble.yaml", "thimble.request_id", "thimble.local", "thimble.regpack", "thimble.datamap"}

// likeKey is a whole literal that can only be meant as a key: at least two parts
// below a root of the taxonomy.
var likeKey = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)+$`)

func TestEveryCategoryAndPurposeInTheSourceIsInTheTaxonomy(t *testing.T) {
	found := map[string]string{} // key → place
	walk(t, func(path string, file *ast.File, at func(ast.Node) string) {
		for place, key := range keysIn(file, at) {
			found[key] = place
		}
	})
	for key, place := range packKeys(t) {
		found[key] = place
	}
	for key, place := range found {
		if !known(key) {
			t.Errorf("%s: %q is not in the taxonomy; add it to internal/datamap/taxonomy/thimble.csv", place, key)
		}
	}
	for _, want := range []string{"user.behavior.purchase_history", "thimble.access_record", "personalize.content.profiled", "train_ai_system", "user.contact.email", "user.social"} {
		if found[want] == "" {
			t.Errorf("%q was not found in the source: the walk is broken", want)
		}
	}
}

func TestAnUnknownKeyInTheSourceIsCaught(t *testing.T) {
	for _, source := range []string{
		`package p; import "thimble"; const c thimble.Category = "user.shoe_size"`,
		`package p; import "thimble"; var c = thimble.Category("horoscope")`,
		`package p; import "thimble"; var p = thimble.Purpose("personalise")`,
		`package p; import "thimble"; var p = []thimble.Purpose{"curiosity"}`,
		`package p; import "thimble"; var c = thimble.Cell{Category: "mood"}`,
		`package p; func f() string { return "marketing.sms_blast" }`,
		`package p; import "thimble"; func f() thimble.Category { return "thimble.mood" }`,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "p.go", source, 0)
		if err != nil {
			t.Fatal(err)
		}
		keys := keysIn(file, func(n ast.Node) string { return fset.Position(n.Pos()).String() })
		caught := false
		for _, key := range keys {
			caught = caught || !known(key)
		}
		if !caught {
			t.Errorf("not caught: %s", source)
		}
	}
}

func known(key string) bool {
	_, category := datamap.CategoryOf(thimble.Category(key))
	_, purpose := datamap.PurposeOf(thimble.Purpose(key))
	return category || purpose
}

// keysIn finds what is a key by its type, and what is one by its look.
func keysIn(file *ast.File, at func(ast.Node) string) map[string]string {
	keys := map[string]string{}
	add := func(e ast.Expr, typed bool) {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return
		}
		key, err := strconv.Unquote(lit.Value)
		first, _, _ := strings.Cut(key, ".")
		if err == nil && key != "" && (typed || likeKey.MatchString(key) && known(first)) && !slices.Contains(notKeys, key) {
			keys[at(lit)] = key
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			add(n, false)
		case *ast.ValueSpec:
			for _, v := range n.Values {
				add(v, isKey(n.Type))
			}
		case *ast.CallExpr:
			if len(n.Args) == 1 {
				add(n.Args[0], isKey(n.Fun))
			}
		case *ast.CompositeLit:
			list, ok := n.Type.(*ast.ArrayType)
			for _, e := range n.Elts {
				add(e, ok && isKey(list.Elt))
				if kv, ok := e.(*ast.KeyValueExpr); ok && speaksOfData(n.Type) {
					name, ok := kv.Key.(*ast.Ident)
					add(kv.Value, ok && (name.Name == "Category" || name.Name == "Purpose"))
				}
			}
		}
		return true
	})
	return keys
}

func isKey(e ast.Expr) bool {
	if s, ok := e.(*ast.SelectorExpr); ok {
		x, ok := s.X.(*ast.Ident)
		return ok && x.Name == "thimble" && (s.Sel.Name == "Category" || s.Sel.Name == "Purpose")
	}
	return false
}

// speaksOfData reports whether a struct's Category and Purpose are keys: a product
// has a category too, and a page says its purpose in words.
func speaksOfData(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Cell", "Datum", "Request", "Field", "Choice", "Event"}, s.Sel.Name)
}

// walk parses every file of the module that is no test.
func walk(t *testing.T, visit func(path string, file *ast.File, at func(ast.Node) string)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "tools", "testdata", "data"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		n++
		visit(path, file, func(n ast.Node) string { return fset.Position(n.Pos()).String() })
		return nil
	})
	if err != nil || n < 100 {
		t.Fatalf("%d files read, %v: the walk is broken", n, err)
	}
}

var packLine = regexp.MustCompile(`\b(?:use|category): ([a-z_.]+)`)

func packKeys(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	files, err := filepath.Glob(filepath.Join(root, "internal/policy/packs/*.y*ml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no packs: %v", err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			for _, m := range packLine.FindAllStringSubmatch(lines.Text(), -1) {
				keys[m[1]] = name
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}
