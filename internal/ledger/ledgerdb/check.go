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

// Check reads the whole stored log and holds it against the signed checkpoint:
// each leaf, each hash, their numbers and the root. The error is ErrAltered. It
// finds what was altered since it was signed; that the signed tree extends the
// ones before is for an auditor outside to say.
func (l *Log) Check(ctx context.Context) error {
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		head, err := l.head(ctx, tx)
		if err != nil {
			return err
		}
		tree, err := ledger.NewTree(0, nil)
		if err != nil {
			return err
		}
		hashes, err := l.replay(ctx, tx, tree)
		if err != nil {
			return err
		}
		if len(head.Note) > 0 && tree.Head() != head.Tree() {
			return fmt.Errorf("%w: its leaves give another tree", ErrAltered)
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

const checkAt = 1024 // leaves per query: the engine keeps one cursor at a time

// replay grows the tree by every stored leaf and compares every stored hash.
func (l *Log) replay(ctx context.Context, tx *sqldb.Tx, tree *ledger.Tree) (hashes int64, err error) {
	for {
		from := tree.Head().N
		leaves, err := column(ctx, tx, `select idx, leaf from ledger_leaves where idx >= $1 order by idx limit $2`, from, checkAt)
		if err != nil || len(leaves) == 0 {
			return hashes, err
		}
		var want []tlog.Hash
		for _, leaf := range leaves {
			want = tree.Append(want, tlog.RecordHash(leaf))
		}
		got, err := column(ctx, tx, `select idx, hash from ledger_hashes where idx >= $1 order by idx limit $2`, hashes, len(want))
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
func column(ctx context.Context, tx *sqldb.Tx, query string, from int64, limit int) (values [][]byte, err error) {
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
