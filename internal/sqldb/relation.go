package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
)

// A RelationKind says what keeps the columns.
type RelationKind string

// The kinds of relation.
const (
	TableRelation RelationKind = "table"
	ViewRelation  RelationKind = "view"
	// ExpressionIndex is an index that keeps what an expression makes of a row.
	ExpressionIndex RelationKind = "index"
)

// A Relation is whatever in a database keeps or shows columns.
type Relation struct {
	Kind RelationKind
	// Name has its schema in front where that is none of the sets'.
	Name    string
	Columns []string // generated ones too; none for an index
}

// A virtual table of SQLite is a table, and so are those that it keeps its data in.
const sqliteRelations = `
	select case m.type when 'view' then 'view' else 'table' end, m.name, c.name from sqlite_master m join pragma_table_xinfo(m.name) c
	where m.type in ('table', 'view') and m.name not like 'sqlite\_%' escape '\' and m.name not like 'goose\_%' escape '\'
	union all
	select distinct 'index', m.name, '' from sqlite_master m join pragma_index_xinfo(m.name) x where m.type = 'index' and x.cid = -2
	order by 2, 1`

// The sets share a database, so each sees its own schema and those that are no set's.
const postgresRelations = `
	with mine as (
		select c.oid, c.relkind::text as kind, case when n.nspname = current_schema() then c.relname else n.nspname || '.' || c.relname end::text as name
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where (n.nspname = current_schema() or n.nspname not in ('core', 'keys', 'log', 'view', 'information_schema') and n.nspname not like 'pg\_%')
			and c.relname not like 'goose\_%'
	)
	select case when kind in ('v', 'm') then 'view' else 'table' end, name, a.attname::text
	from mine join pg_attribute a on a.attrelid = mine.oid
	where kind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
	union all
	select 'index', name, '' from mine join pg_index i on i.indexrelid = mine.oid where kind in ('i', 'I') and i.indexprs is not null
	order by 2, 1`

// Relations lists all that keeps or shows columns in the set's database, sorted by
// name, without the engines' and the migrations' own: tables, views, foreign and
// virtual tables, generated columns, and indexes of expressions.
func (db *DB) Relations(ctx context.Context) ([]Relation, error) {
	query := sqliteRelations
	if db.engine == PostgreSQL {
		query = postgresRelations
	}
	var all []Relation
	err := db.Read(ctx, func(tx *Tx) error {
		all = nil
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r Relation
			var column string
			if err := rows.Scan(&r.Kind, &r.Name, &column); err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(have Relation) bool { return have.Kind == r.Kind && have.Name == r.Name })
			if i < 0 {
				all = append(all, r)
				i = len(all) - 1
			}
			if column != "" {
				all[i].Columns = append(all[i].Columns, column)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("sqldb: listing what %s keeps: %w", db.set, errors.Join(err, thimble.ErrUnavailable))
	}
	return all, nil
}
