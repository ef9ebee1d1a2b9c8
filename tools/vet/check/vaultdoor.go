package check

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// VaultDoor finds who opens the vault outside the kernel, or could.
var VaultDoor = &analysis.Analyzer{
	Name: "vaultdoor", Doc: "only the kernel opens the vault; the rest opens what is sealed with a grant", Run: runVaultDoor,
}

const vaultPath = module + "/internal/vault"

// root is where the vault is made and handed to the kernel.
const root = "app"

func runVaultDoor(pass *analysis.Pass) (any, error) {
	s := look(pass)
	if s == nil || s.folder == "vault" {
		return nil, nil
	}
	defer s.done()
	if !s.inKernel() && s.folder != root {
		s.imports()
	}
	s.each(func(n ast.Node, in ast.Decl) {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			s.opened(n, in)
		case *ast.CallExpr:
			s.handed(n.Args, in)
		case *ast.CompositeLit:
			s.handed(n.Elts, in)
		}
	})
	return nil, nil
}

func (s *scope) imports() {
	for _, f := range s.files() {
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err == nil && (path == vaultPath || strings.HasPrefix(path, vaultPath+"/")) {
				s.report(spec.Pos(), importsOf(f), "%s is outside the kernel and imports %s: take an interface of what is needed, or open with a grant", s.path, path)
			}
		}
	}
}

func importsOf(f *ast.File) ast.Decl {
	for _, d := range f.Decls {
		if nameOf(d) == "import" {
			return d
		}
	}
	return nil
}

// opened finds methods that open cells, called or taken as a value.
func (s *scope) opened(sel *ast.SelectorExpr, in ast.Decl) {
	f, ok := s.pass.TypesInfo.Uses[sel.Sel].(*types.Func)
	if !ok {
		return
	}
	from := s.pass.TypesInfo.TypeOf(sel.X)
	if secret(f) && !s.inKernel() && s.folder != root {
		s.report(sel.Pos(), in, "a secret of the vault is read outside the kernel")
		return
	}
	if opens(f) && !isGrant(from) && !s.inKernel() {
		s.report(sel.Pos(), in, "a sealed value is opened without a grant: ask gate.Gate.Open, which records the use")
	}
}

// secret reports whether f reads a secret of the installation from the vault.
func secret(f *types.Func) bool {
	return f.Name() == "Secret" && f.Signature().Recv() != nil && is(f.Signature().Recv().Type(), vaultPath, "Vault")
}

// handed finds the vault, or something else that opens without a grant, given on: what
// is given on as an interface is opened where nobody looks.
func (s *scope) handed(given []ast.Expr, in ast.Decl) {
	if s.inKernel() || s.folder == root {
		return
	}
	for _, e := range given {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		if tv := s.pass.TypesInfo.Types[e]; tv.IsValue() && ungranted(tv.Type) {
			s.report(e.Pos(), in, "what opens without a grant is handed on outside the kernel and internal/app")
		}
	}
}

// ungranted reports whether a value of type t opens cells and is no grant.
func ungranted(t types.Type) bool {
	o, _, _ := types.LookupFieldOrMethod(t, true, nil, "Open")
	f, ok := o.(*types.Func)
	return ok && opens(f) && !isGrant(t)
}
