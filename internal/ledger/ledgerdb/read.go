package ledgerdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Checkpoint returns the newest signed checkpoint.
func (l *Log) Checkpoint(ctx context.Context) (ledger.Checkpoint, error) {
	var head state
	err := l.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		head, err = l.signedHead(ctx, tx)
		return err
	})
	return head.Checkpoint, wrap("reading the checkpoint", err)
}

func (l *Log) signedHead(ctx context.Context, tx *sqldb.Tx) (state, error) {
	head, err := l.head(ctx, tx)
	if err == nil && len(head.Note) == 0 {
		err = fmt.Errorf("nothing is signed yet: %w", thimble.ErrUnavailable)
	}
	return head, err
}

// Size returns how many leaves the newest checkpoint covers.
func (l *Log) Size(ctx context.Context) (int64, error) {
	var size int64
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select size from ledger_state where id = 1`).Scan(&size)
	})
	return size, wrap("reading the size", err)
}

// Receipt returns the proof that the opening's leaf is in the newest tree that
// reached the quorum of witnesses, or, while it is too new for that, in the newest
// signed tree. A leaf of an epoch that has ended is proven in that epoch's log. The
// error is of kind ErrUnavailable until the leaf is in a tree: see [Log.Wait].
func (l *Log) Receipt(ctx context.Context, o ledger.Opening) (*ledger.Receipt, error) {
	if err := o.Check(); err != nil {
		return nil, wrap("making a receipt", err)
	}
	if o.Batch != nil {
		return l.batchReceipt(ctx, o)
	}
	r := &ledger.Receipt{Opening: o}
	var head state
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		row, err := find(ctx, tx, o)
		if err == nil {
			head, err = l.covering(ctx, tx, row)
		}
		if err != nil {
			return err
		}
		r.Index = row - head.leaves
		r.Proof, err = tlog.ProveRecord(head.Size, r.Index, hashReader(ctx, tx, head.hashes))
		return err
	})
	if err != nil {
		return nil, wrap("making a receipt", err)
	}
	if err := tlog.CheckRecord(r.Proof, head.Size, head.Root, r.Index, o.Hash()); err != nil {
		return nil, wrap("making a receipt", fmt.Errorf("%w: the stored hashes do not prove leaf %d", ErrAltered, r.Index))
	}
	r.Note = head.Note
	return r, nil
}

// batchReceipt is the receipt of the batch's root with the place in the batch.
func (l *Log) batchReceipt(ctx context.Context, o ledger.Opening) (*ledger.Receipt, error) {
	if err := o.Batch.Check(o); err != nil {
		return nil, wrap("making a receipt", fmt.Errorf("%w: the batch does not prove the leaf: %w", ErrAltered, err))
	}
	r, err := l.Receipt(ctx, o.Batch.Root)
	if err != nil {
		return nil, err
	}
	r.Opening = o
	return r, nil
}

// Proof returns the proof that an entry of the current epoch is in the newest signed
// tree, without its opening: see [ledger.Receipt.Bare]. The error is of kind ErrNotFound
// for an entry that is not there.
func (l *Log) Proof(ctx context.Context, index int64) (*ledger.Receipt, error) {
	r := &ledger.Receipt{Index: index}
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		head, err := l.signedHead(ctx, tx)
		if err != nil {
			return err
		}
		if index < 0 || index >= head.Size {
			return fmt.Errorf("the log has no entry %d: %w", index, thimble.ErrNotFound)
		}
		r.Note = head.Note
		r.Proof, err = tlog.ProveRecord(head.Size, index, hashReader(ctx, tx, head.hashes))
		return err
	})
	return r, wrap("proving an entry", err)
}

// The index ledger_leaves_commitment answers this.
const findLeaf = `select idx from ledger_leaves where substr(leaf, 23, 32) = $1`

func find(ctx context.Context, tx *sqldb.Tx, o ledger.Opening) (idx int64, err error) {
	if len(o.Leaf) != ledger.LeafSize {
		return 0, fmt.Errorf("the opening has no leaf: %w", thimble.ErrInvalid)
	}
	err = tx.QueryRow(ctx, findLeaf, o.Leaf[ledger.CommitmentAt:]).Scan(&idx)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("the leaf is not in the signed tree yet: %w", thimble.ErrUnavailable)
	}
	return idx, err
}

// Consistency proves that the signed tree of size new extends that of size old.
// Nothing is to be proven of the empty tree and of a tree and itself.
func (l *Log) Consistency(ctx context.Context, old, new int64) (tlog.TreeProof, error) {
	var proof tlog.TreeProof
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		head, err := l.signedHead(ctx, tx)
		if err != nil {
			return err
		}
		if old < 0 || old > new || new > head.Size {
			return fmt.Errorf("sizes must be in order and at most %d: %w", head.Size, thimble.ErrInvalid)
		}
		if old == 0 || old == new {
			return nil
		}
		proof, err = tlog.ProveTree(new, old, hashReader(ctx, tx, head.hashes))
		return err
	})
	return proof, wrap("proving consistency", err)
}

// A LeafRow is one line of the console's ledger page.
type LeafRow struct {
	Index int64
	ledger.Leaf
	Hash tlog.Hash
}

// Page lists up to limit leaves below index before, newest first; before < 0
// begins at the end.
func (l *Log) Page(ctx context.Context, before int64, limit int) ([]LeafRow, error) {
	if before < 0 {
		before = 1 << 61
	}
	var page []LeafRow
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		page = nil
		_, base, _, err := extent(ctx, tx)
		if err != nil {
			return err
		}
		found, err := tx.Query(ctx, `select idx - $3, leaf from ledger_leaves where idx >= $3 and idx < $1 order by idx desc limit $2`, base+before, limit, base)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var row LeafRow
			var leaf []byte
			if err := found.Scan(&row.Index, &leaf); err != nil {
				return err
			}
			if row.Leaf, err = ledger.ParseLeaf(leaf); err != nil {
				return err
			}
			row.Hash = tlog.RecordHash(leaf)
			page = append(page, row)
		}
		return found.Err()
	})
	return page, wrap("listing leaves", err)
}

// Tile returns the hashes of a tile (c2sp.org/tlog-tiles). The error is of kind
// ErrNotFound when the signed tree does not fill it.
func (l *Log) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	var data []byte
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		_, base, err := l.within(ctx, tx, t)
		if err != nil {
			return err
		}
		data, err = tlog.ReadTileData(t, hashReader(ctx, tx, base))
		return err
	})
	return data, wrap("reading a tile", err)
}

// Leaves returns the leaves below a tile of level 0.
func (l *Log) Leaves(ctx context.Context, t tlog.Tile) ([][]byte, error) {
	var leaves [][]byte
	first := t.N << t.H
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		leaves = nil
		base, _, err := l.within(ctx, tx, t)
		if err != nil {
			return err
		}
		found, err := tx.Query(ctx, `select leaf from ledger_leaves where idx >= $1 and idx < $2 order by idx`, base+first, base+first+int64(t.W))
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var leaf []byte
			if err := found.Scan(&leaf); err != nil {
				return err
			}
			leaves = append(leaves, leaf)
		}
		return found.Err()
	})
	if err == nil && len(leaves) != t.W {
		err = fmt.Errorf("%w: leaves are missing", ErrAltered)
	}
	return leaves, wrap("reading leaves", err)
}

// extent is the current epoch's size, and where its rows begin.
func extent(ctx context.Context, tx *sqldb.Tx) (size, leaves, hashes int64, err error) {
	err = tx.QueryRow(ctx, `select size, leaf_base, hash_base from ledger_state where id = 1`).Scan(&size, &leaves, &hashes)
	return size, leaves, hashes, err
}

func (l *Log) within(ctx context.Context, tx *sqldb.Tx, t tlog.Tile) (leaves, hashes int64, err error) {
	size, leaves, hashes, err := extent(ctx, tx)
	if err != nil {
		return 0, 0, err
	}
	full := size >> (t.H * max(t.L, 0)) // how many hashes the level has
	if t.H*t.L > 62 || t.N < 0 || t.N > full>>t.H || t.N<<t.H+int64(t.W) > full {
		return 0, 0, fmt.Errorf("the tree has no such tile: %w", thimble.ErrNotFound)
	}
	return leaves, hashes, nil
}

func hashReader(ctx context.Context, tx *sqldb.Tx, base int64) tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return readHashes(ctx, tx, base, at) })
}

// readHashes returns the stored hashes of the epoch whose rows begin at base, in the
// order asked for.
func readHashes(ctx context.Context, tx *sqldb.Tx, base int64, at []int64) ([]tlog.Hash, error) {
	if len(at) == 0 {
		return nil, nil
	}
	var query strings.Builder
	query.WriteString(`select idx, hash from ledger_hashes where idx in (`)
	args := make([]any, len(at))
	where := make(map[int64]int, len(at))
	for i, idx := range at {
		if i > 0 {
			query.WriteByte(',')
		}
		query.WriteString("$" + strconv.Itoa(i+1))
		args[i], where[base+idx] = base+idx, i
	}
	query.WriteByte(')')
	found, err := tx.Query(ctx, query.String(), args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	hashes, n := make([]tlog.Hash, len(at)), 0
	for found.Next() {
		var idx int64
		var hash []byte
		if err := found.Scan(&idx, &hash); err != nil {
			return nil, err
		}
		n += copy(hashes[where[idx]][:], hash) / tlog.HashSize
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	if n != len(at) {
		return nil, fmt.Errorf("%w: %d of %d hashes are missing", ErrAltered, len(at)-n, len(at))
	}
	return hashes, nil
}
