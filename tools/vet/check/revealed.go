package check

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Revealed finds Personal.Reveal without a reason.
var Revealed = &analysis.Analyzer{
	Name: "revealed", Doc: "a comment beside Personal.Reveal says why", Run: runRevealed,
}

func runRevealed(pass *analysis.Pass) (any, error) {
	s := look(pass)
	if s == nil || s.path == module {
		return nil, nil
	}
	defer s.done()
	called := map[*ast.SelectorExpr]bool{}
	s.each(func(n ast.Node, _ ast.Decl) {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
				called[sel] = true
			}
		}
	})
	reasons := s.reasons()
	s.each(func(n ast.Node, in ast.Decl) {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !s.reveals(sel) {
			return
		}
		switch {
		case !called[sel]:
			s.report(sel.Pos(), in, "Reveal is handed on: call it where the reason stands")
		case !reasons.has(pass.Fset.Position(sel.Pos()), in):
			s.report(sel.Pos(), in, "a personal value is revealed and no comment says why: put the reason behind the call, above it, or above the function")
		}
	})
	return nil, nil
}

// reveals reports whether a selector is Personal.Reveal.
func (s *scope) reveals(sel *ast.SelectorExpr) bool {
	f, ok := s.pass.TypesInfo.Uses[sel.Sel].(*types.Func)
	return ok && f.Name() == "Reveal" && f.Signature().Recv() != nil && is(f.Signature().Recv().Type(), module, "Personal")
}

// reasons are the lines of comments that are a reason: three words or more.
type reasons map[string]map[int]bool

func (s *scope) reasons() reasons {
	r := reasons{}
	for _, f := range s.files() {
		lines := map[int]bool{}
		r[s.pass.Fset.Position(f.FileStart).Filename] = lines
		for _, g := range f.Comments {
			if !reason(g) {
				continue
			}
			// The comment counts for its own line and, when it ends one, the next.
			for _, c := range g.List {
				lines[s.pass.Fset.Position(c.Pos()).Line] = true
			}
			if s.alone(f, g) {
				lines[s.pass.Fset.Position(g.End()).Line+1] = true
			}
		}
	}
	return r
}

func reason(g *ast.CommentGroup) bool {
	// What the tests of this package want on a line is no part of a reason.
	text, _, _ := strings.Cut(g.Text(), "want \"")
	return len(strings.Fields(text)) >= 3 && !strings.Contains(text, "TODO")
}

// alone reports whether a comment has its line for itself.
func (s *scope) alone(f *ast.File, g *ast.CommentGroup) bool {
	line, found := s.pass.Fset.Position(g.Pos()).Line, false
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.Comment, *ast.CommentGroup, *ast.File, *ast.BlockStmt, *ast.FuncDecl, *ast.FuncType, *ast.GenDecl:
			return !found
		}
		found = found || s.pass.Fset.Position(n.Pos()).Line == line && n.Pos() < g.Pos()
		return !found
	})
	return !found
}

func (r reasons) has(at token.Position, in ast.Decl) bool {
	if r[at.Filename][at.Line] {
		return true
	}
	fn, ok := in.(*ast.FuncDecl)
	return ok && fn.Doc != nil && strings.Contains(strings.ToLower(fn.Doc.Text()), "reveal")
}
