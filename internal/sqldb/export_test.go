package sqldb

import "context"

// Lookers is how many look-ups SQLite answers at once.
func Lookers(db *DB) int { return cap(db.lookers.idle) }

// Fold folds the write-ahead log as it is done while a database is open, after a fold of so
// many pages. It returns how long the log's file was, and how many pages are in the database.
func Fold(ctx context.Context, db *DB, before int64) (bytes, folded int64, err error) {
	if bytes, err = db.walBytes(ctx); err == nil {
		folded, err = db.fold(ctx, bytes, before)
	}
	return bytes, folded, err
}
