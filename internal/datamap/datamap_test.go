package datamap_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

var sets = []string{sqldb.Core, sqldb.Keys, sqldb.Log, sqldb.View}

func TestEveryColumnOfBothSchemasIsInTheMap(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		for _, set := range sets {
			for _, problem := range unregistered(t, open(set), set) {
				t.Error(problem)
			}
		}
	})
}

func unregistered(t *testing.T, db *sqldb.DB, set string) []string {
	t.Helper()
	found, err := db.Relations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < map[string]int{sqldb.Core: 5, sqldb.Keys: 5, sqldb.Log: 3}[set] {
		t.Fatalf("%d relations in %s: the reading is broken", len(found), set)
	}
	return datamap.Unregistered(datamap.All(), set, found)
}

func TestEverySetOfMigrationsIsHeldAgainstTheMap(t *testing.T) {
	files := os.DirFS("../sqldb/migrations")
	if got := unheld(t, files); len(got) > 0 {
		t.Errorf("the sets %q have migrations and are not held against the map", got)
	}
	for name := range map[string]bool{"archive": true, "index": true} {
		injected := fstest.MapFS{"core/sqlite/1.sql": {}, "keys/sqlite/1.sql": {}, "log/sqlite/1.sql": {}, "view/sqlite/1.sql": {}, name + "/sqlite/0001_log_create.sql": {}}
		if got := unheld(t, injected); !slices.Equal(got, []string{name}) {
			t.Errorf("an injected set %q is not caught: %q", name, got)
		}
	}
}

// unheld returns the sets that have migrations and that no test reads.
func unheld(t *testing.T, migrations fs.FS) (names []string) {
	t.Helper()
	all, err := fs.ReadDir(migrations, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		if !slices.ContainsFunc(all, func(d fs.DirEntry) bool { return d.Name() == set }) {
			t.Errorf("there are no migrations of %s: the reading is broken", set)
		}
	}
	for _, d := range all {
		if !slices.Contains(sets, d.Name()) {
			names = append(names, d.Name())
		}
	}
	return names
}

// An injection is a change of a schema that nobody registered, and what must be
// said of it.
type injection struct {
	set, ddl, want string
}

const injections = 50

// injected draws changes of every kind: columns of all types, generated ones,
// tables, views, indexes of expressions, and what only one engine has.
func injected(draw *rand.Rand, engine sqldb.Engine) (all []injection) {
	names := []string{"date_of_birth", "passport", "shoe_size", "mood", "card_number", "ip_address", "notes", "gender", "phone", "face"}
	for i := range injections {
		table := datamap.All()[draw.IntN(len(datamap.All()))]
		column := fmt.Sprintf("%s_%d", names[draw.IntN(len(names))], i)
		kinds := ddls(engine, table, column, i)
		in := kinds[i%len(kinds)]
		in.set = table.Set
		all = append(all, in)
	}
	return all
}

func ddls(engine sqldb.Engine, table datamap.Table, column string, i int) []injection {
	types := []string{"text", "blob", "integer", "real"}
	if engine == sqldb.PostgreSQL {
		types = []string{"text", "bytea", "bigint", "jsonb", "timestamptz", "text[]"}
	}
	key := append(slices.Clone(table.Plain), fieldColumns(table)...)[0]
	add := "alter table " + table.Name + " add column " + column + " " + types[i%len(types)]
	name := table.Name + "_" + column
	all := []injection{
		{ddl: add, want: table.Name + "." + column + " is not in the map"},
		{ddl: "create table " + name + " (id integer primary key, secret text)", want: "table " + name + " is not in the map"},
		{ddl: "create view " + name + " as select * from " + table.Name, want: "view " + name + " is not in the map"},
	}
	if engine == sqldb.SQLite {
		return append(all,
			injection{ddl: "alter table " + table.Name + " add column " + column + " text generated always as (hex(" + key + ")) virtual", want: table.Name + "." + column + " is not in the map"},
			injection{ddl: "create index " + name + " on " + table.Name + " (lower(" + key + "))", want: "index " + name + " keeps"},
			injection{ddl: "create virtual table " + name + " using fts5 (secret)", want: "table " + name + "_content is not in the map"},
		)
	}
	return append(all,
		injection{ddl: "alter table " + table.Name + " add column " + column + " boolean generated always as (" + key + " is null) stored", want: table.Name + "." + column + " is not in the map"},
		injection{ddl: "create index " + name + " on " + table.Name + " ((" + key + "::text || 'x'))", want: "index " + name + " keeps"},
		injection{ddl: "create materialized view " + name + " as select * from " + table.Name, want: "view " + name + " is not in the map"},
		injection{ddl: "create table public." + name + " (secret text)", want: "table public." + name + " is not in the map"},
		injection{ddl: "create schema s_" + column + "; create table s_" + column + ".people (secret text)", want: "table s_" + column + ".people is not in the map"},
		injection{ddl: "create unlogged table " + name + " (secret text) partition by hash (secret)", want: "table " + name + " is not in the map"},
	)
}

func fieldColumns(t datamap.Table) (columns []string) {
	for _, f := range t.Fields {
		columns = append(columns, f.Column)
	}
	return columns
}

func TestFiftyUnregisteredColumnsAreCaughtInRealSchemas(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		const seed = 40
		dbs := map[string]*sqldb.DB{}
		for _, set := range sets {
			dbs[set] = open(set)
		}
		all := injected(rand.New(rand.NewPCG(seed, 1)), dbs[sqldb.Core].Engine())
		if len(all) != injections {
			t.Fatalf("%d injections, want %d", len(all), injections)
		}
		for i, in := range all {
			err := dbs[in.set].Write(t.Context(), func(tx *sqldb.Tx) error {
				for ddl := range strings.SplitSeq(in.ddl, ";") {
					if _, err := tx.Exec(t.Context(), ddl); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatalf("seed %d, injection %d: %s: %v", seed, i, in.ddl, err)
			}
		}
		caught := 0
		for i, in := range all {
			problems := unregistered(t, dbs[in.set], in.set)
			if slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, in.want) }) {
				caught++
				continue
			}
			t.Errorf("seed %d, injection %d is not caught: %s", seed, i, in.ddl)
		}
		t.Logf("seed %d: %d of %d injections caught on %s", seed, caught, len(all), dbs[sqldb.Core].Engine())
	})
}

func TestWhatTheMapHasAndTheSchemaHasNotIsCaught(t *testing.T) {
	found := []sqldb.Relation{{Kind: sqldb.TableRelation, Name: "consent_notices", Columns: []string{"hash", "lang", "version", "body"}}}
	got := datamap.Unregistered(datamap.All(), sqldb.Core, found)
	for _, want := range []string{"consent_notices.created_at is in the map and not in the schema", "table order_orders is in the map and not in the schema"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
}

func TestTheMapKeepsItsOwnRules(t *testing.T) {
	for _, fault := range datamap.Faults(datamap.All()) {
		t.Error(fault)
	}
	good := datamap.Field{Column: "a", Category: thimble.PurchaseHistory, Source: "x", Purposes: []thimble.Purpose{thimble.EssentialService}, Retention: "x"}
	with := func(change func(*datamap.Table)) []datamap.Table {
		table := datamap.Table{Name: "t", Set: sqldb.Core, Holder: "h", Fields: []datamap.Field{good}}
		change(&table)
		return []datamap.Table{table}
	}
	if faults := datamap.Faults(with(func(*datamap.Table) {})); len(faults) > 0 {
		t.Fatalf("a good field has faults: %q", faults)
	}
	for name, change := range map[string]func(*datamap.Table){
		"no holder":        func(t *datamap.Table) { t.Holder = "" },
		"held employees":   func(t *datamap.Table) { t.Fields[0].People = []string{"employee"} },
		"no retention":     func(t *datamap.Table) { t.Fields[0].Retention = "" },
		"no source":        func(t *datamap.Table) { t.Fields[0].Source = "" },
		"no purposes":      func(t *datamap.Table) { t.Fields[0].Purposes = nil },
		"unknown purpose":  func(t *datamap.Table) { t.Fields[0].Purposes = []thimble.Purpose{"curiosity"} },
		"unknown category": func(t *datamap.Table) { t.Fields[0].Category = "user.mood" },
		"unknown people":   func(t *datamap.Table) { t.Fields[0].People = []string{"wizard"} },
		"unknown risk":     func(t *datamap.Table) { t.Fields[0].Risk = "who knows" },
		"plain as well":    func(t *datamap.Table) { t.Plain = []string{"a"} },
		"a body not said":  func(t *datamap.Table) { t.Fields[0].Sealed = true },
	} {
		if faults := datamap.Faults(with(change)); len(faults) != 1 {
			t.Errorf("%s: faults %q, want one", name, faults)
		}
	}
}

func TestEveryFieldComesWithAllThatTheMapMustSay(t *testing.T) {
	for _, e := range datamap.Entries(datamap.All()) {
		if e.CategoryName == "" || e.Controller == "" || len(e.Brands) == 0 || len(e.People) == 0 || e.Measures == nil || e.Risk == "" {
			t.Errorf("%s: something is missing: %+v", e.Name(), e)
		}
		if e.Recipients == nil || e.Processors == nil || e.Transfers == nil {
			t.Errorf("%s: a list of nobody is a list", e.Name())
		}
		if e.Sealed != slices.Contains(e.Measures, datamap.SealedByKey) {
			t.Errorf("%s: sealed %t, measures %q", e.Name(), e.Sealed, e.Measures)
		}
	}
}

func TestWhatAFieldSaysItselfStands(t *testing.T) {
	i := slices.IndexFunc(datamap.Entries(datamap.All()), func(e datamap.Entry) bool { return e.Name() == "gate_uses.actor" })
	if i < 0 {
		t.Fatal("gate_uses.actor is not in the map")
	}
	if got := datamap.Entries(datamap.All())[i].People; !slices.Equal(got, []string{"customer", "employee"}) {
		t.Errorf("people of gate_uses.actor = %q", got)
	}
}

func TestPurposesAndFieldsLeadToEachOther(t *testing.T) {
	for _, e := range datamap.Entries(datamap.All()) {
		for _, p := range e.Purposes {
			if !slices.Contains(datamap.Needed(e.Category), p) {
				t.Errorf("%s is kept for %s, and Needed(%s) does not say so", e.Name(), p, e.Category)
			}
			if !slices.ContainsFunc(datamap.For(p), func(f datamap.Entry) bool { return f.Name() == e.Name() }) {
				t.Errorf("%s is kept for %s, and For does not say so", e.Name(), p)
			}
		}
	}
	if got := datamap.Needed("user.biometric"); len(got) != 0 {
		t.Errorf("Needed of what is not kept = %q, want nothing", got)
	}
	if got := datamap.Needed("user.behavior"); !slices.Contains(got, thimble.TrainAISystem) {
		t.Errorf("Needed of a branch = %q, want what its parts need", got)
	}
	if got := datamap.For("marketing"); len(got) != 0 {
		t.Errorf("For(marketing) = %d fields, want none", len(got))
	}
	whole, part := datamap.For("essential"), datamap.For(thimble.LegalObligation)
	if len(part) == 0 || len(whole) <= len(part) {
		t.Errorf("For(essential) = %d fields, For(essential.legal_obligation) = %d: the branch has more", len(whole), len(part))
	}
}
