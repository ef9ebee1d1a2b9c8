package sqldb

// Lookers is how many look-ups SQLite answers at once.
func Lookers(db *DB) int { return cap(db.lookers.idle) }
