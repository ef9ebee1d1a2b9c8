package app

import (
	"fmt"
	"sync/atomic"
	"time"

	"thimble"
)

// A room knows whether the disk has room for events. It asks the system once in a while,
// and answers from memory in between.
type room struct {
	folder  string
	reserve int64
	free    func(folder string) (int64, error)

	asked atomic.Int64 // when, in nanoseconds of the process
	full  atomic.Bool
	began time.Time
}

func newRoom(folder string, reserve int64) *room {
	r := &room{folder: folder, reserve: reserve, free: freeBytes, began: time.Now()}
	r.asked.Store(-int64(roomEvery))
	return r
}

// roomEvery is how often the system is asked: what a fast disk can be filled with in
// between is less than the reserve.
const roomEvery = 250 * time.Millisecond

// Left returns an error of kind thimble.ErrUnavailable when the disk is nearly full. What
// is acknowledged must be written, and so must what leads up to it: keys, people, the
// write-ahead log. Refusing before the last byte leaves room for that, and for an
// erasure, which must be possible on a disk that is full of events.
func (r *room) Left() error {
	now, asked := int64(time.Since(r.began)), r.asked.Load()
	if now-asked >= int64(roomEvery) && r.asked.CompareAndSwap(asked, now) {
		free, err := r.free(r.folder)
		r.full.Store(err != nil || free < r.reserve)
	}
	if r.full.Load() {
		return fmt.Errorf("app: the disk has less room than disk-reserve says: %w", thimble.ErrUnavailable)
	}
	return nil
}
