package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module  = "thimble"
	root    = "../.."
	maxFile = 500 // lines
	maxFunc = 60  // lines
	maxMean = 25  // lines
)

// transport are the packages that only <name>db, <name>web and the doors import.
var transport = []string{"database/sql", "html/template", "net/http"}

// nothing are names that say nothing.
var nothing = []string{"util", "utils", "common", "helper", "helpers", "models", "misc", "types", "base", "shared", "lib", "core"}

type file struct {
	path   string // "internal/gate/gate.go"
	pkg    string // "thimble/internal/gate"
	syntax *ast.File
	lines  func(ast.Node) int
}

// place returns the row of an import path, and the folder that owns it.
func place(path string) (row int, folder string) {
	if path == module {
		return 0, module
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(path, module+"/"), "internal/")
	folder, _, _ = strings.Cut(rest, "/")
	return slices.IndexFunc(rows, func(r []string) bool { return slices.Contains(r, folder) }), folder
}

// support reports whether the package helps tests only: it is named *test.
func support(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// sources reads the tree itself, and not `go list`, so that the test cache
// notices every new file.
func sources(t *testing.T) []file {
	t.Helper()
	var all []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped := []string{"node_modules", "tools", "deps", "data", "testdata"}; path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains(skipped, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := read(path)
		all = append(all, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files found: the walk is broken", len(all))
	}
	return all
}

func read(path string) (file, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	rel, err := filepath.Rel(root, path)
	return file{
		path: rel, pkg: strings.TrimSuffix(filepath.ToSlash(filepath.Join(module, filepath.Dir(rel))), "/."), syntax: f,
		lines: func(n ast.Node) int { return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1 },
	}, err
}

func TestImportsPointDown(t *testing.T) {
	for _, f := range sources(t) {
		if support(f.pkg) {
			continue
		}
		row, folder := place(f.pkg)
		if row < 0 {
			t.Errorf("%s: %s has no row; add its folder to rows", f.path, f.pkg)
		}
		for _, imp := range imports(f) {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			if r, other := place(imp); r > row || r == row && other != folder {
				t.Errorf("%s imports %s, which is not below it", f.path, imp)
			}
			if support(imp) {
				t.Errorf("%s imports %s, which is for tests", f.path, imp)
			}
		}
	}
}

func imports(f file) (all []string) {
	for _, spec := range f.syntax.Imports {
		all = append(all, strings.Trim(spec.Path.Value, `"`))
	}
	return all
}

func TestRulesKnowNoTransport(t *testing.T) {
	for _, f := range sources(t) {
		row, folder := place(f.pkg)
		rules := row >= kernel && row <= capabilities && f.syntax.Name.Name == folder
		for _, imp := range imports(f) {
			if rules && slices.Contains(transport, imp) {
				t.Errorf("%s imports %s: move it to %sdb or %sweb", f.path, imp, folder, folder)
			}
		}
	}
}

func TestVocabularyStandsAlone(t *testing.T) {
	for _, f := range sources(t) {
		if f.pkg != module {
			continue
		}
		for _, imp := range imports(f) {
			if strings.Contains(strings.Split(imp, "/")[0], ".") || strings.HasPrefix(imp, module) {
				t.Errorf("%s imports %s: the vocabulary has the standard library only", f.path, imp)
			}
		}
	}
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	var funcs, total int
	for _, f := range sources(t) {
		if n := f.lines(f.syntax); n > maxFile {
			t.Errorf("%s has %d lines; split it by topic", f.path, n)
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.lines(fn); n > maxFunc {
				t.Errorf("%s: %s has %d lines", f.path, fn.Name.Name, n)
			}
			funcs, total = funcs+1, total+f.lines(fn)
		}
	}
	if mean := float64(total) / float64(max(funcs, 1)); mean >= maxMean {
		t.Errorf("the mean function has %.1f lines", mean)
	}
}

func TestNamesSaySomething(t *testing.T) {
	for _, f := range sources(t) {
		for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(f.path)), "/") {
			if slices.Contains(nothing, part) {
				t.Errorf("%s: the folder name %q says nothing", f.path, part)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said := map[string]bool{}
	for _, f := range sources(t) {
		said[f.pkg] = said[f.pkg] || f.syntax.Doc != nil
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}
