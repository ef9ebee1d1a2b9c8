package vaultdb

import "context"

// Scrub implements vault.Store: it empties the write-ahead log, and then reads the
// database's files from the first byte to the last.
func (s *Store) Scrub(ctx context.Context, needles [][]byte) (found int, scanned bool, err error) {
	found, scanned, err = s.db.Search(ctx, needles)
	return found, scanned, wrap("scanning the files", err)
}
