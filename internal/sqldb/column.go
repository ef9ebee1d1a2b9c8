package sqldb

import "context"

// Column returns what a query of one column finds, in its order.
func Column[T any](ctx context.Context, tx *Tx, query string, args ...any) (all []T, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
