package backup

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/vault"
)

// A Manifest names what one backup consists of. It is readable: it holds hashes, sizes, counts
// and times, and nobody.
type Manifest struct {
	Version      int    `json:"version"` // 2
	Program      string `json:"program"`
	Installation string `json:"installation"`
	Number       int64  `json:"number"`
	Before       string `json:"before"` // SHA-256 of the manifest before, "" for none

	Core   CoreCopy `json:"core"`
	Log    LogCopy  `json:"log"`
	Keys   Copy     `json:"keys"`
	Models []Copy   `json:"models"` // by their content's hash, which is Plain
	// PostgreSQL names the sets, of core and keys, that are rows of it and no file of SQLite.
	PostgreSQL []string `json:"postgresql,omitempty"`
	// Indexes are the names of the keys of indexes, by which people are found in core.
	Indexes []string `json:"indexes"`

	// Checkpoint is the ledger's newest one in the copy of core, Epoch its epoch's number and
	// Key that epoch's verifier key.
	Checkpoint string `json:"checkpoint"`
	Epoch      int64  `json:"ledger_epoch"`
	Key        string `json:"ledger_key"`
	Tombstones Head   `json:"tombstones"` // in the copy of the keys, or later ones

	// Keyring has the key of each object by its name, sealed by the epoch key of the day.
	Keyring vault.Perishable `json:"keyring"`
}

// A Copy is a file as of an instant.
type Copy struct {
	Object
	Taken time.Time `json:"taken"`
}

// A CoreCopy is core as of an instant: a whole copy, and what changed in it since, backup by
// backup. The file that they make has the hash.
type CoreCopy struct {
	Taken time.Time `json:"taken"`
	Plain string    `json:"plain"` // SHA-256 of what the parts make
	Bytes int64     `json:"bytes"`
	Parts []Object  `json:"parts"` // the whole copy, and then changes as [Apply] takes them
}

// A LogCopy is the log of events as of an instant, in parts of which one does not change while
// no frame in it is written again.
type LogCopy struct {
	Taken time.Time `json:"taken"`
	Last  int64     `json:"last"` // number of the newest frame, 0 for none
	Parts []LogPart `json:"parts"`
}

// A LogPart holds frames that follow each other and came in in one month.
type LogPart struct {
	Object
	Month string `json:"month"` // 2026-11
	First int64  `json:"first"`
	Last  int64  `json:"last"`
}

const (
	manifestKind = "thimble backup 1"
	version      = 2 // core in parts
)

// keyringOf names what a manifest's keys are sealed for.
func (m *Manifest) keyringOf() string { return fmt.Sprintf("backup %d", m.Number) }

// Taken is the instant that the manifest is a backup of: when the last part was copied.
func (m *Manifest) Taken() time.Time { return m.Keys.Taken }

// Seen is the checkpoint, verified; there is none of an empty ledger.
func (m *Manifest) Seen() (ledger.Checkpoint, error) {
	return ledger.OpenCheckpoint([]byte(m.Checkpoint), m.Key)
}

// Objects returns all objects that it names, each once.
func (m *Manifest) Objects() (all []Object) {
	all = append(slices.Clone(m.Core.Parts), m.Keys.Object)
	for _, c := range m.Models {
		all = append(all, c.Object)
	}
	for _, p := range m.Log.Parts {
		all = append(all, p.Object)
	}
	slices.SortFunc(all, func(a, b Object) int { return compare(a.Name, b.Name) })
	return slices.Compact(all)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// check holds a manifest against its own rules, so that what it says can be relied on.
func (m *Manifest) check() error {
	id, err := hex.DecodeString(m.Installation)
	switch {
	case m.Version != version:
		return fmt.Errorf("it is of version %d, which this program does not read: %w", m.Version, thimble.ErrInvalid)
	case err != nil || string(id) != string(m.Keyring.Installation), m.Number < 1, len(m.Core.Parts) == 0:
		return ErrDamaged
	}
	for _, o := range m.Objects() {
		if name, err := hex.DecodeString(o.Name); err != nil || len(name) != 32 || o.Size < 1 || o.Bytes < 0 {
			return ErrDamaged
		}
	}
	last := int64(0)
	for _, p := range m.Log.Parts {
		if p.First != last+1 || p.Last < p.First {
			return ErrDamaged // the numbers have no gaps
		}
		last = p.Last
	}
	if last != m.Log.Last {
		return ErrDamaged
	}
	return nil
}

// outlives reports whether m names core of the last backup, and is sealed by the key of another day.
func (m *Manifest) outlives(last *Manifest) bool {
	return last != nil && m.Keyring.Epoch != last.Keyring.Epoch && slices.ContainsFunc(m.Core.Parts, func(o Object) bool { return slices.Contains(last.Core.Parts, o) })
}

// A Keyring has the key of each object, by the object's name.
type Keyring map[string]string

// A Sealer seals the keyrings of manifests; *vault.Vault does.
type Sealer interface {
	SealPerishable(ctx context.Context, what string, plain []byte) (vault.Perishable, error)
	OpenPerishable(ctx context.Context, what string, p vault.Perishable) ([]byte, error)
}

// OpenKeyring opens a manifest's keyring. The error is of kind ErrDenied once its epoch key is
// destroyed: then the backup opens to nobody.
func (m *Manifest) OpenKeyring(open func(what string, p vault.Perishable) ([]byte, error)) (Keyring, error) {
	plain, err := open(m.keyringOf(), m.Keyring)
	if err != nil {
		return nil, fmt.Errorf("backup: backup %d, taken at %s, opens to nobody without the epoch key of its day, which is destroyed after its time, or is another installation's: %w", m.Number, m.Taken().Format(time.RFC3339), err)
	}
	var ring Keyring
	if err := json.Unmarshal(plain, &ring); err != nil {
		return nil, ErrDamaged
	}
	for _, o := range m.Objects() {
		if ring[o.Name] == "" {
			return nil, fmt.Errorf("backup: object %s has no key: %w", o.Name, ErrDamaged)
		}
	}
	return ring, nil
}

// seal closes the manifest: it has the keys of its own objects and no others.
func (m *Manifest) seal(ctx context.Context, by Sealer, ring Keyring, s note.Signer, last *Manifest) ([]byte, error) {
	own := Keyring{}
	for _, o := range m.Objects() {
		own[o.Name] = ring[o.Name]
	}
	plain, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	if m.Keyring, err = by.SealPerishable(ctx, m.keyringOf(), plain); err != nil {
		return nil, err
	}
	if m.outlives(last) {
		return nil, fmt.Errorf("backup: core of backup %d would be named under the key of a later day, and open longer than was promised to whoever was erased since; copy it whole: %w", last.Number, thimble.ErrConflict)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("backup: writing a manifest: %w", err)
	}
	return sign(manifestKind, m, s)
}
