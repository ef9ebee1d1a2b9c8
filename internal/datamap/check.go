package datamap

import (
	"fmt"
	"slices"

	"thimble/internal/sqldb"
)

// Faults holds the map against its own rules: what is missing, unknown or refused.
func Faults(all []Table) (faults []string) {
	seen := map[string]bool{}
	for _, t := range all {
		if seen[t.Set+" "+t.Name] {
			faults = append(faults, t.Name+": the table is in the map twice")
		}
		seen[t.Set+" "+t.Name] = true
		if held := t.Personal() && !t.Employees(); held != (t.Holder != "") {
			faults = append(faults, fmt.Sprintf("%s: about customers %t, holder %q: a table about customers has a holder and no other has", t.Name, held, t.Holder))
		}
		for _, f := range t.Fields {
			for _, fault := range f.faults(t) {
				faults = append(faults, t.Name+"."+f.Column+": "+fault)
			}
		}
	}
	return faults
}

// Employees reports whether a table is about members of staff and nobody else. What is
// kept of them is kept while they work here, under the name by which customers see who
// looked; they have no subject, and no holder lists them (decision 0010).
func (t Table) Employees() bool {
	return t.Personal() && !slices.ContainsFunc(t.Fields, func(f Field) bool { return !slices.Equal(f.People, []string{"employee"}) })
}

func (f Field) faults(t Table) (faults []string) {
	if f.Column == "" || f.Source == "" || len(f.Purposes) == 0 || f.Retention == "" {
		faults = append(faults, "column, source, purposes and retention are needed")
	}
	if err := Refuse(f.Category); err != nil {
		faults = append(faults, err.Error())
	}
	for _, p := range f.Purposes {
		if _, ok := PurposeOf(p); !ok {
			faults = append(faults, fmt.Sprintf("purpose %q is not in the taxonomy", p))
		}
	}
	for _, p := range f.People {
		if _, ok := find(People(), p); !ok {
			faults = append(faults, fmt.Sprintf("people %q are not in the taxonomy", p))
		}
	}
	if slices.Contains(t.Plain, f.Column) {
		faults = append(faults, "personal and plain at once")
	}
	if f.Risk != "" && f.Risk != LowRisk && f.Risk != MediumRisk && f.Risk != HighRisk {
		faults = append(faults, fmt.Sprintf("risk %q: low, medium or high was expected", f.Risk))
	}
	if described := slices.ContainsFunc(bodies, func(b Body) bool { return b.Table == t.Name && b.Column == f.Column }); f.Sealed && !described {
		faults = append(faults, "sealed, and bodies.go does not say what is inside")
	}
	return faults
}

// expressions are the indexes that keep what an expression makes of a row, each
// with why nothing in it is personal.
var expressions = map[string]string{
	"ledger_leaves_commitment": "a part of a leaf, which is in the log for all to see and holds nothing personal",
}

// Unregistered holds what a database has against a map: what is in one and not in
// the other. Set is where the relations were found.
func Unregistered(all []Table, set string, found []sqldb.Relation) (problems []string) {
	seen := map[string]bool{}
	for _, r := range found {
		if r.Kind == sqldb.ExpressionIndex {
			if expressions[r.Name] == "" {
				problems = append(problems, "index "+r.Name+" keeps what an expression makes of a row; keep it in a column, which the map can have")
			}
			continue
		}
		seen[r.Name] = true
		i := slices.IndexFunc(all, func(t Table) bool { return t.Name == r.Name && t.Set == set })
		if i < 0 {
			problems = append(problems, string(r.Kind)+" "+r.Name+" is not in the map")
			continue
		}
		problems = append(problems, all[i].differences(r.Columns)...)
	}
	for _, t := range all {
		if t.Set == set && !seen[t.Name] {
			problems = append(problems, "table "+t.Name+" is in the map and not in the schema")
		}
	}
	return problems
}

func (t Table) differences(columns []string) (problems []string) {
	known := slices.Clone(t.Plain)
	for _, f := range t.Fields {
		known = append(known, f.Column)
	}
	for _, c := range columns {
		if !slices.Contains(known, c) {
			problems = append(problems, t.Name+"."+c+" is not in the map")
		}
	}
	for _, c := range known {
		if !slices.Contains(columns, c) {
			problems = append(problems, t.Name+"."+c+" is in the map and not in the schema")
		}
	}
	return problems
}
