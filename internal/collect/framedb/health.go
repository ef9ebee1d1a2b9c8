package framedb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
)

// Healthy is nil while the log takes events. After a commit failed it asks the disk or
// the server again, with a commit that changes a counter, so that the answer turns by
// itself when the trouble has passed, also when nobody sends events meanwhile. The
// error is of kind thimble.ErrUnavailable.
func (s *Store) Healthy(ctx context.Context) error {
	select {
	case <-s.closing:
		return errClosed
	default:
	}
	failed := s.failed.Load()
	if failed == nil {
		return nil
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update log_head set probes = probes + 1 where one = 1`)
		return err
	})
	if err != nil {
		return fmt.Errorf("framedb: the log takes no events: %w: %w", err, thimble.ErrUnavailable)
	}
	s.failed.CompareAndSwap(failed, nil)
	return nil
}
