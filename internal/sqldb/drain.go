package sqldb

import "context"

// Drain runs a statement that changes a bounded number of rows again and again,
// each time in a transaction of its own, until it changes none. So a million rows
// go without holding up every other writer. It returns how many were changed, also
// with an error: what is done is durable.
func (db *DB) Drain(ctx context.Context, statement string, args ...any) (int, error) {
	all := 0
	for {
		var n int64
		err := db.Write(ctx, func(tx *Tx) (err error) {
			n, err = tx.Exec(ctx, statement, args...)
			return err
		})
		if err != nil || n == 0 {
			return all, err
		}
		all += int(n)
	}
}
