package sqldb

import "context"

// Lookers is how many look-ups SQLite answers at once.
func Lookers(db *DB) int { return cap(db.lookers.idle) }

// Fold folds the write-ahead log once, as it is done while a database is open, and returns
// how long its file is then.
func Fold(ctx context.Context, db *DB) (bytes int64, err error) {
	if bytes, err = db.walBytes(ctx); err == nil {
		_, err = db.fold(ctx, bytes)
	}
	return bytes, err
}
