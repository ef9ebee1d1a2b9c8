package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// ErrAltered says that what is stored is not what was signed. The sequencer does
// not extend such a tree; a person has to look.
var ErrAltered = errors.New("ledgerdb: the stored log is not the one that was signed")

// Integrate moves one batch of queued leaves into the tree, signs it, and
// returns how many leaves it moved. The error is ErrNotHolder while another
// process does so.
func (l *Log) Integrate(ctx context.Context) (n int, err error) {
	n, _, err = l.take(ctx)
	return n, err
}

// Who queues leaves waits while a step is under way: one is short, and a breath is taken after
// it, unless the queue is so long that it would not become shorter.
const (
	shortStep = 64
	breath    = 4 * time.Millisecond
	longQueue = 4096
)

// take is Integrate. More reports that it took as many as a step does.
func (l *Log) take(ctx context.Context) (n int, more bool, err error) {
	l.step.Lock()
	defer l.step.Unlock()
	defer func() { l.health.stepped(ctx, l.cfg.Now(), err) }()
	idle, queued, err := l.idle(ctx)
	if err != nil || idle {
		return 0, false, wrap("looking for queued leaves", err)
	}
	limit := l.cfg.Batch
	if queued < longQueue {
		limit = min(limit, shortStep)
	}
	err = l.db.Write(ctx, func(tx *sqldb.Tx) error {
		var err error
		n, err = l.integrate(ctx, tx, limit)
		return err
	})
	if err != nil {
		if errors.Is(err, ErrNotHolder) {
			l.lease = lease{}
		}
		return 0, false, wrap("integrating", err)
	}
	return n, n == limit, nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ledgerdb: %s: %w", doing, err)
}

// idle spares a quiet log its writes: nothing waits, a checkpoint is there, and
// the lease is fresh. Queued is about how many leaves wait, by the first and the last.
func (l *Log) idle(ctx context.Context) (idle bool, queued int64, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select note <> '', coalesce((select max(id) from ledger_queue) - (select min(id) from ledger_queue) + 1, 0)
			from ledger_state where id = 1`).Scan(&idle, &queued)
	})
	fresh := l.lease.until.Sub(l.cfg.Now()) >= l.cfg.Lease/2
	return idle && queued == 0 && fresh, queued, err
}

const (
	readQueue   = `select id, leaf from ledger_queue order by id limit $1`
	storeLeaves = `insert into ledger_leaves (idx, leaf)
		select cast($1 as bigint) + row_number() over (order by id) - 1, leaf from ledger_queue where id <= $2`
	storeState   = `update ledger_state set size = $1, note = $2 where id = 1 and size = $3`
	forgetQueued = `delete from ledger_queue where id <= $1`
)

func (l *Log) integrate(ctx context.Context, tx *sqldb.Tx, limit int) (int, error) {
	held, err := l.hold(ctx, tx)
	if err != nil {
		return 0, err
	}
	tx.OnCommit(func() { l.lease = held })
	old, tree, err := l.load(ctx, tx)
	if err != nil {
		return 0, err
	}
	last, leaves, err := readBatch(ctx, tx, limit)
	if err != nil || len(leaves) == 0 && len(old.Note) > 0 {
		return 0, err
	}
	var stored []tlog.Hash
	for _, leaf := range leaves {
		stored = tree.Append(stored, tlog.RecordHash(leaf))
	}
	if err := store(ctx, tx, old, last, len(leaves), stored); err != nil {
		return 0, err
	}
	head, err := ledger.SignCheckpoint(l.signer, tree.Head())
	if err != nil {
		return 0, err
	}
	if n, err := tx.Exec(ctx, storeState, head.Size, string(head.Note), old.Size); err != nil || n != 1 {
		return 0, errors.Join(err, changed(n, 1))
	}
	tx.OnCommit(func() { l.announce(head.Tree()) })
	return len(leaves), nil
}

func readBatch(ctx context.Context, tx *sqldb.Tx, limit int) (last int64, leaves [][]byte, err error) {
	found, err := tx.Query(ctx, readQueue, limit)
	if err != nil {
		return 0, nil, err
	}
	defer found.Close()
	for found.Next() {
		var leaf []byte
		if err := found.Scan(&last, &leaf); err != nil {
			return 0, nil, err
		}
		leaves = append(leaves, leaf)
	}
	return last, leaves, found.Err()
}

// store moves the rows of the queue up to id last. The transaction sees one
// snapshot of the queue, so the rows are those that were read and hashed, even
// when ids below last commit meanwhile; the counts make sure.
func store(ctx context.Context, tx *sqldb.Tx, old state, last int64, n int, stored []tlog.Hash) error {
	if n == 0 {
		return nil
	}
	if got, err := tx.Exec(ctx, storeLeaves, old.leaves+old.Size, last); err != nil || got != int64(n) {
		return errors.Join(err, changed(got, n))
	}
	if err := keepHashes(ctx, tx, old.hashes+tlog.StoredHashCount(old.Size), stored); err != nil {
		return err
	}
	got, err := tx.Exec(ctx, forgetQueued, last)
	if err != nil || got != int64(n) {
		return errors.Join(err, changed(got, n))
	}
	return nil
}

func keepHashes(ctx context.Context, tx *sqldb.Tx, from int64, stored []tlog.Hash) error {
	hashes := make([]byte, 0, len(stored)*tlog.HashSize)
	for _, h := range stored {
		hashes = append(hashes, h[:]...)
	}
	_, err := tx.Exec(ctx, storeHashes(tx.Engine()), hashes, from, len(stored))
	return err
}

func changed(got int64, want int) error {
	if got == int64(want) {
		return nil
	}
	return fmt.Errorf("%d rows changed instead of %d: %w", got, want, thimble.ErrConflict)
}

// load reads the signed head and the tree's right edge, and holds them against
// each other and against what this process has seen.
func (l *Log) load(ctx context.Context, tx *sqldb.Tx) (state, *ledger.Tree, error) {
	head, err := l.head(ctx, tx)
	if err != nil {
		return state{}, nil, err
	}
	edge, err := readHashes(ctx, tx, head.hashes, ledger.Edge(head.Size))
	if err != nil {
		return state{}, nil, err
	}
	tree, err := ledger.NewTree(head.Size, edge)
	if err != nil {
		return state{}, nil, err
	}
	if len(head.Note) > 0 && tree.Head() != head.Tree() {
		return state{}, nil, fmt.Errorf("%w: its hashes give another root", ErrAltered)
	}
	l.mu.Lock()
	seen := l.seen
	l.mu.Unlock()
	if head.Size < seen.N || head.Size == seen.N && seen.N > 0 && head.Root != seen.Hash {
		return state{}, nil, fmt.Errorf("%w: this process has seen a later tree", ErrAltered)
	}
	return head, tree, nil
}

// A state is the signed head of the current epoch, and where its rows begin.
type state struct {
	ledger.Checkpoint
	epoch          int64
	leaves, hashes int64 // what the epochs before have of either
}

// head reads the signed head. Before the first one it is the empty tree,
// without a note.
func (l *Log) head(ctx context.Context, tx *sqldb.Tx) (state, error) {
	var s state
	var size int64
	var signed string
	err := tx.QueryRow(ctx, `select size, note, epoch, leaf_base, hash_base from ledger_state where id = 1`).Scan(&size, &signed, &s.epoch, &s.leaves, &s.hashes)
	if err != nil {
		return state{}, err
	}
	if signed == "" && size == 0 {
		s.Checkpoint = ledger.Checkpoint{Origin: l.Origin()}
		return s, nil
	}
	if s.Checkpoint, err = l.open(signed); err != nil {
		return state{}, fmt.Errorf("%w: %w", ErrAltered, err)
	}
	if s.Size != size {
		return state{}, fmt.Errorf("%w: %d leaves are stored, %d are signed", ErrAltered, size, s.Size)
	}
	return s, nil
}

// open verifies a checkpoint. Many receipts come from one checkpoint, so the last
// one that passed need not pass again while it is the same to the byte.
func (l *Log) open(signed string) (ledger.Checkpoint, error) {
	l.mu.Lock()
	head := l.opened
	l.mu.Unlock()
	if string(head.Note) == signed {
		return head, nil
	}
	head, err := ledger.OpenCheckpoint([]byte(signed), l.VerifierKey())
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	l.mu.Lock()
	l.opened = head
	l.mu.Unlock()
	return head, nil
}

// announce tells those who wait that a newer checkpoint is durable.
func (l *Log) announce(t tlog.Tree) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.N >= l.seen.N {
		l.seen = t
	}
	close(l.signed)
	l.signed = make(chan struct{})
}
