package sqldb

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"thimble"
)

// ErrNewer says that a newer version of Thimble has migrated this database.
var ErrNewer = errors.New("the database is from a newer version of Thimble; use that version or a backup")

//go:embed migrations
var migrations embed.FS

// Migrations are the files from which a database is made: <set>/<engine>/<number>_<name>.sql.
func Migrations() fs.FS {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is in the program
	}
	return fsys
}

// migrate brings the set to this version. Migrations are numbered, named after
// their capability and a verb, and written once per engine.
func (db *DB) migrate(ctx context.Context) error {
	fsys, err := fs.Sub(Migrations(), db.set+"/"+string(db.engine))
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	var opts []goose.ProviderOption
	if db.engine == PostgreSQL {
		dialect = goose.DialectPostgres
		if err := db.ensureSchema(ctx); err != nil {
			return err
		}
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db.write, fsys, opts...)
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if sources := p.ListSources(); have > sources[len(sources)-1].Version {
		return ErrNewer
	}
	_, err = p.Up(ctx)
	return err
}

// A Table is a table's name and its columns in order.
type Table struct {
	Name    string
	Columns []string
}

// Tables lists the tables of the set, sorted by name, without the engines' and
// the migrations' own. The coverage tests hold them against the data map.
func (db *DB) Tables(ctx context.Context) ([]Table, error) {
	query := `select m.name, c.name from sqlite_master m join pragma_table_info(m.name) c
		where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like 'goose_%' order by m.name, c.cid`
	if db.engine == PostgreSQL {
		query = `select table_name, column_name from information_schema.columns
			where table_schema = current_schema() and table_name not like 'goose_%' order by table_name, ordinal_position`
	}
	var tables []Table
	err := db.Read(ctx, func(tx *Tx) error {
		tables = nil
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, column string
			if err := rows.Scan(&table, &column); err != nil {
				return err
			}
			if n := len(tables); n == 0 || tables[n-1].Name != table {
				tables = append(tables, Table{Name: table})
			}
			last := &tables[len(tables)-1]
			last.Columns = append(last.Columns, column)
		}
		return rows.Err()
	})
	slices.SortFunc(tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	if err != nil {
		return nil, fmt.Errorf("sqldb: listing tables of %s: %w", db.set, errors.Join(err, thimble.ErrUnavailable))
	}
	return tables, nil
}
