package buffer

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// answerOthers listens for what the archiver has archived of this node's, and for
// what it finds missing.
func (b *Buffer) answerOthers() error {
	_, err := b.cluster.nc.Subscribe("thimble.archived."+b.cfg.Node+".*", func(m *nats.Msg) {
		var run uint64
		at := strings.LastIndexByte(m.Subject, '.')
		if _, err := fmt.Sscanf(m.Subject[at+1:], "%016x", &run); err != nil {
			return
		}
		// Anybody in the cluster may say this, and only what the stream keeps counts: it
		// is read there by reconcile. A word that passes its checksum came from an archiver.
		if p, err := decodeProgress(m.Data); err == nil {
			b.spool.release(run, &p)
		}
	})
	if err == nil {
		_, err = b.cluster.nc.Subscribe(spoolSubject(b.cfg.Node), b.handOut)
	}
	if err != nil {
		return fmt.Errorf("buffer: listening to the others: %w", err)
	}
	return nil
}

// The answers of a spool to whoever asks for a group.
const (
	answerHeader = "Thimble-Answer"
	hasIt        = "here"
	isArchived   = "archived"
	isUnknown    = "unknown"
)

// handOut answers an archiver that asks for a group which the stream has lost.
func (b *Buffer) handOut(ask *nats.Msg) {
	var run, seq uint64
	answer := nats.NewMsg(ask.Reply)
	answer.Header.Set(answerHeader, isUnknown)
	if _, err := fmt.Sscanf(string(ask.Data), "%016x %d", &run, &seq); err != nil {
		return
	}
	e, known := b.spool.find(run, seq)
	switch {
	case e == nil && known:
		answer.Header.Set(answerHeader, isArchived)
	case e != nil:
		m, err := b.spool.message(e)
		if err == nil {
			answer = m.wire(0)
			answer.Subject = ask.Reply
			answer.Header.Set(answerHeader, hasIt)
			break
		}
		b.counts.unreadable.Add(1)
		b.cfg.Log.Error("a group in the spool cannot be read", slog.String("cause", err.Error()))
	}
	if err := ask.RespondMsg(answer); err != nil {
		b.cfg.Log.Warn("a group was not handed out", slog.String("cause", err.Error()))
	}
}

// reconcile compares the spool with the archive and the stream, at the start and from
// then on: what is in neither although it is spooled goes into the stream again.
func (b *Buffer) reconcile(ctx context.Context) {
	b.skipPublished(ctx)
	for tick := time.NewTicker(b.cfg.Reconcile); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
		if err := b.compare(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.Debug("the spool was not compared", slog.String("cause", err.Error()))
		}
	}
}

// compare looks after each run that is not archived. What the stream has is asked
// before what the archive has: a group on its way from one to the other is seen.
func (b *Buffer) compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Reconcile)
	defer cancel()
	runs := b.spool.runs()
	if len(runs) == 0 {
		return nil
	}
	last, found, err := b.cluster.last(ctx)
	if err != nil {
		return err
	}
	// What is before the newest message of this node is in the stream, or was: the runs
	// before its run, and its run up to it.
	at := slices.Index(runs, last.run)
	if found && at < 0 && b.spool.isCurrent(last.run) {
		at = len(runs)
	}
	for i, run := range runs {
		p, _, err := b.cluster.progressOf(ctx, runKey{b.cfg.Node, run})
		if err != nil {
			return err
		}
		b.spool.release(run, &p)
		in := uint64(0)
		if found && i < at {
			in = math.MaxUint64
		}
		if found && i == at {
			in = last.seq
		}
		b.again(run, in, &p)
	}
	return nil
}

// again rewinds to what was acknowledged some time ago and is neither in the stream,
// which has the run up to in, nor in the archive. What the archiver names as
// missing is in neither.
func (b *Buffer) again(run, in uint64, p *progress) {
	lost := b.cursor.rewind(b.spool.choose(func(e *entry) bool {
		return e.run == run && (e.seq > in || e.seq <= p.Last)
	}), b.cfg.Now().Add(-2*b.cfg.Reconcile))
	if len(lost) == 0 {
		return
	}
	b.counts.rewinds.Add(1)
	b.cfg.Log.Warn("the stream has lost groups, and gets them again", slog.Int("groups", len(lost)), slog.Uint64("first", lost[0].seq))
}

// skipPublished takes out of the queue what an earlier process has published, so
// that a node which starts again does not put all its spool into the stream twice.
// It waits a moment for the cluster; without it everything is published, and known
// there by its number.
func (b *Buffer) skipPublished(ctx context.Context) {
	defer b.cursor.open()
	if b.cursor.empty() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for ctx.Err() == nil {
		last, found, err := b.whereWeWere(ctx)
		if err == nil {
			b.cursor.drop(b.spool.isReleased)
			if found {
				b.cursor.skip(last)
			}
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// whereWeWere lets go of what is archived, and returns this node's newest message in
// the stream. One try is short: a question that nobody hears is not answered later.
func (b *Buffer) whereWeWere(ctx context.Context) (last message, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if last, found, err = b.cluster.last(ctx); err != nil {
		return last, found, err
	}
	for _, run := range b.spool.runs() {
		p, _, err := b.cluster.progressOf(ctx, runKey{b.cfg.Node, run})
		if err != nil {
			return last, found, err
		}
		b.spool.release(run, &p)
	}
	return last, found, nil
}

// care keeps server and streams in being, and has what was trimmed leave the disk.
func (b *Buffer) care(ctx context.Context) {
	cleaned, ensured, down := b.cfg.Now(), time.Time{}, false
	for {
		err := b.cluster.restart()
		if err != nil && !down {
			b.cfg.Log.Warn("the server of the buffer does not run", slog.String("cause", err.Error()))
		}
		down = err != nil
		if b.cfg.Now().Sub(ensured) > b.cfg.Reconcile {
			if err := b.ensure(ctx); err == nil {
				ensured = b.cfg.Now()
			}
		}
		if b.cfg.Now().Sub(cleaned) > b.cfg.Clean {
			cleaned = b.cfg.Now()
			b.spool.turn()
			b.cluster.clean()
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

func (b *Buffer) ensure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Reconcile)
	defer cancel()
	err := b.cluster.ensure(ctx)
	if err != nil && ctx.Err() == nil {
		b.cfg.Log.Debug("the streams are not there", slog.String("cause", err.Error()))
	}
	return err
}
