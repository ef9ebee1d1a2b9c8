package ledgerdb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Check reads the whole stored log, epochs that have ended included, and holds it
// against the signed checkpoints: each leaf, each hash, their numbers and the roots.
// The error is ErrAltered. It finds what was altered since it was signed; that the
// signed tree extends the ones before is for an auditor or a witness to say.
func (l *Log) Check(ctx context.Context) error {
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		ended, err := l.ended(ctx, tx)
		if err != nil {
			return err
		}
		head, err := l.head(ctx, tx)
		if err != nil {
			return err
		}
		var hashes int64
		for _, s := range append(ended, head) {
			if s.hashes != hashes {
				return fmt.Errorf("%w: an epoch does not begin where the one before ends", ErrAltered)
			}
			n, err := l.checkEpoch(ctx, tx, s, s.epoch == head.epoch)
			if err != nil {
				return err
			}
			hashes += n
		}
		var stored int64
		if err := tx.QueryRow(ctx, `select count(*) from ledger_hashes`).Scan(&stored); err != nil {
			return err
		}
		if stored != hashes {
			return fmt.Errorf("%w: it has %d hashes instead of %d", ErrAltered, stored, hashes)
		}
		return nil
	})
	return wrap("checking", err)
}

func (l *Log) checkEpoch(ctx context.Context, tx *sqldb.Tx, s state, last bool) (hashes int64, err error) {
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		return 0, err
	}
	end := s.leaves + s.Size
	if last {
		end = 1 << 62 // a leaf beyond the signed tree is one too many
	}
	if hashes, err = l.replay(ctx, tx, tree, s, end); err != nil {
		return 0, err
	}
	if len(s.Note) > 0 && tree.Head() != s.Tree() {
		return 0, fmt.Errorf("%w: its leaves give another tree", ErrAltered)
	}
	return hashes, nil
}

const checkAt = 1024 // leaves per query: the engine keeps one cursor at a time

// replay grows the tree by every stored leaf and compares every stored hash.
func (l *Log) replay(ctx context.Context, tx *sqldb.Tx, tree *ledger.Tree, s state, end int64) (hashes int64, err error) {
	for {
		from := s.leaves + tree.Head().N
		leaves, err := column(ctx, tx, `select idx, leaf from ledger_leaves where idx >= $1 order by idx limit $2`, from, min(checkAt, end-from))
		if err != nil || len(leaves) == 0 {
			return hashes, err
		}
		var want []tlog.Hash
		for _, leaf := range leaves {
			want = tree.Append(want, tlog.RecordHash(leaf))
		}
		got, err := column(ctx, tx, `select idx, hash from ledger_hashes where idx >= $1 order by idx limit $2`, s.hashes+hashes, int64(len(want)))
		if err != nil {
			return 0, err
		}
		for i := range want {
			if i >= len(got) || !bytes.Equal(got[i], want[i][:]) {
				return 0, fmt.Errorf("%w: hash %d is not that of its leaves", ErrAltered, hashes+int64(i))
			}
		}
		hashes += int64(len(want))
	}
}

// column reads values whose numbers run on from the first without a gap.
func column(ctx context.Context, tx *sqldb.Tx, query string, from, limit int64) (values [][]byte, err error) {
	found, err := tx.Query(ctx, query, from, limit)
	if err != nil {
		return nil, err
	}
	defer func(rows *sql.Rows) { err = errors.Join(err, rows.Close()) }(found)
	for found.Next() {
		var idx int64
		var value []byte
		if err := found.Scan(&idx, &value); err != nil {
			return nil, err
		}
		if idx != from+int64(len(values)) {
			return nil, fmt.Errorf("%w: row %d is missing", ErrAltered, from+int64(len(values)))
		}
		values = append(values, value)
	}
	return values, found.Err()
}
