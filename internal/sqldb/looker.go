package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"sync"

	"thimble"
)

// lookers are connections to SQLite that look-ups have for themselves. What database/sql
// does for a statement, such as to start a goroutine that waits for the context's end, costs
// as much as a look-up does; and it is over before it could be interrupted. Who waits for a
// connection is.
type lookers struct {
	to   connector
	idle chan *sqliteConn // nil is one that is not open yet

	closed chan struct{}
	once   sync.Once
}

func newLookers(to connector) *lookers {
	l := &lookers{to: to, closed: make(chan struct{}), idle: make(chan *sqliteConn, max(2, runtime.GOMAXPROCS(0)))}
	for range cap(l.idle) {
		l.idle <- nil
	}
	return l
}

func (l *lookers) ask(ctx context.Context, f func(Row) error, query string, args []any) (err error) {
	named, err := namedValues(args)
	if err != nil {
		return err
	}
	var conn *sqliteConn
	select {
	case conn = <-l.idle:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closed:
		return sql.ErrConnDone
	}
	defer func() { l.idle <- conn }()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if conn == nil {
		if conn, err = l.to.connect(ctx); err != nil {
			return err
		}
	}
	rows, err := conn.QueryContext(ctx, query, named)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }() // before the next has the connection, also when f panics
	r := &row{values: make([]driver.Value, len(rows.Columns()))}
	for {
		switch err := rows.Next(r.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := f(r); err != nil {
			return err
		}
	}
}

// close waits for those who look, and closes the connections, once.
func (l *lookers) close() (err error) {
	l.once.Do(func() {
		close(l.closed)
		for range cap(l.idle) {
			if conn := <-l.idle; conn != nil {
				err = errors.Join(err, conn.Close())
			}
		}
	})
	return err
}

func namedValues(args []any) ([]driver.NamedValue, error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return named, nil
}

// A row is one that the driver has read. What it scans is the caller's: the driver copies.
type row struct{ values []driver.Value }

// Scan implements [Row] as [sql.Rows.Scan] does, for the types that look-ups ask for.
func (r *row) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		return fmt.Errorf("%d columns were asked for, and %d are there: %w", len(dest), len(r.values), thimble.ErrInvalid)
	}
	for i, d := range dest {
		if err := assign(d, r.values[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case sql.Scanner:
		return d.Scan(v)
	case *[]byte:
		switch v := v.(type) {
		case []byte:
			*d = v
			return nil
		case nil:
			*d = nil
			return nil
		}
	case *string:
		if v, ok := v.(string); ok {
			*d = v
			return nil
		}
	case *int64:
		if v, ok := v.(int64); ok {
			*d = v
			return nil
		}
	case *int:
		if v, ok := v.(int64); ok {
			*d = int(v)
			return nil
		}
	default:
		return assignAs(reflect.ValueOf(dest), v)
	}
	return unfit(dest, v)
}

// assignAs assigns to a pointer to a named string, number or truth.
func assignAs(dest reflect.Value, v driver.Value) error {
	if dest.Kind() != reflect.Pointer || dest.IsNil() {
		return fmt.Errorf("a pointer was expected, not a %s: %w", dest.Type(), thimble.ErrInvalid)
	}
	switch to := dest.Elem(); to.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			to.SetString(s)
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := v.(int64); ok && !to.OverflowInt(n) {
			to.SetInt(n)
			return nil
		}
	case reflect.Bool:
		if n, ok := v.(int64); ok && n&^1 == 0 {
			to.SetBool(n == 1)
			return nil
		}
	}
	return unfit(dest.Interface(), v)
}

// unfit names types, no value.
func unfit(dest any, v driver.Value) error {
	return fmt.Errorf("a %T does not fit into a %T: %w", v, dest, thimble.ErrInvalid)
}
