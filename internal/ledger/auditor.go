package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// What a log can be caught at, beside what Verify's errors say.
var (
	ErrRolledBack = errors.New("ledger: the log shows an older tree than before")
	ErrForked     = errors.New("ledger: the log shows a tree that does not extend the one it showed before")
	ErrAltered    = errors.New("ledger: the log's leaves are not those of the tree it signed")
)

// Evidence is an error that can be shown to others: two checkpoints, both signed
// by the log, and what is wrong between them.
type Evidence struct {
	Err         error  // ErrRolledBack, ErrForked or ErrAltered
	Seen, Shown []byte // signed checkpoints: the one remembered and the one shown now
}

// Error implements error.
func (e *Evidence) Error() string { return e.Err.Error() }

// Unwrap returns the rule that was broken.
func (e *Evidence) Unwrap() error { return e.Err }

// Fetch gets one resource of a log by its path below the log's prefix, such as
// "checkpoint" or "tile/entries/000" (c2sp.org/tlog-tiles).
type Fetch func(ctx context.Context, path string) ([]byte, error)

// An Auditor watches a log from outside. It remembers the last checkpoint it
// verified, and accepts only what extends it. Two auditors who compare what they
// remember find out when the log tells them different stories.
//
// A log that stops showing new checkpoints breaks no rule an auditor could prove;
// who expects a leaf holds a receipt.
type Auditor struct {
	vkeys []string
	seen  Checkpoint
}

// NewAuditor makes an auditor of the log that has one of the verifier keys. It
// goes on from the signed checkpoint seen, or from nothing when that is nil.
func NewAuditor(seen []byte, vkeys ...string) (*Auditor, error) {
	a := &Auditor{vkeys: vkeys}
	if seen == nil {
		return a, nil
	}
	var err error
	if a.seen, err = OpenCheckpoint(seen, vkeys...); err != nil {
		return nil, fmt.Errorf("ledger: going on with an audit: %w", err)
	}
	return a, nil
}

// Seen returns the last checkpoint that passed. Keep its Note: it is all that an
// auditor has to remember.
func (a *Auditor) Seen() Checkpoint { return a.seen }

// Audit fetches the current checkpoint and the leaves that are new since the last
// audit, and checks that the log has only grown, by those leaves. An error that is
// no Evidence, ErrForm or ErrSignature is the network's.
func (a *Auditor) Audit(ctx context.Context, fetch Fetch) error {
	head, err := a.head(ctx, fetch)
	if err != nil {
		return err
	}
	edge, err := fetchHashes(ctx, fetch, Edge(a.seen.Size), head.Size)
	if err != nil {
		return fmt.Errorf("ledger: auditing: %w", err)
	}
	tree, err := NewTree(a.seen.Size, edge)
	if err != nil {
		return err
	}
	if a.seen.Size == 0 || tree.Head() == a.seen.Tree() {
		return a.replay(ctx, fetch, tree, head)
	}
	// Either the log forked or a tile is wrong, and to accuse someone of the first
	// for the second would be evidence of nothing. The leaves tell.
	probe := &Auditor{vkeys: a.vkeys, seen: a.seen}
	if err := probe.replay(ctx, fetch, &Tree{}, head); err != nil {
		return err
	}
	return a.evidence(fmt.Errorf("%w: its tiles give another one", ErrAltered), head)
}

// AuditAll is Audit over every leaf since the first. It also finds leaves that
// were altered after they were audited.
func (a *Auditor) AuditAll(ctx context.Context, fetch Fetch) error {
	head, err := a.head(ctx, fetch)
	if err != nil {
		return err
	}
	return a.replay(ctx, fetch, &Tree{}, head)
}

func (a *Auditor) evidence(rule error, head Checkpoint) error {
	return &Evidence{Err: rule, Seen: a.seen.Note, Shown: head.Note}
}

func (a *Auditor) head(ctx context.Context, fetch Fetch) (Checkpoint, error) {
	signed, err := fetch(ctx, "checkpoint")
	if err != nil {
		return Checkpoint{}, fmt.Errorf("ledger: auditing: fetching the checkpoint: %w", err)
	}
	head, err := OpenCheckpoint(signed, a.vkeys...)
	switch {
	case err != nil:
		return Checkpoint{}, err
	case a.seen.Note == nil:
		return head, nil
	case head.Origin != a.seen.Origin:
		return Checkpoint{}, fmt.Errorf("%w: it is another log's", ErrSignature)
	case head.Size < a.seen.Size:
		return Checkpoint{}, a.evidence(ErrRolledBack, head)
	case head.Size == a.seen.Size && head.Root != a.seen.Root:
		return Checkpoint{}, a.evidence(ErrForked, head)
	}
	return head, nil
}

// replay grows the tree by the leaves that the log shows. The hashes decide: what
// gives the signed root is what was signed, and if the root seen before is not on
// the way to it, the log forked.
func (a *Auditor) replay(ctx context.Context, fetch Fetch, tree *Tree, head Checkpoint) error {
	extends := tree.size == a.seen.Size
	for tree.size < head.Size {
		leaves, err := a.leaves(ctx, fetch, tree.size, head)
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			tree.Append(nil, tlog.RecordHash(leaf))
			extends = extends || tree.size == a.seen.Size && tree.Head() == a.seen.Tree()
		}
	}
	switch {
	case tree.Head() != head.Tree():
		return a.evidence(ErrAltered, head)
	case !extends:
		return a.evidence(ErrForked, head)
	}
	a.seen = head
	return nil
}

// leaves fetches leaves from the given one to the end of its bundle.
func (a *Auditor) leaves(ctx context.Context, fetch Fetch, from int64, head Checkpoint) ([][]byte, error) {
	t := tileOf(EntriesLevel, from>>TileHeight, head.Size)
	b, err := fetch(ctx, TilePath(t))
	if err != nil {
		return nil, fmt.Errorf("ledger: auditing: fetching leaves: %w", err)
	}
	leaves, err := ParseBundle(b, t.W)
	for i := 0; i < len(leaves) && err == nil; i++ {
		_, err = ParseLeaf(leaves[i])
	}
	if err != nil {
		return nil, a.evidence(fmt.Errorf("%w: %w", ErrAltered, err), head)
	}
	return leaves[from-t.N<<TileHeight:], nil
}

// fetchHashes reads stored hashes out of the tiles of a tree of the given size.
// Nothing vouches for them yet.
func fetchHashes(ctx context.Context, fetch Fetch, at []int64, size int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(at))
	for i, idx := range at {
		t := tlog.TileForIndex(TileHeight, idx)
		t = tileOf(t.L, t.N, size)
		b, err := fetch(ctx, TilePath(t))
		if err != nil {
			return nil, err
		}
		if hashes[i], err = tlog.HashFromTile(t, b, idx); err != nil {
			return nil, invalid("reading a tile: %w", err)
		}
	}
	return hashes, nil
}
