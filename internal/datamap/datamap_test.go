package datamap_test

import (
	"slices"
	"testing"

	"thimble/internal/datamap"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestEveryColumnOfBothSchemasIsInTheMap(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		for _, set := range []string{sqldb.Core, sqldb.Keys} {
			found, err := open(set).Tables(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range unregistered(set, found) {
				t.Error(problem)
			}
		}
	})
}

func TestUnregisteredColumnsAreCaught(t *testing.T) {
	for _, table := range datamap.All() {
		columns := slices.Clone(table.Plain)
		for _, f := range table.Fields {
			columns = append(columns, f.Column)
		}
		injected := sqldb.Table{Name: table.Name, Columns: append(columns, "date_of_birth")}
		if got := unregistered(table.Set, []sqldb.Table{injected}); !slices.Contains(got, table.Name+".date_of_birth is not in the map") {
			t.Errorf("a column injected into %s is not caught: %v", table.Name, got)
		}
	}
	if got := unregistered(sqldb.Core, []sqldb.Table{{Name: "customer_secrets", Columns: []string{"a"}}}); !slices.Contains(got, "table customer_secrets is not in the map") {
		t.Errorf("an injected table is not caught: %v", got)
	}
}

// unregistered holds a schema against the map.
func unregistered(set string, found []sqldb.Table) (problems []string) {
	seen := map[string]bool{}
	for _, t := range found {
		seen[t.Name] = true
		i := slices.IndexFunc(datamap.All(), func(m datamap.Table) bool { return m.Name == t.Name && m.Set == set })
		if i < 0 {
			problems = append(problems, "table "+t.Name+" is not in the map")
			continue
		}
		m := datamap.All()[i]
		for _, c := range t.Columns {
			if !slices.Contains(m.Plain, c) && !slices.ContainsFunc(m.Fields, func(f datamap.Field) bool { return f.Column == c }) {
				problems = append(problems, t.Name+"."+c+" is not in the map")
			}
		}
		for _, c := range m.Plain {
			if !slices.Contains(t.Columns, c) {
				problems = append(problems, t.Name+"."+c+" is in the map and not in the schema")
			}
		}
		for _, f := range m.Fields {
			if !slices.Contains(t.Columns, f.Column) {
				problems = append(problems, t.Name+"."+f.Column+" is in the map and not in the schema")
			}
		}
	}
	return problems
}

func TestEveryFieldSaysWhatTheMapMustSay(t *testing.T) {
	for _, table := range datamap.All() {
		if table.Personal() != (table.Holder != "") {
			t.Errorf("%s: personal %t, holder %q", table.Name, table.Personal(), table.Holder)
		}
		for _, f := range table.Fields {
			if f.Category == "" || f.Source == "" || len(f.Purposes) == 0 || f.Retention == "" {
				t.Errorf("%s.%s: category, source, purposes and retention are needed", table.Name, f.Column)
			}
		}
	}
}
