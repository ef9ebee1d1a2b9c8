package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
)

// The checks of a receipt, in the order in which they are made. Each error of
// [Verify] is one of them, and of kind thimble.ErrInvalid.
var (
	ErrForm      = fmt.Errorf("ledger: form: this is not a receipt as Thimble writes it (%w)", thimble.ErrInvalid)
	ErrOpening   = fmt.Errorf("ledger: opening: the record is not what the log committed to (%w)", thimble.ErrInvalid)
	ErrInclusion = fmt.Errorf("ledger: inclusion: the entry is not in the tree (%w)", thimble.ErrInvalid)
	ErrSignature = fmt.Errorf("ledger: signature: the log has not signed the tree (%w)", thimble.ErrInvalid)
)

// Opened is what a verified receipt says.
type Opened struct {
	Class         Class
	Hour          time.Time // UTC, a whole hour
	Model, Policy [8]byte
	Record        json.RawMessage
	Index, Size   int64
	Root          tlog.Hash
	Origin        string
}

// Verify checks a receipt offline against the verifier keys of the logs that the
// caller trusts. When it succeeds, the log named Origin has signed a tree of Size
// leaves whose leaf Index says, and can only say, Record.
func Verify(text []byte, vkeys ...string) (Opened, error) {
	r, err := ParseReceipt(text)
	if err != nil {
		return Opened{}, err
	}
	head, err := r.head()
	if err != nil {
		return Opened{}, err
	}
	if !readable(r.Opening.Record) {
		return Opened{}, fmt.Errorf("%w: the record is not JSON", ErrOpening)
	}
	if err := r.Opening.Check(); err != nil {
		return Opened{}, fmt.Errorf("%w: %w", ErrOpening, err)
	}
	if err := tlog.CheckRecord(r.Proof, head.Size, head.Root, r.Index, r.Opening.Hash()); err != nil {
		return Opened{}, fmt.Errorf("%w: %w", ErrInclusion, err)
	}
	if _, err := OpenCheckpoint(r.Note, vkeys...); err != nil {
		return Opened{}, err
	}
	leaf, err := ParseLeaf(r.Opening.Leaf)
	if err != nil {
		return Opened{}, err
	}
	return Opened{
		Class: leaf.Class, Hour: leaf.Hour, Model: leaf.Model, Policy: leaf.Policy,
		Record: r.Opening.Record, Index: r.Index,
		Size: head.Size, Root: head.Root, Origin: head.Origin,
	}, nil
}
