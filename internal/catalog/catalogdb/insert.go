package catalogdb

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"thimble/internal/sqldb"
)

// parametersAtOnce is how many values one insert carries. PostgreSQL pays for each
// statement a round trip, the SQLite driver for each parameter a walk over all of
// them: this is where both are fast.
const parametersAtOnce = 64

// insert runs "head values … tail" over the rows, several at once.
func insert[T any](ctx context.Context, tx *sqldb.Tx, head, tail string, columns int, rows []T, args func(T) []any) error {
	size := parametersAtOnce / columns
	whole := len(rows) - len(rows)%size
	if whole > 0 {
		stmt, err := tx.Prepare(ctx, head+" values "+tuples(size, columns)+tail)
		if err != nil {
			return err
		}
		defer stmt.Close() //nolint:errcheck // it ends with the transaction
		for chunk := range slices.Chunk(rows[:whole], size) {
			if _, err := stmt.ExecContext(ctx, flat(chunk, columns, args)...); err != nil {
				return err
			}
		}
	}
	rest := rows[whole:]
	if len(rest) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, head+" values "+tuples(len(rest), columns)+tail, flat(rest, columns, args)...)
	return err
}

func flat[T any](rows []T, columns int, args func(T) []any) []any {
	all := make([]any, 0, len(rows)*columns)
	for _, r := range rows {
		all = append(all, args(r)...)
	}
	return all
}

// tuples returns "($1,$2),($3,$4)" for two rows of two.
func tuples(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}
