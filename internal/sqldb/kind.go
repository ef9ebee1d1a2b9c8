package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"thimble"
)

// kind gives errors of the engines the kinds of the vocabulary. One that has a kind
// keeps it.
func kind(err error) error {
	if err == nil || errors.Is(err, thimble.ErrUnavailable) || errors.Is(err, thimble.ErrConflict) {
		return err
	}
	switch {
	case unavailable(err):
		return fmt.Errorf("%w (%w)", err, thimble.ErrUnavailable)
	case conflict(err):
		return fmt.Errorf("%w (%w)", err, thimble.ErrConflict)
	}
	return err
}

// unavailable reports what may pass by itself: a full or failing disk, a server that
// is down, a lock that is held. Nothing was committed, as far as can be known.
func unavailable(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, // the disk
			sqlite3.SQLITE_READONLY, // or the system made it read-only after a fault
			sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM:
			return true
		}
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if len(e.Code) != 5 {
			return false
		}
		switch e.Code[:2] {
		case "53", "57", "58", "08": // resources (53100 is a full disk), operator, system, connection
			return true
		}
		return false
	}
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	network = network && !errors.Is(err, context.DeadlineExceeded) // the caller gave up, which is a net.Error too
	return refused || network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func conflict(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && len(e.Code) == 5 && e.Code[:2] == "23"
}
