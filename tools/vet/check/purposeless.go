package check

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Purposeless finds accessors that return opened data about a person and were told
// no purpose.
var Purposeless = &analysis.Analyzer{
	Name: "purposeless", Doc: "an accessor of opened data takes a grant or a request of the gate", Run: runPurposeless,
}

func runPurposeless(pass *analysis.Pass) (any, error) {
	s := look(pass)
	if s == nil || !s.store() {
		return nil, nil
	}
	defer s.done()
	for _, f := range s.files() {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || !exportedReceiver(fn) {
				continue
			}
			def, ok := pass.TypesInfo.Defs[fn.Name].(*types.Func)
			if !ok || purposeful(def) {
				continue
			}
			for v := range def.Signature().Results().Variables() {
				if what := personal(v.Type(), 0); what != "" {
					s.report(fn.Name.Pos(), d, "%s returns %s and is told no purpose: take a thimble.Grant or a gate.Request", nameOf(d), what)
					break
				}
			}
		}
	}
	return nil, nil
}

func exportedReceiver(fn *ast.FuncDecl) bool {
	return fn.Recv == nil || ast.IsExported(receiver(fn.Recv.List[0].Type))
}

// purposeful reports whether the function is told a purpose: by a grant, by a
// request, or by being the export of a holder, whose purpose is the person's right.
func purposeful(f *types.Func) bool {
	sig := f.Signature()
	for v := range sig.Params().Variables() {
		if isGrant(v.Type()) || is(v.Type(), module+"/internal/gate", "Request") {
			return true
		}
	}
	return f.Name() == "Export" && sig.Recv() != nil && sig.Params().Len() == 2 && is(sig.Params().At(1).Type(), module, "SubjectID") &&
		sig.Results().Len() == 1 && strings.HasPrefix(sig.Results().At(0).Type().String(), "iter.Seq2["+module+".Datum")
}

// personal says what opened data a type holds, "" when none. Three levels deep is
// deeper than any accessor's result.
func personal(t types.Type, depth int) string {
	if depth > 3 {
		return ""
	}
	t = types.Unalias(t)
	if n, ok := t.(*types.Named); ok {
		if what := opened(n); what != "" {
			return what
		}
		for a := range n.TypeArgs().Types() {
			if what := personal(a, depth+1); what != "" {
				return what
			}
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return personal(u.Elem(), depth)
	case *types.Slice:
		return personal(u.Elem(), depth)
	case *types.Array:
		return personal(u.Elem(), depth)
	case *types.Chan:
		return personal(u.Elem(), depth)
	case *types.Map:
		if what := personal(u.Key(), depth); what != "" {
			return what
		}
		return personal(u.Elem(), depth)
	case *types.Struct:
		for f := range u.Fields() {
			// What is not exported is the package's own: nobody outside reads it.
			if f.Exported() {
				if what := personal(f.Type(), depth+1); what != "" {
					return what
				}
			}
		}
	}
	return ""
}

func opened(n *types.Named) string {
	if n.Obj().Pkg() == nil {
		return ""
	}
	path, name := n.Obj().Pkg().Path(), n.Obj().Name()
	if path == module && (name == "Personal" || name == "Datum") {
		return "a thimble." + name
	}
	for _, c := range sealedColumns {
		if c.body != "" && module+"/"+c.body == path+"."+name {
			return "an opened " + n.Obj().Pkg().Name() + "." + name
		}
	}
	return ""
}
