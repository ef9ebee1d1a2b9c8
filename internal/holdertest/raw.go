package holdertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/sqldb"
)

// rows are the raw rows of a holder's tables, by whose they are.
type rows map[thimble.SubjectID][]string

// raw reads every row of every table that the holder claims.
func (f Fixture) raw(tb testing.TB) rows {
	tb.Helper()
	all := rows{}
	for _, p := range f.Holder.Places() {
		if p.Kind != thimble.TablePlace {
			continue
		}
		i := slices.IndexFunc(datamap.All(), func(t datamap.Table) bool { return t.Name == p.Name })
		if i < 0 {
			tb.Fatalf("%s is not in the data map", p.Name)
		}
		f.readTable(tb, datamap.All()[i], all)
	}
	for _, r := range all {
		slices.Sort(r)
	}
	return all
}

// owner is the column that says whose a row is, or "".
func owner(t datamap.Table) string {
	for _, name := range []string{"subject_id", "subject", "owner", "id"} {
		if slices.ContainsFunc(t.Fields, func(f datamap.Field) bool { return f.Column == name && f.Category == thimble.Pseudonym }) {
			return name
		}
	}
	return ""
}

func (f Fixture) readTable(tb testing.TB, t datamap.Table, all rows) {
	tb.Helper()
	db, ctx := f.Core, context.Background()
	switch t.Set {
	case sqldb.Keys:
		db = f.Keys
	case sqldb.Log:
		db = f.Log
	case sqldb.View:
		db = f.View
	}
	whose := owner(t)
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err := tx.Query(ctx, `select * from `+t.Name)
		if err != nil {
			return err
		}
		defer found.Close()
		columns, err := found.Columns()
		if err != nil {
			return err
		}
		for found.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := found.Scan(into...); err != nil {
				return err
			}
			var who thimble.SubjectID
			text := strings.Builder{}
			text.WriteString(t.Name)
			for i, v := range values {
				if b, ok := v.([]byte); ok && columns[i] == whose && len(b) == len(who) {
					who = thimble.SubjectID(b)
				}
				fmt.Fprintf(&text, " %s=%x", columns[i], v)
			}
			all[who] = append(all[who], text.String())
		}
		return found.Err()
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// export returns what the holder exports of a person, each datum as JSON.
func (f Fixture) export(ctx context.Context, who thimble.SubjectID) (all []string, data []thimble.Datum, err error) {
	for d, err := range f.Holder.Export(ctx, who) {
		if err != nil {
			return nil, nil, err
		}
		text, err := json.Marshal(d)
		if err != nil {
			return nil, nil, err
		}
		all, data = append(all, string(text)), append(data, d)
	}
	return all, data, nil
}

func (f Fixture) mustExport(tb testing.TB, who thimble.SubjectID) []string {
	tb.Helper()
	all, _, err := f.export(context.Background(), who)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}
