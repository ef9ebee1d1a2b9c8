package check

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"
)

// PersonalLog finds people in logs, on the terminal and in errors.
var PersonalLog = &analysis.Analyzer{
	Name: "personallog", Doc: "no person's id, identifier or value is logged, printed or put into an error", Run: runPersonalLog,
}

func runPersonalLog(pass *analysis.Pass) (any, error) {
	s := look(pass)
	if s == nil || s.path == module {
		return nil, nil
	}
	defer s.done()
	for _, f := range s.files() {
		for _, d := range f.Decls {
			bare := s.bare(d)
			ast.Inspect(d, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					s.said(call, d, bare)
				}
				return true
			})
		}
	}
	return nil, nil
}

// bare finds the variables of a declaration that a revealed value was put into.
func (s *scope) bare(d ast.Decl) map[types.Object]bool {
	bare := map[types.Object]bool{}
	mark := func(to, from ast.Expr) {
		if id, ok := to.(*ast.Ident); ok && s.shows(from, bare) {
			if o := s.pass.TypesInfo.ObjectOf(id); o != nil {
				bare[o] = true
			}
		}
	}
	// Twice, so that a value that is passed on through a loop is followed.
	for range 2 {
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					mark(to, n.Rhs[min(i, len(n.Rhs)-1)])
				}
			case *ast.ValueSpec:
				for i, to := range n.Names {
					if len(n.Values) > 0 {
						mark(to, n.Values[min(i, len(n.Values)-1)])
					}
				}
			}
			return true
		})
	}
	return bare
}

// shows reports whether an expression is made of a revealed value as text. What
// only follows from one, such as a length, a comparison or the answer of another
// package, is not.
func (s *scope) shows(e ast.Expr, bare map[types.Object]bool) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return bare[s.pass.TypesInfo.ObjectOf(e)]
	case *ast.BinaryExpr:
		return textual(s.pass.TypesInfo.TypeOf(e)) && (s.shows(e.X, bare) || s.shows(e.Y, bare))
	case *ast.SliceExpr:
		return s.shows(e.X, bare)
	case *ast.IndexExpr:
		return s.shows(e.X, bare)
	case *ast.UnaryExpr:
		return s.shows(e.X, bare)
	case *ast.CompositeLit:
		return slices.ContainsFunc(e.Elts, func(x ast.Expr) bool { return s.shows(x, bare) })
	case *ast.KeyValueExpr:
		return s.shows(e.Value, bare)
	case *ast.CallExpr:
		if sel, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok && s.reveals(sel) {
			return true
		}
		converts := s.pass.TypesInfo.Types[e.Fun].IsType()
		return (converts || s.spells(e)) && slices.ContainsFunc(e.Args, func(a ast.Expr) bool { return s.shows(a, bare) })
	}
	return false
}

func textual(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

// spells reports whether a call only writes its arguments otherwise.
func (s *scope) spells(call *ast.CallExpr) bool {
	f := s.callee(call)
	if f == nil || f.Pkg() == nil {
		return false
	}
	switch f.Pkg().Path() {
	case "strings", "strconv", "bytes", "path", "net/url", "html", "encoding/hex", "encoding/json":
		return f.Signature().Results().Len() > 0 && !slices.Contains([]string{"Contains", "HasPrefix", "HasSuffix", "Index", "EqualFold", "Count", "Compare"}, f.Name())
	case "fmt":
		return f.Name() == "Sprintf" || f.Name() == "Sprint" || f.Name() == "Sprintln" || f.Name() == "Appendf"
	}
	return false
}

func (s *scope) callee(call *ast.CallExpr) *types.Func {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.SelectorExpr:
		f, _ := s.pass.TypesInfo.Uses[fun.Sel].(*types.Func)
		return f
	case *ast.Ident:
		f, _ := s.pass.TypesInfo.Uses[fun].(*types.Func)
		return f
	}
	return nil
}

// said looks at what is logged, printed or made an error.
func (s *scope) said(call *ast.CallExpr, in ast.Decl, bare map[types.Object]bool) {
	if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" && s.pass.TypesInfo.Uses[id] == types.Universe.Lookup("panic") {
		if len(call.Args) == 1 && s.shows(call.Args[0], bare) {
			s.report(call.Pos(), in, "a personal value is put into a panic")
		}
		return
	}
	f := s.callee(call)
	if f == nil || f.Pkg() == nil {
		return
	}
	logs, errs := speaks(f, call, s)
	if !logs && !errs {
		return
	}
	for _, a := range call.Args {
		switch {
		case s.shows(a, bare):
			s.report(a.Pos(), in, "a personal value is %s", place(logs))
		case s.names(a):
			s.report(a.Pos(), in, "a person is %s: name the request, the decision or a count instead", place(logs))
		}
	}
}

func place(logs bool) string {
	if logs {
		return "logged"
	}
	return "put into an error"
}

// speaks says whether a function logs, or makes an error.
func speaks(f *types.Func, call *ast.CallExpr, s *scope) (logs, errs bool) {
	if f.Name() == "wrap" { // by convention what puts words before an error
		return false, true
	}
	switch f.Pkg().Path() {
	case "log", "log/slog":
		return true, false
	case "errors":
		return false, f.Name() == "New"
	case "fmt":
		switch f.Name() {
		case "Errorf":
			return false, true
		case "Print", "Printf", "Println":
			return true, false
		case "Fprint", "Fprintf", "Fprintln":
			return s.terminal(call.Args[0]), false
		}
	}
	return false, false
}

// terminal reports whether a writer is the process's own output.
func (s *scope) terminal(e ast.Expr) bool {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	o := s.pass.TypesInfo.Uses[sel.Sel]
	return o != nil && o.Pkg() != nil && o.Pkg().Path() == "os" && (o.Name() == "Stderr" || o.Name() == "Stdout")
}

// names reports whether an argument says who somebody is: an id of a person, its
// text, a personal value or an identifier. Within a call of slog's own, the inner
// call is looked at by itself.
func (s *scope) names(e ast.Expr) bool {
	e = ast.Unparen(e)
	t := s.pass.TypesInfo.TypeOf(e)
	if t == nil {
		return false
	}
	if is(t, module, "SubjectID") || is(t, module, "Personal") || is(t, module+"/internal/subject", "Identifier") {
		return true
	}
	if sl, ok := t.Underlying().(*types.Slice); ok && (is(sl.Elem(), module, "SubjectID") || is(sl.Elem(), module, "Personal")) {
		return true
	}
	if b, ok := e.(*ast.BinaryExpr); ok {
		return s.names(b.X) || s.names(b.Y)
	}
	if sl, ok := e.(*ast.SliceExpr); ok {
		return s.names(sl.X)
	}
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		x := s.pass.TypesInfo.TypeOf(sel.X)
		if x != nil && is(x, module, "SubjectID") && (sel.Sel.Name == "String" || sel.Sel.Name == "MarshalText") {
			return true
		}
	}
	if s.spells(call) {
		return slices.ContainsFunc(call.Args, s.names)
	}
	return false
}
