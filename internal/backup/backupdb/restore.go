package backupdb

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"thimble"
	"thimble/internal/sqldb"
)

// maxRow is more than any frame has.
const maxRow = 1 << 30

const (
	putOrder      = `insert into log_orders (key, seq) values ($1, $2)`
	putUnreadable = `insert into log_unreadable (seq, found_at) values ($1, $2)`
)

// Keep says which frames are wanted: all up to Least, and those behind it that came in
// before an instant, until the first that did not. Zero means all.
type Keep struct {
	Least, Before int64 // Before in UTC microseconds

	ended bool
}

func (k *Keep) wants(seq, received int64) bool {
	if k == nil || k.Before == 0 || seq <= k.Least {
		return true
	}
	k.ended = k.ended || received > k.Before
	return !k.ended
}

// Put writes a part behind those that were written before. It reads the part to its end. The
// same Keep is given for each part of a log.
func Put(ctx context.Context, log *sqldb.DB, part io.Reader, k *Keep) (frames int, err error) {
	err = log.Write(ctx, func(tx *sqldb.Tx) error {
		in := &input{r: bufio.NewReaderSize(part, 1<<16), tx: tx, keep: k}
		err := in.read(ctx)
		frames = in.frames
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("backupdb: writing the log: %w", err)
	}
	return frames, nil
}

var errPart = fmt.Errorf("a part of the log is not whole (%w)", thimble.ErrDenied)

type input struct {
	r      *bufio.Reader
	tx     *sqldb.Tx
	keep   *Keep
	last   int64 // that was kept
	frames int
	failed error
}

// numbers reads n numbers.
func (in *input) numbers(n int) []int64 {
	b := make([]byte, 8*n)
	in.bytes(b)
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(binary.BigEndian.Uint64(b[8*i:]))
	}
	return all
}

func (in *input) bytes(b []byte) {
	if in.failed == nil {
		if _, err := io.ReadFull(in.r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			in.failed = errPart
		} else {
			in.failed = err
		}
	}
	if in.failed != nil {
		clear(b)
	}
}

// value reads bytes of a length that was read.
func (in *input) value(n int64) []byte {
	if n < 0 || n > maxRow {
		in.failed = errors.Join(in.failed, errPart)
		return nil
	}
	b := make([]byte, n)
	in.bytes(b)
	return b
}

func (in *input) read(ctx context.Context) error {
	magic := make([]byte, len(partMagic))
	if in.bytes(magic); string(magic) != partMagic {
		return errors.Join(in.failed, errPart)
	}
	for in.failed == nil {
		kind := make([]byte, 1)
		in.bytes(kind)
		var err error
		switch kind[0] {
		case frameRow:
			err = in.frame(ctx)
		case orderRow:
			n := in.numbers(2)
			err = in.beside(ctx, n[0], putOrder, in.value(n[1]), n[0])
		case unreadableRow:
			n := in.numbers(2)
			err = in.beside(ctx, n[0], putUnreadable, n[0], n[1])
		case endRow:
			in.numbers(2)
			if _, more := in.r.ReadByte(); in.failed == nil && more != io.EOF {
				return errPart
			}
			return in.failed
		default:
			err = errPart
		}
		if err != nil {
			return errors.Join(in.failed, err)
		}
	}
	return in.failed
}

func (in *input) frame(ctx context.Context) error {
	n := in.numbers(4)
	body := in.value(n[3])
	if in.failed != nil || !in.keep.wants(n[0], n[1]) {
		return in.failed
	}
	in.last, in.frames = n[0], in.frames+1
	_, err := in.tx.Exec(ctx, `insert into log_frames (seq, received_at, elapsed, bytes) values ($1, $2, $3, $4)`, n[0], n[1], n[2], body)
	return err
}

// beside writes what belongs to a frame that was kept.
func (in *input) beside(ctx context.Context, seq int64, text string, args ...any) error {
	if in.failed != nil || seq > in.last {
		return in.failed
	}
	_, err := in.tx.Exec(ctx, text, args...)
	return err
}
