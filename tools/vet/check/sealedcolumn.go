package check

import (
	_ "embed"
	"encoding/csv"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// SealedColumn finds SQL that reads another's sealed column, and sealed bytes that
// go elsewhere than into a grant.
var SealedColumn = &analysis.Analyzer{
	Name: "sealedcolumn", Doc: "only the owner's <name>db names a sealed column; sealed bytes go into a grant", Run: runSealedColumn,
}

// sealedList is the part of the data map that the checks need. A test in
// internal/datamap holds the two against each other.
//
//go:embed sealed.csv
var sealedList string

// A sealed column, who owns it, and the type of what is inside.
type sealed struct{ table, column, holder, body string }

var sealedColumns = func() (all []sealed) {
	rows, err := csv.NewReader(strings.NewReader(sealedList)).ReadAll()
	if err != nil {
		panic(err) // the list is part of the program
	}
	for _, r := range rows[1:] {
		all = append(all, sealed{r[0], r[1], r[2], r[3]})
	}
	return all
}()

func runSealedColumn(pass *analysis.Pass) (any, error) {
	s := look(pass)
	if s == nil {
		return nil, nil
	}
	defer s.done()
	for _, f := range s.files() {
		for _, d := range f.Decls {
			if nameOf(d) == "import" {
				continue
			}
			parents := map[ast.Node]ast.Node{}
			ast.Inspect(d, children(parents))
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BinaryExpr:
					if text, ok := s.text(n); ok {
						s.sql(n.Pos(), d, text)
						return false
					}
				case *ast.BasicLit:
					if text, ok := s.text(n); ok {
						s.sql(n.Pos(), d, text)
					}
				case *ast.SelectorExpr:
					s.carried(n, d, parents)
				}
				return true
			})
		}
	}
	return nil, nil
}

func children(parents map[ast.Node]ast.Node) func(ast.Node) bool {
	var stack []ast.Node
	return func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	}
}

// hole stands in a text for what is only known when the program runs.
const hole = " ? "

// text joins the constant parts of a string expression.
func (s *scope) text(e ast.Expr) (string, bool) {
	tv := s.pass.TypesInfo.Types[e]
	if tv.Type == nil || !types.Identical(tv.Type.Underlying(), types.Typ[types.String]) && tv.Type != types.Typ[types.UntypedString] {
		return "", false
	}
	if tv.Value != nil && tv.Value.Kind() == constant.String {
		return constant.StringVal(tv.Value), true
	}
	if b, ok := ast.Unparen(e).(*ast.BinaryExpr); ok && b.Op == token.ADD {
		x, _ := s.text(b.X)
		y, _ := s.text(b.Y)
		return x + y, true
	}
	return hole, true
}

var (
	verb = regexp.MustCompile(`(?is)\b(select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|returning|copy|join)\b`)
	word = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*`)
	all  = regexp.MustCompile(`(?is)\bselect\s+(?:distinct\s+)?(?:[a-z0-9_]+\.)?\*|returning\s+\*`)
	// The list of columns is only known when the program runs.
	listed = regexp.MustCompile(`(?is)\b(?:select|returning)\b[^;]*(?:%[svq]| \? )`)
	nobody = regexp.MustCompile(`(?is)\b(?:from|into|update|join)\s+\?|\b(?:from|into|update|join)\s+["']?%[sqv]`)
)

// sql looks at a text that may be SQL.
func (s *scope) sql(at token.Pos, in ast.Decl, text string) {
	if !verb.MatchString(text) {
		return
	}
	words := word.FindAllString(strings.ToLower(text), -1)
	for _, c := range sealedColumns {
		if s.owns(c) || !slices.Contains(words, c.column) && !all.MatchString(text) && !columnsOpen(text) {
			continue
		}
		if slices.Contains(words, c.table) {
			reader := readerOf(c.table)
			s.report(at, in, "SQL names the sealed column %s.%s, which only %s reads: ask its store, and open with a grant", c.table, c.column, reader[strings.LastIndexByte(reader, '/')+1:])
			return
		}
	}
	if s.store() || !nobody.MatchString(text) {
		return
	}
	for _, c := range sealedColumns {
		if slices.Contains(words, c.column) {
			s.report(at, in, "SQL names the column %s of a table that is only known when the program runs: it may be sealed", c.column)
			return
		}
	}
}

// columnsOpen reports whether a column may come in when the program runs: in what
// stands before "from", or behind "returning".
func columnsOpen(text string) bool {
	lower := strings.ToLower(text)
	head, _, _ := strings.Cut(lower, "from")
	_, tail, _ := strings.Cut(lower, "returning")
	return listed.MatchString(head) || tail != "" && listed.MatchString("returning"+tail)
}

// readers are the packages that read sealed columns, of tables that are not called after
// their own: everybody else in the folder is kept out as well.
var readers = map[string]string{
	"log_frames":      "collect/framedb",
	"collect_months":  "collect/timelinedb",
	"collect_facts":   "collect/collectdb",
	"collect_reviews": "collect/collectdb",
	"cases_steps":     "rights/casesdb",
	"cases_agents":    "rights/casesdb",
	"systems_tasks":   "rights/systemsdb",
	"taste_events":    "recommend/tastedb",
	"taste_state":     "recommend/tastedb",
}

// readerOf is the one package whose SQL may name a table's sealed columns: that of readers,
// or the store of the folder that the table's name begins with.
func readerOf(table string) string {
	path, ok := readers[table]
	if !ok {
		folder, _, _ := strings.Cut(table, "_")
		path = folder + "/" + folder + "db"
	}
	return module + "/internal/" + path
}

// owns reports whether the package is the one that reads the column.
func (s *scope) owns(c sealed) bool { return s.path == readerOf(c.table) }

// carried finds a field of sealed bytes that is read outside its owner's folder and
// goes elsewhere than into a grant's Open.
func (s *scope) carried(sel *ast.SelectorExpr, in ast.Decl, parents map[ast.Node]ast.Node) {
	selection := s.pass.TypesInfo.Selections[sel]
	if selection == nil || selection.Kind() != types.FieldVal || !bytesType(selection.Type()) {
		return
	}
	n := named(selection.Recv())
	if n == nil || !strings.HasPrefix(n.Obj().Name(), "Sealed") || n.Obj().Pkg() == nil {
		return
	}
	if !strings.HasPrefix(n.Obj().Pkg().Path(), module+"/internal/") || within(n.Obj().Pkg().Path(), s.folder) {
		return
	}
	call, ok := parents[sel].(*ast.CallExpr)
	if ok {
		if len1, isLen := call.Fun.(*ast.Ident); isLen && len1.Name == "len" {
			return
		}
		if open, ok := call.Fun.(*ast.SelectorExpr); ok && open.Sel.Name == "Open" && isGrant(s.pass.TypesInfo.TypeOf(open.X)) {
			return
		}
	}
	s.report(sel.Pos(), in, "sealed bytes of %s go elsewhere than into a grant's Open", n.Obj().Pkg().Name()+"."+n.Obj().Name())
}

func within(path, folder string) bool {
	rest := strings.TrimPrefix(path, module+"/internal/")
	first, _, _ := strings.Cut(rest, "/")
	return first == folder
}
