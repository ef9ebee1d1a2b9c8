package decisiondb

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// maxBatch bounds how many decisions share one transaction.
const maxBatch = 512

// A kept decision is on its way into the database.
type kept struct {
	id      thimble.ID
	record  decision.Record
	model   []byte
	epoch   int64
	opening ledger.Opening
	body    []byte

	err  error
	turn chan bool // true: commit the next batch, which begins with this one; false: done
	lead bool      // was given the turn
}

// Keep checks a record, keeps it with its leaf in one durable transaction, and
// returns its id. Epoch is that of the verdict which allowed the decision: the
// error is of kind ErrDenied when the person has changed their mind since, and
// ErrNotFound when they were erased. Calls that come while a transaction is under way
// share the next one; what one of them gets is not changed by the others. When ctx
// ends first, the record may have been kept or not.
func (s *Store) Keep(ctx context.Context, r decision.Record, policy [8]byte, epoch int64) (thimble.ID, error) {
	k, err := s.prepare(ctx, r, policy, epoch)
	if err == nil {
		err = s.group.do(ctx, k, s.write)
	}
	if err != nil {
		err = fmt.Errorf("decision: keeping a %s decision: %w", r.Capability, err)
	}
	return k.id, err
}

// prepare does all that needs no transaction.
func (s *Store) prepare(ctx context.Context, r decision.Record, policy [8]byte, epoch int64) (*kept, error) {
	k := &kept{record: r, epoch: epoch, turn: make(chan bool, 1)}
	var err error
	if k.id, err = thimble.NewID(nil); err != nil {
		return k, err
	}
	if err := errors.Join(r.Check(), s.types.Fits(r)); err != nil {
		return k, err
	}
	text, err := r.Marshal()
	if err != nil {
		return k, err
	}
	if k.model, err = hex.DecodeString(r.Model.SHA256); err != nil {
		return k, fmt.Errorf("model.sha256: hexadecimal was expected: %w", thimble.ErrInvalid)
	}
	openings, err := s.ledger.Commit(ledger.Entry{Class: ledger.Decision, At: r.At, Model: r.Model.Digest(), Policy: policy, Record: text})
	if err != nil {
		return k, err
	}
	k.opening = openings[0]
	k.body, err = k.opening.Seal(ctx, s.vault, cell(r.Subject, k.id)) // of kind ErrNotFound for who was erased
	return k, err
}

// While many come, a commit waits for so many to share it, and so long at most: a transaction
// of its own for each costs the processor a tenth of a list more. The clock alone would be
// late: a timer is half a millisecond late on a machine that has nothing else to do.
const (
	company = 4
	linger  = time.Millisecond
)

// A group lets calls that come together share a transaction. The first to come commits;
// who comes meanwhile waits, and the first of those commits for all of them.
type group struct {
	mu      sync.Mutex
	busy    bool
	waiting []*kept
	last    int           // how many the commit before was for
	enough  chan struct{} // closed when as many wait as a commit waits for; nil: none does
}

func (g *group) do(ctx context.Context, k *kept, write func(context.Context, []*kept)) error {
	g.mu.Lock()
	g.waiting = append(g.waiting, k)
	if g.enough != nil && len(g.waiting) >= company {
		close(g.enough)
		g.enough = nil
	}
	lead := !g.busy
	g.busy = true
	g.mu.Unlock()
	if !lead {
		select {
		case lead = <-k.turn:
		case <-ctx.Done():
			if g.leave(k) {
				return ctx.Err()
			}
			lead = <-k.turn
		}
	}
	if lead {
		g.commit(ctx, write)
	}
	return k.err
}

// commit commits what waits, and passes the turn on. The others wait for it: it does not
// end with the caller's context.
func (g *group) commit(ctx context.Context, write func(context.Context, []*kept)) {
	g.mu.Lock()
	if g.last > 1 && len(g.waiting) < company { // many come: to wait for more of them is less work for all
		g.lingers()
	}
	n := min(len(g.waiting), maxBatch)
	g.last = n
	batch := g.waiting[:n:n]
	g.waiting = append([]*kept(nil), g.waiting[n:]...) // nothing of the batch stays in memory
	g.mu.Unlock()

	write(context.WithoutCancel(ctx), batch)

	g.mu.Lock()
	g.busy = len(g.waiting) > 0
	if g.busy {
		g.waiting[0].lead = true
		g.waiting[0].turn <- true
	}
	g.mu.Unlock()
	for _, k := range batch[1:] {
		k.turn <- false
	}
}

// lingers waits, without the lock that it was called with, until there is enough company.
func (g *group) lingers() {
	enough := make(chan struct{})
	g.enough = enough
	g.mu.Unlock()
	late := time.NewTimer(linger)
	select {
	case <-enough:
	case <-late.C:
	}
	late.Stop()
	g.mu.Lock()
	g.enough = nil
}

// leave takes back a call that nobody has begun to commit.
func (g *group) leave(k *kept) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == k && !k.lead {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// write keeps decisions in one transaction, and notes with each what came of it. What is
// wrong with one does not keep the others out.
func (s *Store) write(ctx context.Context, batch []*kept) {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		allowed, err := s.allowed(ctx, tx, batch)
		if err != nil || len(allowed) == 0 {
			return err
		}
		id, err := s.root(ctx, tx, allowed)
		if err == nil {
			err = insert(ctx, tx, id, allowed)
		}
		return err
	})
	if err == nil {
		return
	}
	if len(batch) > 1 && !errors.Is(err, thimble.ErrUnavailable) {
		for _, k := range batch {
			s.write(ctx, []*kept{k})
		}
		return
	}
	for _, k := range batch {
		k.err = err
	}
}

// allowed are those whose person is there and has not changed their mind.
func (s *Store) allowed(ctx context.Context, tx *sqldb.Tx, batch []*kept) (all []*kept, err error) {
	type state struct {
		epoch int64
		err   error
	}
	known := make(map[thimble.SubjectID]state, len(batch))
	for _, k := range batch {
		k.err = nil // the transaction may be run again
		who := k.record.Subject
		now, asked := known[who]
		if !asked && !who.IsZero() {
			now.epoch, now.err = s.people.Alive(ctx, tx, who)
			if now.err != nil && !errors.Is(now.err, thimble.ErrNotFound) {
				return nil, now.err
			}
			known[who] = now
		}
		switch {
		case now.err != nil:
			k.err = now.err
		case !who.IsZero() && now.epoch != k.epoch:
			k.err = fmt.Errorf("the person's choices have changed: %w", thimble.ErrDenied)
		default:
			all = append(all, k)
		}
	}
	return all, nil
}

// root queues the leaf: of a decision that is alone its own, else the root of the batch.
func (s *Store) root(ctx context.Context, tx *sqldb.Tx, all []*kept) (id []byte, err error) {
	if len(all) == 1 {
		return nil, s.ledger.Enqueue(ctx, tx, all[0].opening)
	}
	var leaves bytes.Buffer
	for _, k := range all {
		leaves.Write(k.opening.Leaf)
	}
	record, err := ledger.BatchRoot(leaves.Bytes())
	if err != nil {
		return nil, err
	}
	root, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Batch, Record: record})
	if err != nil {
		return nil, err
	}
	opening, err := root.MarshalBinary()
	if err != nil {
		return nil, err
	}
	fresh, err := thimble.NewID(nil)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `insert into decision_batches (id, size, gone, leaves, opening) values ($1, $2, 0, $3, $4)`,
		fresh, len(all), leaves.Bytes(), opening)
	return fresh[:], err
}

// Columns of a row, and rows of one statement: a round trip costs more than a longer
// statement does.
const (
	columns  = 9
	together = 32
)

func insertRows(n int) string {
	var b strings.Builder
	b.WriteString(`insert into decision_decisions (id, subject_id, capability, at, model, batch, place, about, body) values `)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		for c := range columns {
			b.WriteString(string("(,"[min(c, 1)]) + "$" + strconv.Itoa(i*columns+c+1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

var insertOne, insertMany = insertRows(1), insertRows(together)

func insert(ctx context.Context, tx *sqldb.Tx, batch []byte, all []*kept) error {
	text, each := insertMany, together
	for place := 0; place < len(all); place += each {
		if len(all)-place < together {
			text, each = insertOne, 1
		}
		args := make([]any, 0, columns*each)
		for i, k := range all[place : place+each] {
			r := &k.record
			args = append(args, k.id, r.Subject[:], r.Capability, r.At.UnixMicro(), k.model, batch, place+i, string(r.Kind()), k.body)
		}
		if _, err := tx.Exec(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}
