package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

const (
	askWitnessFor = 10 * time.Second // a round waits so long for the slowest
	retryAfter    = time.Second      // doubled each time a witness does not cosign
	retryAtMost   = time.Minute
)

// publisher remembers how the witnesses stand; one round at a time.
type publisher struct {
	round  sync.Mutex
	loaded bool
	known  []standing // in the order of Config.Witnesses
}

// standing is what is remembered of one witness.
type standing struct {
	WitnessStatus
	size  int64     // of the tree it is thought to have seen
	head  tlog.Tree // the last that it cosigned
	wait  time.Duration
	next  time.Time // not to be asked before, unless it is the first time
	fresh time.Time // when it cosigned last
}

// publish asks the witnesses after each checkpoint, and again later those who did not
// cosign, until ctx ends.
func (l *Log) publish(ctx context.Context) {
	for {
		l.mu.Lock()
		signed := l.signed
		l.mu.Unlock()
		next, err := l.Publish(ctx)
		if err != nil && ctx.Err() == nil {
			l.cfg.Log.ErrorContext(ctx, "cosignatures not collected; it tries again", slog.String("cause", err.Error()))
		}
		wait := time.NewTimer(min(max(next, 10*time.Millisecond), time.Minute))
		select {
		case <-ctx.Done():
		case <-signed:
		case <-wait.C:
		}
		wait.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// An answer is what one witness said.
type answer struct {
	at   int // in Config.Witnesses
	sigs []ledger.Cosignature
	size int64
	err  error
}

// Publish asks the witnesses whose turn it is to cosign the newest checkpoint, stores it once
// the policy's quorum is reached, and returns when to ask again. Only the process that
// sequences asks. Run calls it; it is there for tests and for a command that waits.
func (l *Log) Publish(ctx context.Context) (next time.Duration, err error) {
	p := &l.publisher
	p.round.Lock()
	defer p.round.Unlock()
	if !l.holding() {
		return l.cfg.Every, nil
	}
	head, err := l.Checkpoint(ctx)
	if err != nil {
		return l.cfg.Every, err
	}
	if err := l.loadStandings(ctx); err != nil {
		return l.cfg.Every, err
	}
	if l.cfg.Beforehand != nil {
		if err := l.cfg.Beforehand(ctx); err != nil {
			return l.cfg.Every, wrap("preparing to be witnessed", err)
		}
	}
	answers := l.ask(ctx, head)
	var by []ledger.Cosignature
	for a := range answers {
		if ctx.Err() != nil {
			continue // what an interrupted request says is not the witness's word
		}
		l.note(ctx, head, a)
		by = append(by, a.sigs...)
		if len(a.sigs) > 0 && l.cfg.Policy != nil && l.cfg.Policy.Met(by) {
			err = errors.Join(err, l.keepCosigned(ctx, head, by))
		}
		err = errors.Join(err, l.db.Write(ctx, func(tx *sqldb.Tx) error { return keepStatus(ctx, tx, p.known[a.at].WitnessStatus) }))
	}
	return l.nextRound(), wrap("collecting cosignatures", err)
}

func (l *Log) holding() bool {
	l.step.Lock()
	defer l.step.Unlock()
	return l.lease.fence != 0 && l.lease.until.After(l.cfg.Now())
}

func (l *Log) loadStandings(ctx context.Context) error {
	p := &l.publisher
	if p.loaded {
		return nil
	}
	all, err := l.Witnesses(ctx)
	if err != nil {
		return err
	}
	p.known = make([]standing, len(all))
	for i, s := range all {
		p.known[i] = standing{WitnessStatus: s, size: s.Size}
	}
	p.loaded = true
	return nil
}

// due reports whether the witness is to be asked about a head.
func (l *Log) due(s *standing, head ledger.Checkpoint) bool {
	now := l.cfg.Now()
	if s.head == head.Tree() && now.Sub(s.fresh) < l.cfg.Refresh {
		return false
	}
	return !now.Before(s.next)
}

// ask asks all whose turn it is at once. The channel is closed after the last answer.
func (l *Log) ask(ctx context.Context, head ledger.Checkpoint) <-chan answer {
	answers := make(chan answer)
	var asking sync.WaitGroup
	for i := range l.publisher.known {
		s := &l.publisher.known[i]
		if !l.due(s, head) {
			continue
		}
		size := s.size
		asking.Go(func() { answers <- l.askOne(ctx, i, size, head) })
	}
	go func() { asking.Wait(); close(answers) }() // ends with the last answer, which is read
	return answers
}

// askOne asks one witness, once more when it has seen another size than was thought.
func (l *Log) askOne(ctx context.Context, i int, size int64, head ledger.Checkpoint) answer {
	w := l.cfg.Witnesses[i]
	within, cancel := context.WithTimeout(ctx, askWitnessFor)
	defer cancel()
	for range 3 {
		if size > head.Size {
			size = 0 // it will say what it has seen
		}
		proof, err := l.Consistency(within, size, head.Size)
		if err != nil {
			return answer{at: i, size: size, err: err}
		}
		lines, err := w.Add(within, ledger.AddCheckpoint{Old: size, Proof: proof, Note: head.Note})
		e, other := errors.AsType[*ledger.SizeError](err)
		switch {
		case err == nil:
			return cosignedAnswer(i, head, lines, w.Key())
		case !other:
			return answer{at: i, size: size, err: err}
		case e.Size > head.Size:
			return answer{at: i, size: 0, err: l.behind(within, e.Size)}
		case e.Size == size:
			return answer{at: i, size: size, err: fmt.Errorf("%w: it has seen another tree of %d leaves", ledger.ErrRefused, size)}
		}
		size = e.Size
	}
	return answer{at: i, size: size, err: errors.New("its size keeps changing; somebody else sends it this log")}
}

// behind says what it means that a witness has seen more leaves than it was shown.
func (l *Log) behind(ctx context.Context, seen int64) error {
	switch newest, err := l.Checkpoint(ctx); {
	case err != nil:
		return err
	case newest.Size >= seen:
		return errors.New("another process has shown it a newer checkpoint")
	default:
		return fmt.Errorf("%w: it has seen %d leaves, the log has %d", ledger.ErrRefused, seen, newest.Size)
	}
}

func cosignedAnswer(i int, head ledger.Checkpoint, lines []byte, key ledger.CosignerKey) answer {
	sigs, err := ledger.Cosignatures(head, lines, key)
	if err == nil && len(sigs) == 0 {
		err = errors.New("its answer has no cosignature by its key")
	}
	return answer{at: i, sigs: sigs, size: head.Size, err: err}
}

// note remembers an answer, and raises the alarm on a refusal.
func (l *Log) note(ctx context.Context, head ledger.Checkpoint, a answer) {
	s, now := &l.publisher.known[a.at], l.cfg.Now()
	state, cause := Cosigned, ""
	switch {
	case errors.Is(a.err, ledger.ErrRefused):
		state = Refused
	case errors.Is(a.err, ledger.ErrStranger):
		state = Stranger
	case a.err != nil:
		state = Absent
	}
	s.size = a.size
	if a.err == nil {
		s.wait, s.head, s.fresh, s.Size, s.next = 0, head.Tree(), now, head.Size, time.Time{}
		s.ClockOff = a.sigs[0].At.Sub(now.Truncate(time.Second))
	} else {
		cause = a.err.Error()
		s.wait = min(max(2*s.wait, retryAfter), retryAtMost)
		s.next = now.Add(s.wait)
	}
	if s.State != state || s.Asked.IsZero() {
		s.Since = now
		l.tell(ctx, s.Name, state, cause, head)
	}
	s.State, s.Cause, s.Asked = state, cause, now
}

func (l *Log) tell(ctx context.Context, name string, state WitnessState, cause string, head ledger.Checkpoint) {
	who := slog.String("witness", name)
	switch state {
	case Cosigned:
		l.cfg.Log.InfoContext(ctx, "witness cosigns", who)
	case Refused:
		l.cfg.Log.ErrorContext(ctx, "witness refuses; the log may have two histories", who, slog.String("cause", cause), slog.String("checkpoint", string(head.Note)))
	default:
		l.cfg.Log.WarnContext(ctx, "witness did not cosign", who, slog.String("state", string(state)), slog.String("cause", cause))
	}
}

// keepCosigned stores a checkpoint that reached the quorum, unless a newer one is there.
func (l *Log) keepCosigned(ctx context.Context, head ledger.Checkpoint, by []ledger.Cosignature) error {
	signed := head.WithCosignatures(by)
	return l.db.Write(ctx, func(tx *sqldb.Tx) error {
		// By now another process may have begun another epoch.
		if newest, err := l.head(ctx, tx); err != nil || newest.Size < signed.Size {
			return err
		}
		_, err := tx.Exec(ctx, `update ledger_cosigned set size = $1, note = $2 where id = 1 and size <= $1`, signed.Size, string(signed.Note))
		return err
	})
}

// nextRound is when the next witness is due although nothing is new.
func (l *Log) nextRound() time.Duration {
	now, next := l.cfg.Now(), l.cfg.Refresh
	for _, s := range l.publisher.known {
		if s.State == Cosigned {
			next = min(next, l.cfg.Refresh-now.Sub(s.fresh))
		} else {
			next = min(next, s.next.Sub(now))
		}
	}
	return next
}
