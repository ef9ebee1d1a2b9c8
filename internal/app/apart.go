package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/vault"
)

var apartSettings = []setting{
	stringSetting("apart", "folder on another disk that keeps what no backup may hold, and without which none opens: tombstones of erased people, and the wrapped keys of days", "", func(c *Config) *string { return &c.Apart }),
}

// checkApart refuses a folder that is lost together with the data.
func (c *Config) checkApart() (key, rule string) {
	if c.Apart == "" {
		return "", ""
	}
	data, err := filepath.Abs(c.Data)
	apart, apartErr := filepath.Abs(c.Apart)
	if err == nil && apartErr == nil {
		if rel, err := filepath.Rel(data, apart); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return "apart", "a folder outside of the data folder was expected, on another disk"
		}
	}
	return "", ""
}

// stones follows the list of tombstones, and what is kept apart.
type stones struct {
	mu     sync.Mutex
	head   backup.Head
	folder *backup.Apart
}

// tombstones returns the head of the list of tombstones.
func (a *App) tombstones(ctx context.Context) (backup.Head, error) {
	a.stones.mu.Lock()
	defer a.stones.mu.Unlock()
	for {
		page, err := a.Vault.Tombstones(ctx, a.stones.head.Count, 1000)
		if err != nil || len(page) == 0 {
			return a.stones.head, err
		}
		for _, t := range page {
			if t.Seq != a.stones.head.Count+1 {
				return backup.Head{}, fmt.Errorf("app: tombstone %d is missing: %w", a.stones.head.Count+1, thimble.ErrDenied)
			}
			a.stones.head = a.stones.head.Next(t)
		}
	}
}

// KeepApart brings in step what is kept apart from the data and from every backup of it. It
// is called before a destruction of keys counts as done, and before a checkpoint is shown to
// witnesses, so that what is kept apart is never older than what they have seen.
func (a *App) KeepApart(ctx context.Context) error {
	if a.Config.Apart == "" {
		return nil
	}
	folder, err := a.openApart()
	if err != nil {
		return err
	}
	st, signer, err := a.statement(ctx)
	if err != nil {
		return err
	}
	_, err = folder.Keep(ctx, backup.Keeping{Statement: st, Signer: signer, Epochs: a.Vault.EpochKeys,
		Stones: func(ctx context.Context, after int64) ([]vault.Tombstone, error) {
			return a.Vault.Tombstones(ctx, after, 1000)
		},
		Suppressed: a.suppressed,
	})
	return err
}

// suppressed are the keyed hashes by which an old list brings nobody back.
func (a *App) suppressed(ctx context.Context) (all []backup.Suppression, err error) {
	marks, err := a.Subjects.Suppressions(ctx)
	for _, m := range marks {
		all = append(all, backup.Suppression{Mark: m.Mark, Gen: m.Gen})
	}
	return all, err
}

func (a *App) openApart() (*backup.Apart, error) {
	a.stones.mu.Lock()
	defer a.stones.mu.Unlock()
	if a.stones.folder == nil {
		folder, err := backup.OpenApart(a.Config.Apart)
		if err != nil {
			return nil, err
		}
		a.stones.folder = folder
	}
	return a.stones.folder, nil
}

// statement says how far the ledger reaches. Tombstones that are read after it are no fewer
// than its entries commit to.
func (a *App) statement(ctx context.Context) (st backup.Statement, _ *ledger.Signer, err error) {
	id, err := a.Vault.Installation(ctx)
	if err != nil {
		return st, nil, err
	}
	head, err := a.Ledger.Checkpoint(ctx)
	if err != nil && !errors.Is(err, thimble.ErrUnavailable) { // of an empty log there is none
		return st, nil, err
	}
	if st.Epoch, err = ledgerdb.Epoch(ctx, a.Core); err != nil {
		return st, nil, err
	}
	signer, err := a.logSigner(ctx, st.Epoch)
	if err != nil {
		return st, nil, err
	}
	st.Installation, st.Checkpoint, st.At = hex.EncodeToString(id), string(head.Note), a.Config.clock()().UTC()
	st.Keys, err = a.logKeys(ctx)
	return st, signer, err
}

// logKeys are the verifier keys of all epochs of the log, the current one last.
func (a *App) logKeys(ctx context.Context) (keys []string, err error) {
	ended, err := a.Ledger.EndedEpochs(ctx)
	for _, e := range ended {
		keys = append(keys, e.VerifierKey)
	}
	return append(keys, a.Ledger.VerifierKey()), err
}
