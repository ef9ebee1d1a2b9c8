package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
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
	Index, Size   int64 // in the log; of an entry in a batch, those of its root
	Root          tlog.Hash
	Origin        string
	// Cosigned are the witnesses' cosignatures, when their keys were given.
	Cosigned []Cosignature
	// Batch is the entry's place in its batch; nil for an entry of the log itself.
	Batch *Batched
}

// Verify checks a receipt offline against the verifier keys of the logs, and of the
// witnesses, that the caller trusts. When it succeeds, the log named Origin has
// signed a tree of Size leaves whose leaf Index says, and can only say, Record.
//
// Without a witness's key cosignatures are not judged, only their form. With one or
// more, each cosignature of the receipt must be by one of them: what cannot be
// checked could be changed unnoticed. How many are needed is a [Policy]'s to say.
func Verify(text []byte, vkeys ...string) (Opened, error) {
	r, err := ParseReceipt(text)
	if err != nil {
		return Opened{}, err
	}
	head, lines, err := r.head()
	if err != nil {
		return Opened{}, err
	}
	if !readable(r.Opening.Record) {
		return Opened{}, fmt.Errorf("%w: the record is not JSON", ErrOpening)
	}
	root := r.Rooted().Opening
	for _, o := range []Opening{r.Opening, root} {
		if err := o.Check(); err != nil {
			return Opened{}, fmt.Errorf("%w: %w", ErrOpening, err)
		}
	}
	batch, err := r.inBatch()
	if err != nil {
		return Opened{}, err
	}
	if err := tlog.CheckRecord(r.Proof, head.Size, head.Root, r.Index, root.Hash()); err != nil {
		return Opened{}, fmt.Errorf("%w: %w", ErrInclusion, err)
	}
	logs, witnesses := splitKeys(vkeys)
	if _, err := OpenCheckpoint(r.Note, logs...); err != nil {
		return Opened{}, err
	}
	cosigned, err := cosignedBy(head, lines, witnesses)
	if err != nil {
		return Opened{}, err
	}
	leaf, err := ParseLeaf(r.Opening.Leaf)
	if err != nil {
		return Opened{}, err
	}
	return Opened{
		Class: leaf.Class, Hour: leaf.Hour, Model: leaf.Model, Policy: leaf.Policy,
		Record: r.Opening.Record, Index: r.Index,
		Size: head.Size, Root: head.Root, Origin: head.Origin, Cosigned: cosigned, Batch: batch,
	}, nil
}

// inBatch checks the place in the batch, if there is one.
func (r *Receipt) inBatch() (*Batched, error) {
	path := r.Opening.Batch
	if path == nil {
		return nil, nil
	}
	if err := path.Check(r.Opening); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInclusion, err)
	}
	return &Batched{path.Index, path.Size}, nil
}

// splitKeys tells the keys of witnesses from those of logs.
func splitKeys(vkeys []string) (logs []string, witnesses []CosignerKey) {
	for _, vkey := range vkeys {
		if k, err := ParseCosignerKey(vkey); err == nil {
			witnesses = append(witnesses, k)
		} else {
			logs = append(logs, vkey)
		}
	}
	return logs, witnesses
}

// cosignedBy judges a receipt's cosignatures, if there are keys to judge them by.
func cosignedBy(head Checkpoint, lines []sigLine, keys []CosignerKey) (all []Cosignature, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	for _, l := range lines {
		c, known, err := l.verify(head, keys)
		if err != nil {
			return nil, err
		}
		if !known || slices.ContainsFunc(all, func(have Cosignature) bool { return have.Key == c.Key }) {
			return nil, fmt.Errorf("%w: a cosignature is by none of the given witnesses, or the second of one", ErrSignature)
		}
		all = append(all, c)
	}
	return all, nil
}
