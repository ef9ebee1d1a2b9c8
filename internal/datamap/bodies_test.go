package datamap_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"thimble/internal/datamap"
)

func TestEveryFieldInsideASealedBodyIsDeclared(t *testing.T) {
	for _, b := range datamap.Bodies() {
		if b.Type == "" {
			continue
		}
		got, err := inside(root, b.Type)
		if err != nil {
			t.Errorf("%s.%s: %v", b.Table, b.Column, err)
			continue
		}
		for _, problem := range undeclared(b, got) {
			t.Error(problem)
		}
	}
}

func TestEveryBodyIsASealedColumn(t *testing.T) {
	for _, b := range datamap.Bodies() {
		if !slices.ContainsFunc(datamap.Entries(datamap.All()), func(e datamap.Entry) bool { return e.Table == b.Table && e.Column == b.Column && e.Sealed }) {
			t.Errorf("%s.%s is described and is no sealed column", b.Table, b.Column)
		}
	}
}

func undeclared(b datamap.Body, got []string) (problems []string) {
	for _, f := range got {
		if !slices.Contains(b.Fields, f) {
			problems = append(problems, fmt.Sprintf("%s.%s: the field %s of %s is not declared in bodies.go", b.Table, b.Column, f, b.Type))
		}
	}
	for _, f := range b.Fields {
		if !slices.Contains(got, f) {
			problems = append(problems, fmt.Sprintf("%s.%s: %s has no field %s", b.Table, b.Column, b.Type, f))
		}
	}
	return problems
}

// Each struct that a body is made of gets a field, in a copy of the tree.
func TestAFieldInjectedIntoASealedBodyIsCaught(t *testing.T) {
	const seed = 41
	draw := rand.New(rand.NewPCG(seed, 1))
	types := []string{"string", "[]byte", "map[string]string", "any", "*int", "struct { Secret string `json:\"secret\"` }"}
	places := [][2]string{ // body, struct
		{"internal/order.Order", "Order"}, {"internal/order.Order", "Line"}, {"internal/consent.Event", "Event"}, {"internal/consent.Event", "UI"},
		{"internal/consent.Event", "By"}, {"internal/gate/gatedb.access", "access"}, {"internal/decision.Record", "Record"},
		{"internal/decision.Record", "Term"}, {"internal/decision.Record", "Input"}, {"internal/subject.Residence", "Residence"},
	}
	for i, p := range places {
		i0 := slices.IndexFunc(datamap.Bodies(), func(b datamap.Body) bool { return b.Type == p[0] })
		if i0 < 0 {
			t.Fatalf("%s is no body", p[0])
		}
		field := fmt.Sprintf("Injected%d %s", i, types[draw.IntN(len(types))])
		if got, err := inside(injectField(t, p[0], p[1], field), p[0]); err != nil || len(undeclared(datamap.Bodies()[i0], got)) == 0 {
			t.Errorf("seed %d: %q in %s is not caught: %q, %v", seed, field, p[1], got, err)
		}
	}
}

// injectField copies the package of a body, and the vocabulary, with a field added.
func injectField(t *testing.T, body, name, field string) (copied string) {
	t.Helper()
	copied = t.TempDir()
	folder := body[:strings.LastIndexByte(body, '.')]
	added := false
	for _, dir := range []string{".", folder} {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(copied, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			start := "type " + name + " struct {\n"
			if dir == folder && strings.Contains(string(text), start) {
				text = []byte(strings.Replace(string(text), start, start+"\t"+field+"\n", 1))
				added = true
			}
			if err := os.WriteFile(filepath.Join(copied, dir, filepath.Base(path)), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !added {
		t.Fatalf("there is no struct %s in %s", name, folder)
	}
	return copied
}

// A folder is a parsed package: its types with the imports of their files.
type folder struct {
	types map[string]typeSpec
	texts map[string]bool // types that write themselves as one text
}

type typeSpec struct {
	expr    ast.Expr
	imports map[string]string
}

// inside lists the fields that a type writes. It reads the source, so that a type
// that is not exported is read too.
func inside(root, name string) ([]string, error) {
	dot := strings.LastIndexByte(name, '.')
	r := reader{root: root, folders: map[string]*folder{}}
	return r.named(name[:dot], name[dot+1:], "")
}

type reader struct {
	root    string
	folders map[string]*folder
}

func (r *reader) folder(dir string) (*folder, error) {
	if f := r.folders[dir]; f != nil {
		return f, nil
	}
	f := &folder{types: map[string]typeSpec{}, texts: map[string]bool{}}
	r.folders[dir] = f
	paths, err := filepath.Glob(filepath.Join(r.root, dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no source in %s: %w", dir, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f.add(file)
	}
	return f, nil
}

func (f *folder) add(file *ast.File) {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = path
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok {
					f.types[ts.Name.Name] = typeSpec{ts.Type, imports}
				}
			}
		case *ast.FuncDecl:
			if d.Recv != nil && (d.Name.Name == "MarshalText" || d.Name.Name == "MarshalJSON") {
				if id, ok := d.Recv.List[0].Type.(*ast.Ident); ok {
					f.texts[id.Name] = true
				}
			}
		}
	}
}

func (r *reader) named(dir, name, prefix string) ([]string, error) {
	f, err := r.folder(dir)
	if err != nil {
		return nil, err
	}
	spec, ok := f.types[name]
	if !ok {
		return nil, fmt.Errorf("there is no type %s in %s", name, dir)
	}
	if f.texts[name] {
		return []string{prefix}, nil
	}
	return r.fields(dir, spec, prefix)
}

func (r *reader) fields(dir string, spec typeSpec, prefix string) ([]string, error) {
	switch e := spec.expr.(type) {
	case *ast.StarExpr:
		return r.fields(dir, typeSpec{e.X, spec.imports}, prefix)
	case *ast.ArrayType:
		return r.fields(dir, typeSpec{e.Elt, spec.imports}, prefix)
	case *ast.MapType:
		return r.fields(dir, typeSpec{e.Value, spec.imports}, prefix+".*")
	case *ast.Ident:
		f, err := r.folder(dir)
		if err != nil {
			return nil, err
		}
		if _, ours := f.types[e.Name]; ours {
			return r.named(dir, e.Name, prefix)
		}
	case *ast.SelectorExpr:
		path := spec.imports[e.X.(*ast.Ident).Name]
		if path == "thimble" || strings.HasPrefix(path, "thimble/") {
			return r.named(strings.TrimPrefix(strings.TrimPrefix(path, "thimble"), "/"), e.Sel.Name, prefix)
		}
	case *ast.StructType:
		return r.members(dir, e, spec.imports, prefix)
	}
	return []string{prefix}, nil // a bare value
}

func (r *reader) members(dir string, s *ast.StructType, imports map[string]string, prefix string) (all []string, err error) {
	for _, f := range s.Fields.List {
		names := f.Names
		if len(names) == 0 {
			names = []*ast.Ident{{Name: ""}} // embedded: its fields stand here
		}
		for _, name := range names {
			part := name.Name
			if f.Tag != nil {
				text, _ := strconv.Unquote(f.Tag.Value) // the parser has read it
				tag, _, _ := strings.Cut(reflect.StructTag(text).Get("json"), ",")
				if tag == "-" {
					continue
				}
				if tag != "" {
					part = tag
				}
			}
			inner, err := r.fields(dir, typeSpec{f.Type, imports}, strings.Trim(prefix+"."+part, "."))
			if err != nil {
				return nil, err
			}
			all = append(all, inner...)
		}
	}
	return all, nil
}
