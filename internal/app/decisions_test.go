package app_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/thimbletest"
)

// sample is a random decision of a type.
func sample(rng *rand.Rand, k decision.Type) decision.Record {
	r := decisiontest.List(rng, 1+rng.IntN(12), 1+rng.IntN(10))
	if k.Counter == decision.Changes {
		r = decisiontest.Scored(rng, 1+rng.IntN(12))
	}
	r.Capability, r.Placement = k.Capability, k.Placement
	if k.About != decision.Person {
		r.About = &decision.About{Kind: k.About, ID: "17"}
	}
	return r
}

func TestEveryTypeOfDecisionIsToldToAllWhoAskAndCanBeContested(t *testing.T) {
	s := thimbletest.New(t)
	library, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	all := s.Decisions.Types().All()
	if len(all) == 0 {
		t.Fatal("no type is known")
	}
	runs := 500
	if os.Getenv("THIMBLE_SOAK") == "1" {
		runs = 50_000
	}
	rng := rand.New(rand.NewPCG(20261129, 0))
	for _, k := range all {
		granted := 0
		for _, listed := range library.List() {
			p, err := library.Pack(strings.Split(listed.Ref, "@")[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, right := range p.Rights {
				if right.Right == k.Recourse.Right {
					granted++
				}
			}
		}
		if granted == 0 {
			t.Errorf("%s: no law knows the right %q", k.Capability, k.Recourse.Right)
		}
		for range runs {
			r := sample(rng, k)
			if err := errors.Join(r.Check(), s.Decisions.Types().Fits(r)); err != nil || r.Counter == nil {
				t.Fatalf("%s: %v, counterfactual %v", k.Capability, err, r.Counter)
			}
			for _, a := range decision.Audiences {
				text, err := s.Decisions.Types().Text(r, a, decisiontest.Words())
				grade, words := decisiontest.Grade(text)
				if err != nil || words == 0 || a == decision.ForCustomer && (words > 80 || grade > 8) {
					t.Fatalf("%s for the %s: %v, %d words of grade %.1f:\n%s", k.Capability, a, err, words, grade, text)
				}
			}
		}
	}
}

// Whoever makes records says of which types they are: a package that makes one has
// DecisionTypes.
func TestEveryPackageThatDecidesSaysItsTypes(t *testing.T) {
	makes, says := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir := filepath.Dir(path)
		if base := filepath.Base(dir); strings.HasPrefix(base, "decision") || strings.HasSuffix(base, "test") {
			return nil
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if sel, ok := n.Type.(*ast.SelectorExpr); ok && len(n.Elts) > 0 && sel.Sel.Name == "Record" {
					if from, ok := sel.X.(*ast.Ident); ok && from.Name == "decision" {
						makes[dir] = true
					}
				}
			case *ast.FuncDecl:
				if n.Name.Name == "DecisionTypes" {
					says[dir] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(makes) == 0 {
		t.Fatal("nobody decides: the walk is broken")
	}
	for dir := range makes {
		if !says[dir] {
			t.Errorf("%s makes decisions and has no DecisionTypes", dir)
		}
	}
}

// decidesInBatches keeps decisions about ada and bob until so many batches were kept. Decisions
// that meet nobody on their way are in none, and neither are those of a batch that the database
// refused, as PostgreSQL may under load: how many batches it takes is not for the test to say.
func (sc *scene) decidesInBatches(least int) {
	sc.t.Helper()
	for range 50 {
		n := 0
		if err := sc.Core.Read(context.Background(), func(tx *sqldb.Tx) error {
			return tx.QueryRow(context.Background(), `select count(*) from decision_batches`).Scan(&n)
		}); err != nil {
			sc.t.Fatal(err)
		}
		if n >= least {
			return
		}
		sc.decidesTogether()
	}
	sc.t.Fatalf("decisions are never kept in %d batches", least)
}

// decidesTogether keeps decisions about ada and bob at once.
func (sc *scene) decidesTogether() {
	sc.t.Helper()
	rng := rand.New(rand.NewPCG(1, 0))
	var all sync.WaitGroup
	for i := range 60 {
		who := []thimble.SubjectID{sc.ada, sc.bob}[i%2]
		epoch, err := sc.Subjects.Epoch(context.Background(), who)
		if err != nil {
			sc.t.Fatal(err)
		}
		r := decisiontest.List(rng, 2, 3)
		r.Subject, r.At = who, time.Now().UTC().Truncate(time.Microsecond)
		all.Go(func() {
			if _, err := sc.Decisions.Keep(context.Background(), r, [8]byte{}, epoch); err != nil {
				sc.t.Error(err)
			}
		})
	}
	all.Wait()
}

// foundInDecisions is what an audit finds in decisions and their batches.
func (sc *scene) foundInDecisions() (text string) {
	for line := range strings.Lines(sc.found()) {
		if strings.HasPrefix(line, "decision") || strings.Contains(line, "class batch") {
			text += line
		}
	}
	return text
}

var batchAttacks = []struct {
	name, finds string
	do          []string
}{
	{"drop one decision out of a batch", "deleted, and by nobody who may", []string{`delete from decision_decisions where place = 1`}},
	{"drop its leaf too", "not those of its root", []string{`delete from decision_decisions where place = 0 and batch is not null`,
		`update decision_batches set leaves = substr(leaves, 55), size = size - 1`, `update decision_decisions set place = place - 1 where batch is not null`}},
	{"swap two decisions of a batch", "not the leaf of its batch", []string{`update decision_decisions set place = 1 - place where place < 2 and batch is not null`}},
	{"edit a root", "not those of its root", []string{`update decision_batches set opening = substr(opening, 1, 40)`}},
	{"put another root in", "not those of its root", []string{`update decision_batches set opening = (select opening from decision_batches order by id limit 1) where id <> (select id from decision_batches order by id limit 1)`}},
	{"drop a batch with its decisions", "of class batch has no row", []string{`delete from decision_decisions where batch is not null`, `delete from decision_batches`}},
}

func TestOperatorsAttacksOnBatchesAreFoundByTheAudit(t *testing.T) {
	each := map[string]func(*testing.T) map[string]string{
		"sqlite": func(t *testing.T) map[string]string { return map[string]string{"data": t.TempDir()} },
		"postgres": func(t *testing.T) map[string]string {
			return map[string]string{"data": t.TempDir(), "database-url": sqldbtest.Database(t)}
		},
	}
	for engine, settings := range each {
		t.Run(engine, func(t *testing.T) {
			sc := newScene(t, settings(t))
			defer sc.Close()
			sc.decidesInBatches(2)
			sc.Works()
			if got := sc.foundInDecisions(); got != "" {
				t.Fatalf("the control, without an attack: %s", got)
			}
			tables := []string{"decision_decisions", "decision_batches"}
			for _, table := range tables {
				sc.sql(sc.Core, `create table kept_`+table+` as select * from `+table)
			}
			for _, attack := range batchAttacks {
				t.Run(attack.name, func(t *testing.T) {
					defer func() {
						for _, table := range tables {
							sc.sql(sc.Core, `delete from `+table, `insert into `+table+` select * from kept_`+table)
						}
					}()
					sc.sql(sc.Core, attack.do...)
					if got := sc.found(); !strings.Contains(got, attack.finds) {
						t.Errorf("the audit found %q, want %q", got, attack.finds)
					}
				})
			}
			if got := sc.foundInDecisions(); got != "" {
				t.Errorf("the control, after the last attack was undone: %s", got)
			}
		})
	}
}
