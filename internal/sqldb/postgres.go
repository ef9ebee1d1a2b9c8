package sqldb

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

func (db *DB) connectPostgres(cfg Config) error {
	db.engine = PostgreSQL
	conn, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return err // pgx hides the password
	}
	conn.RuntimeParams["search_path"] = cfg.Set
	conn.RuntimeParams["application_name"] = "thimble"
	conn.RuntimeParams["synchronous_commit"] = "on"
	if cfg.Set == View {
		conn.RuntimeParams["synchronous_commit"] = "off" // it is made again from where it is
	}
	conn.RuntimeParams["statement_timeout"] = "60000"
	conn.RuntimeParams["lock_timeout"] = "10000"
	conn.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	conn.RuntimeParams["timezone"] = "UTC"
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = 10 * time.Second
	}
	pool := stdlib.OpenDB(*conn)
	pool.SetMaxOpenConns(cfg.Readers + 2)
	pool.SetMaxIdleConns(cfg.Readers + 2)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db.read, db.write = pool, pool
	return nil
}

// ensureSchema makes the set's schema. A role without the right to create one
// may have been given it ready-made, so only a missing schema is an error.
func (db *DB) ensureSchema(ctx context.Context) error {
	var exists bool
	err := db.write.QueryRowContext(ctx,
		`select exists (select 1 from information_schema.schemata where schema_name = $1)`, db.set).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = db.write.ExecContext(ctx, `create schema if not exists `+pgx.Identifier{db.set}.Sanitize())
	return err
}
