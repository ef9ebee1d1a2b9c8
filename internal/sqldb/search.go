package sqldb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// Search empties the write-ahead log, and then reads the database's files from the first
// byte to the last. It returns how many of the needles are in them still; needles
// are random bytes, eight at least. PostgreSQL's files are not ours to read:
// there scanned is false.
func (db *DB) Search(ctx context.Context, needles [][]byte) (found int, scanned bool, err error) {
	if err := db.Truncate(ctx); err != nil {
		return 0, false, err
	}
	if db.engine != SQLite {
		return 0, false, nil
	}
	h := newHaystack(needles)
	if err := db.searchFiles(ctx, h); err != nil {
		return 0, false, fmt.Errorf("sqldb: searching the files of %s: %w", db.set, err)
	}
	return len(h.found), true, nil
}

func (db *DB) searchFiles(ctx context.Context, h *haystack) error {
	shm, err := db.sharedMemory()
	if err != nil {
		return err
	}
	for _, f := range []*os.File{db.file, shm} {
		if err := h.read(ctx, io.NewSectionReader(f, 0, math.MaxInt64)); err != nil {
			return err
		}
	}
	for _, suffix := range []string{"-wal", "-journal"} { // on which SQLite has no locks
		if err := h.file(ctx, db.cfg.Path+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sharedMemory opens the file once. It is there while a connection is open, as after [DB.Truncate].
func (db *DB) sharedMemory() (f *os.File, err error) {
	db.folding.Lock()
	defer db.folding.Unlock()
	if db.shm == nil {
		db.shm, err = os.Open(db.cfg.Path + "-shm")
	}
	return db.shm, err
}

// A haystack looks for many needles in one pass over a stream. It finds them by
// their first eight bytes: those are random, being the start of a nonce.
type haystack struct {
	heads   map[uint64][][]byte
	maybe   []uint64 // a bit for each value of a head's first three bytes
	longest int
	found   map[string]bool
}

const headLen = 8

func newHaystack(needles [][]byte) *haystack {
	h := &haystack{heads: make(map[uint64][][]byte, len(needles)), found: map[string]bool{}}
	for _, n := range needles {
		if len(n) < headLen {
			continue
		}
		head := binary.LittleEndian.Uint64(n)
		h.heads[head] = append(h.heads[head], n)
		h.longest = max(h.longest, len(n))
	}
	if len(h.heads) > 1 {
		h.maybe = make([]uint64, 1<<24/64)
		for head := range h.heads {
			h.maybe[head&0xffffff>>6] |= 1 << (head & 63)
		}
	}
	return h
}

func (h *haystack) file(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return h.read(ctx, f)
}

func (h *haystack) read(ctx context.Context, f io.Reader) error {
	if len(h.heads) == 0 {
		return nil
	}
	buf := make([]byte, 1<<20)
	have := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(f, buf[have:])
		have += n
		h.search(buf[:have])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
		// A needle may straddle two reads.
		have = copy(buf, buf[have-(h.longest-1):have])
	}
}

func (h *haystack) search(b []byte) {
	if len(h.heads) == 1 {
		for _, needles := range h.heads {
			for _, n := range needles {
				if bytes.Contains(b, n) {
					h.found[string(n)] = true
				}
			}
		}
		return
	}
	for i := 0; i+headLen <= len(b); i++ {
		head := binary.LittleEndian.Uint64(b[i:])
		if h.maybe[head&0xffffff>>6]&(1<<(head&63)) == 0 {
			continue
		}
		for _, n := range h.heads[head] {
			if bytes.HasPrefix(b[i:], n) {
				h.found[string(n)] = true
			}
		}
	}
}
