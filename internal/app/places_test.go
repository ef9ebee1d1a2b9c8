package app_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// busy runs an installation through everything that it can do about people.
func busy(t *testing.T, s *thimbletest.Shop) (ada, eve thimble.SubjectID) {
	t.Helper()
	crowd(s)
	ada, eve = someone(t, s, "ada-lovelace-1815"), someone(t, s, "eve-babbage-1791")
	m := s.Join(ada, eve)
	s.Works()
	s.Part(m)
	s.Works()
	_, err := s.Desk.Restrict(t.Context(), ada, true)
	if err == nil {
		_, err = s.Desk.Object(t.Context(), eve, personalize)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Works()
	s.Sees(ada)
	return ada, eve
}

// quiet ends the heartbeat, which would write while the places are walked.
func quiet(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	if err := s.Node.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A claim says which holder has a place.
type claim struct{ kind, name string }

func claims(holders []thimble.Holder) (by map[claim]string, problems []string) {
	by = map[claim]string{}
	for _, h := range holders {
		for _, p := range h.Places() {
			c := claim{p.Kind, p.Name}
			if by[c] != "" {
				problems = append(problems, fmt.Sprintf("%s %s is claimed by %s and by %s", p.Kind, p.Name, by[c], h.HolderName()))
			}
			by[c] = h.HolderName()
		}
	}
	return by, problems
}

// unclaimed holds what was found against what holders claim and the map says.
func unclaimed(holders []thimble.Holder, tables []sqldb.Table, files, memory []string) []string {
	by, problems := claims(holders)
	for _, t := range tables {
		m := slices.IndexFunc(datamap.All(), func(m datamap.Table) bool { return m.Name == t.Name })
		if m < 0 {
			problems = append(problems, "table "+t.Name+" is not in the map")
			continue
		}
		if in := datamap.All()[m]; in.Holder != by[claim{thimble.TablePlace, t.Name}] {
			problems = append(problems, fmt.Sprintf("table %s is claimed by %q, the map says %q", t.Name, by[claim{thimble.TablePlace, t.Name}], in.Holder))
		}
	}
	found := map[string][]string{thimble.FilePlace: files, thimble.MemoryPlace: memory}
	for _, kind := range []string{thimble.FilePlace, thimble.MemoryPlace} {
		for _, name := range found[kind] {
			i := slices.IndexFunc(datamap.Spots(), func(s datamap.Spot) bool {
				ok, err := path.Match(s.Name, name)
				return s.Kind == kind && ok && err == nil
			})
			if i < 0 {
				problems = append(problems, kind+" "+name+" is not in the map")
			}
		}
	}
	for _, s := range datamap.Spots() {
		if holder := by[claim{s.Kind, s.Name}]; holder != s.Holder || (s.Holder == "") != (s.Why != "") {
			problems = append(problems, fmt.Sprintf("%s %s is claimed by %q, the map says %q because %q", s.Kind, s.Name, holder, s.Holder, s.Why))
		}
	}
	return problems
}

func tablesOf(t *testing.T, s *thimbletest.Shop) (all []sqldb.Table) {
	t.Helper()
	for _, db := range s.Sets() {
		tables, err := db.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tables...)
	}
	return all
}

func filesOf(t *testing.T, s *thimbletest.Shop) (all []string) {
	t.Helper()
	err := filepath.WalkDir(s.Config.Data, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(s.Config.Data, p)
		all = append(all, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// memoryOf names every map, list and channel of people's ids that a value leads to,
// by the type and field that has it. What only a closure leads to is not seen.
func memoryOf(v any) []string {
	w := walk{seen: map[uintptr]bool{}}
	w.into(reflect.ValueOf(v), "")
	slices.Sort(w.found)
	return slices.Compact(w.found)
}

type walk struct {
	seen  map[uintptr]bool
	found []string
}

func (w *walk) into(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			w.into(v.Elem(), name)
		}
	case reflect.Pointer:
		if v.IsNil() || w.seen[v.Pointer()] {
			return
		}
		w.seen[v.Pointer()] = true
		w.into(v.Elem(), name)
	case reflect.Struct:
		if v.Type().PkgPath() == "database/sql" {
			return // connections, with which others work meanwhile
		}
		for i := range v.NumField() {
			at := name
			if strings.HasPrefix(v.Type().PkgPath(), "thimble") {
				at = v.Type().String() + "." + v.Type().Field(i).Name
			}
			w.into(v.Field(i), at)
		}
	case reflect.Map, reflect.Slice, reflect.Chan:
		if people(v.Type(), 6) {
			w.found = append(w.found, name)
			return
		}
		w.elements(v, name)
	case reflect.Array:
		for i := range min(v.Len(), 64) {
			w.into(v.Index(i), name)
		}
	}
}

func (w *walk) elements(v reflect.Value, name string) {
	switch {
	case v.Kind() == reflect.Map:
		for it := v.MapRange(); it.Next(); {
			w.into(it.Key(), name)
			w.into(it.Value(), name)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() > reflect.Complex128: // not bytes and numbers
		for i := range v.Len() {
			w.into(v.Index(i), name)
		}
	}
}

// people reports whether values of a type hold ids of people.
func people(t reflect.Type, depth int) bool {
	if t == reflect.TypeFor[thimble.SubjectID]() {
		return true
	}
	if depth == 0 {
		return false
	}
	switch t.Kind() {
	case reflect.Map:
		return people(t.Key(), depth-1) || people(t.Elem(), depth-1)
	case reflect.Slice, reflect.Chan, reflect.Array, reflect.Pointer:
		return people(t.Elem(), depth-1)
	case reflect.Struct:
		for i := range t.NumField() {
			if people(t.Field(i).Type, depth-1) {
				return true
			}
		}
	}
	return false
}

func TestEveryPlaceOfABusyInstallationIsClaimedOrSaysWhyNot(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		busy(t, s)
		quiet(t, s)
		for _, problem := range unclaimed(s.Desk.Holders(), tablesOf(t, s), filesOf(t, s), memoryOf(s.App)) {
			t.Error(problem)
		}
		if n := len(memoryOf(s.App)); n < 3 {
			t.Errorf("only %d places in memory are found: the walk is broken", n)
		}
	})
}

func TestAnExtraPlaceIsCaught(t *testing.T) {
	s := thimbletest.New(t)
	busy(t, s)
	quiet(t, s)
	tables, files := tablesOf(t, s), filesOf(t, s)
	type extra struct {
		*thimbletest.Shop
		index map[string][]struct{ who *thimble.SubjectID }
	}
	planted := extra{s, map[string][]struct{ who *thimble.SubjectID }{}}
	if err := os.WriteFile(filepath.Join(s.Config.Data, "customers.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string][]string{
		"table customer_notes is not in the map": unclaimed(s.Desk.Holders(), append(tables, sqldb.Table{Name: "customer_notes"}), nil, nil),
		"file customers.csv is not in the map":   unclaimed(s.Desk.Holders(), nil, filesOf(t, s), nil),
		"memory app_test.extra.index is not in the map": unclaimed(s.Desk.Holders(), nil, nil,
			mentions(memoryOf(planted), "index")),
		`table order_orders is claimed by "", the map says "order"`: unclaimed(s.Desk.Holders()[:3], tables, files, nil),
	} {
		if !slices.Contains(got, what) {
			t.Errorf("%q is not caught: %v", what, got)
		}
	}
}

// mentions gives a type of a test the name that it has in the tree.
func mentions(names []string, part string) (all []string) {
	for _, n := range names {
		if strings.Contains(n, part) {
			all = append(all, n)
		}
	}
	return all
}

// TestNothingThatHoldsNobodyNamesSomebody looks for people's ids and account numbers
// in each table and file that the map says holds nobody.
func TestNothingThatHoldsNobodyNamesSomebody(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada, eve := busy(t, s)
		quiet(t, s)
		needles := [][]byte{[]byte("ada-lovelace-1815"), []byte("eve-babbage-1791")}
		for _, who := range []thimble.SubjectID{ada, eve} {
			needles = append(needles, who[:], []byte(who.String()), []byte(hex.EncodeToString(who[:])))
		}
		named := func(where string, text []byte) {
			for _, n := range needles {
				if bytes.Contains(text, n) {
					t.Errorf("%s names a person, and the map says it holds nobody", where)
				}
			}
		}
		for _, m := range datamap.All() {
			if m.Holder == "" {
				named("table "+m.Name, valuesOf(t, set(s, m.Set), m.Name))
			}
		}
		for _, f := range filesOf(t, s) {
			if strings.Contains(f, ".db") {
				continue // its tables are read above
			}
			content, err := os.ReadFile(filepath.Join(s.Config.Data, f))
			if err != nil {
				t.Fatal(err)
			}
			named("file "+f, content)
		}
	})
}

// set returns the database of a set.
func set(s *thimbletest.Shop, name string) *sqldb.DB {
	all := s.Sets()
	return all[slices.IndexFunc(all, func(db *sqldb.DB) bool { return db.Set() == name })]
}

// valuesOf returns all values of a table, one after the other.
func valuesOf(t *testing.T, db *sqldb.DB, table string) []byte {
	t.Helper()
	var all bytes.Buffer
	err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
		rows, err := tx.Query(t.Context(), `select * from `+table)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					all.Write(b)
				} else {
					fmt.Fprint(&all, v)
				}
				all.WriteByte(0)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}
