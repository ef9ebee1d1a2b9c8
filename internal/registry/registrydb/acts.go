package registrydb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A package lies outside of the database: that it is kept and that it is destroyed are
// acts, announced before and closed after. These are their kinds.
const (
	KeepFile     = "model.keep"
	DestroyFiles = "model.destroy"
)

// files is the payload of either act, and the outcome of a destruction.
type files struct {
	SHA256 []string `json:"sha256"`
}

// kept is the outcome of keeping: a file that no version came to be of was destroyed.
type kept struct {
	Kept    bool  `json:"kept"`
	Version int64 `json:"version,omitempty"`
}

func payload(hashes [][sha256.Size]byte) (json.RawMessage, error) {
	var f files
	for _, h := range hashes {
		f.SHA256 = append(f.SHA256, hex.EncodeToString(h[:]))
	}
	slices.Sort(f.SHA256)
	f.SHA256 = slices.Compact(f.SHA256)
	return json.Marshal(f)
}

// keep announces files, calls do, which keeps them and releases their versions, and
// leaves the act to Release to close.
func (s *Store) keep(ctx context.Context, hashes [][sha256.Size]byte, do func(ledger.Intent) error) error {
	p, err := payload(hashes)
	if err != nil {
		return err
	}
	return s.ledger.Act(ctx, ledger.Act{Kind: KeepFile, Class: ledger.Model, Payload: p}, func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
		if err := do(i); err != nil {
			return nil, err
		}
		return json.Marshal(kept{Kept: true}) // closed already, with the versions
	})
}

// destruction announces that files are destroyed; nil when there are none.
func (s *Store) destruction(ctx context.Context, tx *sqldb.Tx, hashes [][sha256.Size]byte) (*ledger.Intent, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	p, err := payload(hashes)
	if err != nil {
		return nil, err
	}
	i, err := s.ledger.Intend(ctx, tx, ledger.Act{Kind: DestroyFiles, Class: ledger.Model, Payload: p})
	return &i, err
}

// performers finish the acts that a crash left open, by destroying every file they name
// that is not of a version that is kept.
func (s *Store) performers(destroy func(context.Context, [sha256.Size]byte) error) map[string]ledger.Performer {
	finish := func(ctx context.Context, i ledger.Intent) (gone []string, newest int64, err error) {
		var f files
		if err := json.Unmarshal(i.Payload, &f); err != nil {
			return nil, 0, fmt.Errorf("registry: reading act %s: %w", i.ID.Token(ledger.IntentPrefix), err)
		}
		of, err := s.ofFiles(ctx)
		if err != nil {
			return nil, 0, err
		}
		for _, text := range f.SHA256 {
			h, err := hex.DecodeString(text)
			if err != nil || len(h) != sha256.Size {
				return nil, 0, fmt.Errorf("registry: act %s names a file by %d digits: %w", i.ID.Token(ledger.IntentPrefix), len(text), thimble.ErrInvalid)
			}
			if number, ok := of[[sha256.Size]byte(h)]; ok {
				newest = max(newest, number)
				continue
			}
			if err := destroy(ctx, [sha256.Size]byte(h)); err != nil {
				return nil, 0, err
			}
			gone = append(gone, text)
		}
		return gone, newest, nil
	}
	return map[string]ledger.Performer{
		KeepFile: func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
			gone, newest, err := finish(ctx, i)
			if err != nil {
				return nil, err
			}
			k := kept{Kept: len(gone) == 0}
			if k.Kept {
				k.Version = newest
			}
			return json.Marshal(k)
		},
		DestroyFiles: func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
			gone, _, err := finish(ctx, i)
			if err != nil {
				return nil, err
			}
			return json.Marshal(files{SHA256: gone})
		},
	}
}

// ofFiles says which versions the kept files are of.
func (s *Store) ofFiles(ctx context.Context) (map[[sha256.Size]byte]int64, error) {
	all, err := s.read(ctx, `where `+keptStages)
	of := make(map[[sha256.Size]byte]int64, len(all))
	for _, v := range all {
		of[v.Package] = v.Number
	}
	return of, err
}
