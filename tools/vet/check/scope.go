package check

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const module = "thimble"

// kernel are the folders of the rows that make the rest accountable, as in
// internal/arch/rows.go; a test holds the two against each other.
var kernel = []string{
	"datamap", "ledger", "catalog", "job", "policy", "vault", "subject", "order", "session", "apikey", "registry", "backup",
	"staff", "consent", "gate", "disclose", "decision",
}

// A scope is a package as the rules see it.
type scope struct {
	pass   *analysis.Pass
	path   string // "thimble/internal/order/orderdb"
	folder string // "order"
	last   string // "orderdb"
	used   map[int]bool
}

// look returns nil for a package that the rules do not look at.
func look(pass *analysis.Pass) *scope {
	path := pass.Pkg.Path()
	// A test variant is named "path [path.test]".
	path, _, _ = strings.Cut(path, " ")
	if path != module && !strings.HasPrefix(path, module+"/") {
		return nil
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(path, module+"/"), "internal/")
	folder, _, _ := strings.Cut(rest, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	if strings.HasSuffix(last, "test") || strings.HasSuffix(last, "_test") || folder == "tools" {
		return nil
	}
	return &scope{pass: pass, path: path, folder: folder, last: last, used: map[int]bool{}}
}

func (s *scope) inKernel() bool { return slices.Contains(kernel, s.folder) }

// store reports whether the package is a <name>db.
func (s *scope) store() bool { return strings.HasSuffix(s.last, "db") && s.last != "sqldb" }

// files are those that are no tests.
func (s *scope) files() (all []*ast.File) {
	for _, f := range s.pass.Files {
		if !strings.HasSuffix(s.pass.Fset.Position(f.FileStart).Filename, "_test.go") {
			all = append(all, f)
		}
	}
	return all
}

// each visits every node of the files, with the declaration it stands in.
func (s *scope) each(visit func(n ast.Node, in ast.Decl)) {
	for _, f := range s.files() {
		for _, d := range f.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				if n != nil {
					visit(n, d)
				}
				return true
			})
		}
	}
}

// report tells a finding, unless an exception says why it is right.
func (s *scope) report(at token.Pos, in ast.Decl, format string, args ...any) {
	for i, e := range exceptions {
		if e.check == s.pass.Analyzer.Name && e.pkg == s.path && e.in == nameOf(in) {
			s.used[i] = true
			return
		}
	}
	s.pass.Reportf(at, format, args...)
}

// done reports exceptions of this package that nothing needed.
func (s *scope) done() {
	files := s.files()
	if len(files) == 0 {
		return
	}
	for i, e := range exceptions {
		if e.check == s.pass.Analyzer.Name && e.pkg == s.path && !s.used[i] {
			s.pass.Reportf(files[0].Name.Pos(), "the exception of %s for %s is not needed any more: take it out of tools/vet/check/exceptions.go", e.check, e.in)
		}
	}
}

// nameOf is "Func" or "Type.Method", and "import" or "" for other declarations.
func nameOf(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || len(d.Recv.List) == 0 {
			return d.Name.Name
		}
		return receiver(d.Recv.List[0].Type) + "." + d.Name.Name
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return "import"
		}
	}
	return ""
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// named returns the named type behind pointers, and whether there is one.
func named(t types.Type) *types.Named {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	n, _ := t.(*types.Named)
	return n
}

// is reports whether t is, or points to, the named type.
func is(t types.Type, pkg, name string) bool {
	n := named(t)
	return n != nil && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == pkg
}

// isGrant reports whether a value of type t is a grant: it opens, and says whose
// data for what.
func isGrant(t types.Type) bool {
	if t == nil {
		return false
	}
	for _, m := range []string{"Open", "Subject", "Purpose"} {
		o, _, _ := types.LookupFieldOrMethod(t, true, nil, m)
		if _, ok := o.(*types.Func); !ok {
			return false
		}
	}
	return true
}

// opens reports whether f is a method that opens a sealed cell.
func opens(f *types.Func) bool {
	sig := f.Signature()
	if sig.Recv() == nil || sig.Params().Len() < 3 || sig.Results().Len() == 0 {
		return false
	}
	return is(sig.Params().At(1).Type(), module, "Cell") && bytesType(sig.Params().At(2).Type()) && bytesType(sig.Results().At(0).Type()) && f.Name() != "Seal"
}

func bytesType(t types.Type) bool {
	s, ok := t.Underlying().(*types.Slice)
	return ok && types.Identical(s.Elem().Underlying(), types.Typ[types.Byte])
}
