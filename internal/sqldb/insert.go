package sqldb

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// rowsAtOnce is how many rows a statement of [Tx.InsertMany] has: the SQLite driver finds
// each parameter by its name, so that a long statement costs more than several.
const rowsAtOnce = 8

// InsertMany inserts rows, all of the same columns, by statements that are prepared once.
// Into is "insert into … (…)", and tail what comes behind the values. It returns how many
// were inserted.
func (tx *Tx) InsertMany(ctx context.Context, into, tail string, rows [][]any) (added int64, err error) {
	whole := len(rows) / rowsAtOnce * rowsAtOnce
	for _, part := range [][][]any{rows[:whole], rows[whole:]} {
		if len(part) == 0 {
			continue
		}
		n, err := tx.insertChunks(ctx, into+" values "+tuples(min(len(part), rowsAtOnce), len(part[0]))+" "+tail, part)
		if added += n; err != nil {
			return added, err
		}
	}
	return added, nil
}

// tuples are placeholders for rows.
func tuples(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i > 0 && i%columns == 0:
			b.WriteString("),($")
		case i == 0:
			b.WriteString("($")
		default:
			b.WriteString(",$")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}

func (tx *Tx) insertChunks(ctx context.Context, query string, rows [][]any) (added int64, err error) {
	stmt, err := tx.Prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for chunk := range slices.Chunk(rows, rowsAtOnce) {
		res, err := stmt.ExecContext(ctx, slices.Concat(chunk...)...)
		if err != nil {
			return added, err
		}
		n, err := res.RowsAffected()
		if added += n; err != nil {
			return added, err
		}
	}
	return added, nil
}
