package witness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"thimble"
	"thimble/internal/ledger"
)

// Config has working zero values.
type Config struct {
	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // source of the key; nil means crypto/rand
	Log  *slog.Logger     // nil means silence
}

// A Witness cosigns checkpoints. It is safe for concurrent use.
type Witness struct {
	cosigner *ledger.Cosigner
	folder   *folder
	cfg      Config
	logs     map[string]*watched // by origin
}

// watched is one log: its keys, and the last checkpoint that was cosigned.
type watched struct {
	vkeys []string
	mu    sync.Mutex // held from the check to the sync
	head  ledger.Checkpoint
}

// Open opens the witness of the given name in its folder, and makes folder and key
// on first use. It watches the policy's logs. Another process in the same folder
// is an error of kind thimble.ErrConflict.
func Open(path, name string, logs []ledger.PolicyLog, cfg Config) (*Witness, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f, err := openFolder(path)
	if err != nil {
		return nil, fmt.Errorf("witness: opening: %w", err)
	}
	w := &Witness{folder: f, cfg: cfg, logs: map[string]*watched{}}
	if err := w.load(name, logs); err != nil {
		return nil, errors.Join(fmt.Errorf("witness: opening: %w", err), f.close())
	}
	return w, nil
}

func (w *Witness) load(name string, logs []ledger.PolicyLog) error {
	seed, err := w.folder.seed(w.cfg.Rand)
	if err != nil {
		return err
	}
	if w.cosigner, err = ledger.NewCosigner(name, seed); err != nil {
		return err
	}
	for _, l := range logs {
		if known := w.logs[l.Origin]; known != nil {
			known.vkeys = append(known.vkeys, l.VerifierKey)
			continue
		}
		head, err := w.folder.head(l.Origin, w.cosigner.Key())
		if err != nil {
			return err
		}
		w.logs[l.Origin] = &watched{vkeys: []string{l.VerifierKey}, head: head}
	}
	return nil
}

// Close lets another process have the folder.
func (w *Witness) Close() error { return w.folder.close() }

// Key returns the key that verifies the cosignatures.
func (w *Witness) Key() ledger.CosignerKey { return w.cosigner.Key() }

// Head returns the last checkpoint cosigned for a log, with the cosignature. The error is of kind
// thimble.ErrNotFound when there is none.
func (w *Witness) Head(origin string) (ledger.Checkpoint, error) {
	l := w.logs[origin]
	if l == nil {
		return ledger.Checkpoint{}, fmt.Errorf("witness: %w", thimble.ErrNotFound)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head.Note == nil {
		return ledger.Checkpoint{}, fmt.Errorf("witness: nothing was cosigned for the log yet: %w", thimble.ErrNotFound)
	}
	return l.head, nil
}

// Add judges the body of a request and returns the cosignature's line. The error is
// ledger.ErrStranger for an unknown log, ledger.ErrSignature for a key that is not the
// log's, *ledger.SizeError when the request assumes another size than was cosigned last
// or shows another tree of that size, ledger.ErrRefused when the proof fails, and else
// of kind thimble.ErrInvalid or thimble.ErrUnavailable.
func (w *Witness) Add(ctx context.Context, body []byte) ([]byte, error) {
	req, head, err := ledger.ParseAddCheckpoint(body)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	l := w.logs[head.Origin]
	if l == nil {
		return nil, fmt.Errorf("witness: %w", ledger.ErrStranger)
	}
	if head, err = ledger.OpenCheckpoint(req.Note, l.vkeys...); err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	if req.Old > head.Size {
		return nil, fmt.Errorf("witness: the old size is beyond the checkpoint's: %w", thimble.ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.judge(req, head); err != nil {
		w.cfg.Log.WarnContext(ctx, "checkpoint not cosigned", slog.String("origin", head.Origin),
			slog.Int64("cosigned", l.head.Size), slog.Int64("shown", head.Size), slog.String("cause", err.Error()), slog.String("checkpoint", string(head.Note)))
		return nil, fmt.Errorf("witness: %w", err)
	}
	line := w.cosigner.Cosign(head, w.cfg.Now())
	sigs, err := ledger.Cosignatures(head, line, w.cosigner.Key())
	if err != nil || len(sigs) != 1 {
		return nil, fmt.Errorf("witness: the clock is out of its range: %w", thimble.ErrUnavailable)
	}
	head = head.WithCosignatures(sigs)
	if l.head.Note == nil || l.head.Tree() != head.Tree() {
		if err := w.folder.keep(head); err != nil {
			return nil, fmt.Errorf("witness: keeping a checkpoint: %w (%w)", err, thimble.ErrUnavailable)
		}
	}
	l.head = head
	return line, nil
}

// judge applies the rules of c2sp.org/tlog-witness, in their order.
func (l *watched) judge(req ledger.AddCheckpoint, head ledger.Checkpoint) error {
	switch {
	case req.Old != l.head.Size:
		return &ledger.SizeError{Size: l.head.Size}
	case req.Old == head.Size && l.head.Note != nil && head.Root != l.head.Root:
		return &ledger.SizeError{Size: l.head.Size}
	case !ledger.Extends(l.head.Tree(), head.Tree(), req.Proof):
		return ledger.ErrRefused
	}
	return nil
}
