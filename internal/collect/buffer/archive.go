package buffer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"thimble/internal/collect/frame"
)

// An archiver copies the stream into the archive, in order, for as long as this node
// leads the stream. Two may overlap for a moment while the lead changes: both go in
// order from what is archived, and the archive knows what it has.
type archiver struct {
	b       *Buffer
	stream  jetstream.Stream
	runs    map[runKey]*runState
	read    uint64 // the stream's number of the last message that is archived
	put     uint64 // up to where progress says so
	cut     uint64 // up to where the stream is trimmed
	wrote   time.Time
	trimmed time.Time
}

type runState struct {
	progress
	rev   uint64 // of the progress in the stream
	dirty bool
}

// A place is a message and its number in the stream.
type place struct {
	message
	at     uint64
	intact bool
	bytes  int
}

const (
	ahead        = 8       // messages that are read before they are asked for
	batchBytes   = 4 << 20 // that go to the archive at once
	putEvery     = 200 * time.Millisecond
	trimEvery    = time.Second
	idlePause    = 250 * time.Millisecond
	readPatience = 2 * time.Second // for a message that the stream says it has
)

var errLead = errors.New("buffer: another node leads")

// keepArchiving archives whenever this node leads.
func (b *Buffer) keepArchiving(ctx context.Context) {
	for ctx.Err() == nil {
		if b.cluster.leads() {
			b.counts.leading.Store(true)
			if err := b.archiveWhileLeading(ctx); err != nil && ctx.Err() == nil {
				b.cfg.Log.Info("archiving stopped", slog.String("cause", err.Error()))
			}
			b.counts.leading.Store(false)
		}
		select {
		case <-time.After(idlePause):
		case <-ctx.Done():
		}
	}
}

func (b *Buffer) archiveWhileLeading(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	s, err := b.cluster.js.Stream(ctx, streamName)
	if err != nil {
		cancel()
		return err
	}
	a := &archiver{b: b, stream: s, runs: map[runKey]*runState{}}
	places, failed := make(chan place, ahead), make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed <- a.readAll(ctx, places)
	}()
	err = a.run(ctx, places, failed)
	cancel()
	<-done
	return err
}

// run archives what is read, and between two batches says how far it is.
func (a *archiver) run(ctx context.Context, places <-chan place, failed <-chan error) error {
	tick := time.NewTicker(putEvery)
	defer tick.Stop()
	for {
		var batch []place
		select {
		case p := <-places:
			batch = gatherPlaces(p, places)
		case err := <-failed:
			return err
		case <-tick.C:
			if !a.b.cluster.leads() {
				return errLead
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := a.archive(ctx, batch); err != nil {
			return err
		}
		if err := a.sayHowFar(ctx); err != nil {
			return err
		}
	}
}

func gatherPlaces(p place, places <-chan place) []place {
	batch, size := []place{p}, p.bytes
	for size < batchBytes {
		select {
		case p := <-places:
			batch, size = append(batch, p), size+p.bytes
		default:
			return batch
		}
	}
	return batch
}

// archive appends a batch, and only then takes it for archived.
func (a *archiver) archive(ctx context.Context, batch []place) error {
	if len(batch) == 0 {
		return nil
	}
	next, records := map[runKey]*progress{}, []frame.Record(nil)
	for i := range batch {
		more, err := a.accept(ctx, &batch[i], next)
		if err != nil {
			return err
		}
		records = append(records, more...)
	}
	if err := a.append(ctx, records); err != nil {
		return err
	}
	for r, p := range next {
		a.runs[r].progress, a.runs[r].dirty = *p, true
	}
	a.read = batch[len(batch)-1].at
	return nil
}

// append tries until the archive takes the records, or another node leads. What the
// archive never takes stays in stream and spool, and Healthy says so.
func (a *archiver) append(ctx context.Context, records []frame.Record) error {
	if len(records) == 0 {
		return nil
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		got, err := a.b.archive.Append(ctx, records)
		if err == nil {
			a.b.counts.archived.Add(int64(got.Kept))
			return nil
		}
		a.b.cfg.Log.Warn("the archive takes nothing", slog.String("cause", err.Error()))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		if !a.b.cluster.leads() {
			return errLead
		}
	}
}

// accept returns the records that a message brings: none if it came before, its own,
// and before them those of messages that the stream has lost.
func (a *archiver) accept(ctx context.Context, p *place, next map[runKey]*progress) (records []frame.Record, err error) {
	c := &a.b.counts
	if !p.intact {
		// What it says of itself may be damaged too. The next message of its run shows the
		// hole, or its node finds that it is nowhere.
		c.unreadable.Add(1)
		a.b.cfg.Log.Error("a message in the stream fails its checksum", slog.Uint64("place", p.at))
		return nil, nil
	}
	state, err := a.state(ctx, p.runKey, next)
	if err != nil {
		return nil, err
	}
	if state.has(p.seq) {
		c.repeats.Add(1)
		return nil, nil
	}
	if gap, ok := state.gap(p.seq); ok {
		c.gaps.Add(int64(gap.To - gap.From + 1))
		a.b.cfg.Log.Error("the stream has lost messages", slog.String("node", p.node), slog.String("run", formatRun(p.run)), slog.Uint64("from", gap.From), slog.Uint64("to", gap.To))
		until := time.Now().Add(a.b.cfg.GapWait)
		for seq := gap.From; seq <= gap.To; seq++ {
			if records, err = a.fromSpool(ctx, p.runKey, seq, until, state, records); err != nil {
				return nil, err
			}
		}
	}
	if !p.void {
		own, err := decodeRecords(p.body)
		if err != nil {
			return nil, fmt.Errorf("buffer: message %d of run %s of %s: %w", p.seq, formatRun(p.run), p.node, err)
		}
		records = append(records, own...)
	}
	state.mark(p.seq)
	return records, nil
}

// state returns what is archived of a run, counting what this batch will archive.
func (a *archiver) state(ctx context.Context, r runKey, next map[runKey]*progress) (*progress, error) {
	if p := next[r]; p != nil {
		return p, nil
	}
	if a.runs[r] == nil {
		ctx, cancel := context.WithTimeout(ctx, readPatience)
		defer cancel()
		p, rev, err := a.b.cluster.progressOf(ctx, r)
		if err != nil {
			return nil, err
		}
		a.runs[r] = &runState{progress: p, rev: rev}
	}
	p := a.runs[r].clone()
	next[r] = &p
	return &p, nil
}

// fromSpool has a message from the spool of the node that took it. If that node does
// not answer for long, the number is missing from then on, by name, and the rest
// goes on; the node brings it when it is back.
func (a *archiver) fromSpool(ctx context.Context, r runKey, seq uint64, until time.Time, state *progress, records []frame.Record) ([]frame.Record, error) {
	for {
		m, answer := a.askSpool(ctx, r, seq)
		switch answer {
		case hasIt:
			own, err := decodeRecords(m.body)
			if err != nil {
				return nil, fmt.Errorf("buffer: message %d of run %s of %s, from its spool: %w", seq, formatRun(r.run), r.node, err)
			}
			a.b.counts.fromSpool.Add(1)
			state.mark(seq)
			return append(records, own...), nil
		case isArchived:
			state.mark(seq)
			return records, nil
		case isUnknown:
			a.b.counts.lost.Add(1)
			a.b.cfg.Log.Error("a group is lost: its node does not have it either", slog.String("node", r.node), slog.String("run", formatRun(r.run)), slog.Uint64("number", seq))
			state.miss(seq)
			return records, nil
		}
		if time.Now().After(until) {
			a.b.cfg.Log.Error("a group is missing until its node is back", slog.String("node", r.node), slog.String("run", formatRun(r.run)), slog.Uint64("number", seq))
			state.miss(seq)
			return records, nil
		}
		select {
		case <-time.After(idlePause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !a.b.cluster.leads() {
			return nil, errLead
		}
	}
}

func (a *archiver) askSpool(ctx context.Context, r runKey, seq uint64) (message, string) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	msg, err := a.b.cluster.nc.RequestWithContext(ctx, spoolSubject(r.node), fmt.Appendf(nil, "%016x %d", r.run, seq))
	if err != nil {
		return message{}, ""
	}
	answer := msg.Header.Get(answerHeader)
	if answer != hasIt {
		return message{}, answer
	}
	m, intact := readMessage(msg.Header, msg.Data)
	if !intact || m.runKey != r || m.seq != seq {
		return message{}, ""
	}
	return m, hasIt
}

// sayHowFar writes down what is archived, and then trims: what is trimmed is archived,
// and known to be.
func (a *archiver) sayHowFar(ctx context.Context) error {
	if a.put < a.read && time.Since(a.wrote) >= putEvery {
		keys := make([]runKey, 0, len(a.runs))
		for r, s := range a.runs {
			if s.dirty {
				keys = append(keys, r)
			}
		}
		slices.SortFunc(keys, compareRuns)
		for _, r := range keys {
			if err := a.putOne(ctx, r); err != nil {
				return err
			}
		}
		a.put, a.wrote = a.read, time.Now()
	}
	if a.cut < a.put && time.Since(a.trimmed) >= trimEvery {
		ctx, cancel := context.WithTimeout(ctx, ackWait)
		defer cancel()
		if err := a.stream.Purge(ctx, jetstream.WithPurgeSequence(a.put+1)); err != nil {
			return fmt.Errorf("buffer: trimming: %w", err)
		}
		a.cut, a.trimmed = a.put, time.Now()
	}
	return nil
}

func (a *archiver) putOne(ctx context.Context, r runKey) error {
	ctx, cancel := context.WithTimeout(ctx, ackWait)
	defer cancel()
	s := a.runs[r]
	rev, err := a.b.cluster.putProgress(ctx, r, &s.progress, s.rev)
	if err != nil {
		return err
	}
	s.rev, s.dirty = rev, false
	return nil
}

// readAll reads the stream in order, from its first message.
func (a *archiver) readAll(ctx context.Context, places chan<- place) error {
	more := make(chan *nats.Msg, 1)
	sub, err := a.b.cluster.nc.Subscribe(moreSubject, func(m *nats.Msg) {
		select {
		case more <- m:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	next := uint64(1)
	for {
		p, err := a.readOne(ctx, next)
		if err != nil {
			return err
		}
		if p == nil {
			if next, err = a.atEnd(ctx, next, more); err != nil {
				return err
			}
			continue
		}
		next = p.at + 1
		select {
		case places <- *p:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readOne returns the first message from a number on; nil when there is none.
func (a *archiver) readOne(ctx context.Context, from uint64) (*place, error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	raw, err := a.stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(eventSubjects))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("buffer: reading from %d: %w", from, err)
	}
	p := &place{at: raw.Sequence, bytes: len(raw.Data)}
	p.message, p.intact = readMessage(raw.Header, raw.Data)
	return p, nil
}

// atEnd waits for more. The stream may have been lost and made anew, so that its
// numbers begin again; and it may not be able to read what it says it has, which is
// tried again, on whichever node answers, and then left to the spools.
func (a *archiver) atEnd(ctx context.Context, next uint64, more <-chan *nats.Msg) (uint64, error) {
	until := time.Now().Add(readPatience)
	for {
		select {
		case <-more:
			return next, nil
		case <-time.After(idlePause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		info, err := a.stream.Info(ctx)
		if err != nil {
			return 0, err
		}
		switch last := info.State.LastSeq; {
		case last+1 < next:
			return 0, fmt.Errorf("buffer: the stream ends at %d, and was read up to %d", last, next-1)
		case last < next:
			continue
		}
		if p, err := a.readOne(ctx, next); err != nil || p != nil {
			return next, err
		}
		if time.Now().After(until) {
			a.b.counts.unreadable.Add(1)
			a.b.cfg.Log.Error("the stream cannot read a message that it says it has", slog.Uint64("place", next))
			return next + 1, nil
		}
	}
}
