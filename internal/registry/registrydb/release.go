package registrydb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// release is the record of a version: what its leaf commits to.
type release struct {
	Model   string         `json:"model"`
	Version int64          `json:"version"`
	SHA256  string         `json:"sha256"` // of the weights
	Package string         `json:"package,omitempty"`
	Stage   registry.Stage `json:"stage,omitempty"`
	Signer  string         `json:"signer,omitempty"`
	Card    string         `json:"card_sha256,omitempty"`
	Lineage string         `json:"lineage_sha256,omitempty"`
	Before  string         `json:"before,omitempty"` // the weights that it replaces
	Reason  string         `json:"reason"`
	At      time.Time      `json:"at"`
	// The records of before packages were signed hold these instead of a card.
	Recipe json.RawMessage `json:"recipe,omitempty"`
	Stats  *oldStats       `json:"stats,omitempty"`
}

type oldStats struct {
	People       int `json:"people"`
	Items        int `json:"items"`
	Interactions int `json:"interactions"`
	NonZeros     int `json:"non_zeros"`
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// A Release is a set of versions that replaces what was kept of a model, as a whole:
// there is no moment at which an old version is kept beside new ones by mistake.
type Release struct {
	Model string
	New   []Version
	// Stay are versions that stay as they are, by number, with their stage from now on.
	// Every other version that was kept is destroyed.
	Stay map[int64]registry.Stage
	Order
	// Hold is whether the champion is to stay although it is not the newest.
	Hold bool
	// Replaced are files that are destroyed: those of versions that do not stay, and
	// those that a crash left behind.
	Replaced [][sha256.Size]byte
}

// release closes the act that keeps the files, makes the kept versions those of r, and
// announces that the replaced files are destroyed, in one transaction.
func (s *Store) release(ctx context.Context, r Release, signer registry.Key, generation int64, act *ledger.Intent) (destroy *ledger.Intent, err error) {
	err = s.order(ctx, r.Order, "releasing", func(tx *sqldb.Tx) error {
		destroy = nil
		before, err := s.replace(ctx, tx, r)
		if err != nil {
			return err
		}
		if len(r.New) > 0 {
			if err := s.noteKey(ctx, tx, signer, generation); err != nil {
				return err
			}
		}
		newest := int64(0)
		for _, v := range r.New {
			if err := s.insert(ctx, tx, v, before); err != nil {
				return err
			}
			newest = max(newest, v.Number)
		}
		for _, err := range []error{hold(ctx, tx, r.Model, r.Hold), raiseFloor(ctx, tx, r.Model)} {
			if err != nil {
				return err
			}
		}
		if act != nil {
			outcome, err := json.Marshal(kept{Kept: true, Version: newest})
			if err == nil {
				err = s.ledger.Complete(ctx, tx, *act, outcome)
			}
			if err != nil {
				return err
			}
		}
		destroy, err = s.destruction(ctx, tx, r.Replaced)
		return err
	})
	return destroy, err
}

// replace moves every version that is kept to where the release has it, and returns the
// champion of before.
func (s *Store) replace(ctx context.Context, tx *sqldb.Tx, r Release) (champion Version, err error) {
	all, err := query(ctx, tx, `where v.model = $1 and `+keptStages+` order by v.version`, r.Model)
	if err != nil {
		return champion, err
	}
	var rising []Version
	for _, v := range all {
		if v.Serving() {
			champion = v
		}
		to, stays := r.Stay[v.Number]
		switch {
		case !stays:
			to = registry.Destroyed
		case to == v.Stage:
			continue
		case to == registry.Champion:
			rising = append(rising, v) // after the one before has made room
			continue
		}
		if err := s.move(ctx, tx, v, to, r.Order, s.now()); err != nil {
			return champion, err
		}
	}
	for _, v := range rising {
		if err := s.move(ctx, tx, v, registry.Champion, r.Order, s.now()); err != nil {
			return champion, err
		}
	}
	for number := range r.Stay {
		if !slices.ContainsFunc(all, func(v Version) bool { return v.Number == number }) {
			return champion, fmt.Errorf("version %d is not kept any more: %w", number, thimble.ErrConflict)
		}
	}
	return champion, nil
}

// insert adds a version with the leaf of its release.
func (s *Store) insert(ctx context.Context, tx *sqldb.Tx, v Version, before Version) error {
	var newest int64
	if err := tx.QueryRow(ctx, `select coalesce(max(version), 0) from registry_versions where model = $1`, v.Model).Scan(&newest); err != nil {
		return err
	}
	if v.Number <= newest {
		return fmt.Errorf("version %d is not newer than %d: %w", v.Number, newest, thimble.ErrConflict)
	}
	if err := registry.Move("", v.Stage); err != nil {
		return err
	}
	r := release{
		Model: v.Model, Version: v.Number, SHA256: hex.EncodeToString(v.Hash[:]), Package: hex.EncodeToString(v.Package[:]), Stage: v.Stage,
		Signer: v.Signer, Card: sum(v.card), Lineage: sum(v.lineage), Reason: v.Reason, At: v.MadeAt,
	}
	if before.Number > 0 && v.Serving() {
		r.Before = hex.EncodeToString(before.Hash[:])
	}
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if v.Opening, err = s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Model, At: v.MadeAt, Model: [8]byte(v.Hash[:8]), Record: record}); err != nil {
		return err
	}
	opening, err := v.Opening.MarshalBinary() // counts and hashes only: nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into registry_versions (model, version, stage, package, weights, signer, card, lineage, bytes, made_ms, reason, made_at, opening)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, v.Model, v.Number, string(v.Stage), v.Package[:], v.Hash[:], v.Signer, v.card, v.lineage,
		v.Bytes, v.Took.Milliseconds(), v.Reason, v.MadeAt.UnixMicro(), opening)
	return err
}
