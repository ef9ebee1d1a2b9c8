package recommenddb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"

	"thimble"
	"thimble/internal/ledger"
)

// A model's file lies outside of the database: that it is kept and that it is
// destroyed are acts, announced before and closed after. These are their kinds.
const (
	KeepFile     = "model.keep"
	DestroyFiles = "model.destroy"
)

// files is the payload of either act, and the outcome of a destruction.
type files struct {
	SHA256 []string `json:"sha256"`
}

// kept is the outcome of keeping: a file that no version came to serve was destroyed.
type kept struct {
	Kept    bool  `json:"kept"`
	Version int64 `json:"version,omitempty"`
}

// Keep announces a file, calls keep, which keeps it and releases its version, and
// leaves the act to Release to close.
func (s *Store) Keep(ctx context.Context, hash [sha256.Size]byte, keep func(ledger.Intent) error) error {
	payload, err := json.Marshal(files{SHA256: []string{hex.EncodeToString(hash[:])}})
	if err != nil {
		return err
	}
	return s.ledger.Act(ctx, ledger.Act{Kind: KeepFile, Class: ledger.Model, Payload: payload}, func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
		if err := keep(i); err != nil {
			return nil, err
		}
		return json.Marshal(kept{Kept: true}) // closed already, with the version
	})
}

func destruction(hashes [][sha256.Size]byte) (ledger.Act, error) {
	var f files
	for _, h := range hashes {
		f.SHA256 = append(f.SHA256, hex.EncodeToString(h[:]))
	}
	payload, err := json.Marshal(f)
	return ledger.Act{Kind: DestroyFiles, Class: ledger.Model, Payload: payload}, err
}

// Destroy does a destruction that Release announced.
func (s *Store) Destroy(ctx context.Context, i ledger.Intent, destroy func(context.Context, [sha256.Size]byte) error) error {
	return s.ledger.Perform(ctx, i, s.Performers(destroy)[DestroyFiles])
}

// Performers finish the acts that a crash left open, by destroying every file they
// name that no version serves from.
func (s *Store) Performers(destroy func(context.Context, [sha256.Size]byte) error) map[string]ledger.Performer {
	finish := func(ctx context.Context, i ledger.Intent) (gone []string, serving Version, err error) {
		var f files
		if err := json.Unmarshal(i.Payload, &f); err != nil {
			return nil, serving, fmt.Errorf("recommend: reading act %s: %w", i.ID.Token(ledger.IntentPrefix), err)
		}
		if serving, err = s.Serving(ctx); err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return nil, serving, err
		}
		for _, text := range f.SHA256 {
			h, err := hex.DecodeString(text)
			if err != nil || len(h) != sha256.Size {
				return nil, serving, fmt.Errorf("recommend: act %s names a file by %d digits: %w", i.ID.Token(ledger.IntentPrefix), len(text), thimble.ErrInvalid)
			}
			if serving.Number > 0 && serving.Hash == [sha256.Size]byte(h) {
				continue
			}
			if err := destroy(ctx, [sha256.Size]byte(h)); err != nil {
				return nil, serving, err
			}
			gone = append(gone, text)
		}
		return gone, serving, nil
	}
	return map[string]ledger.Performer{
		KeepFile: func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
			gone, serving, err := finish(ctx, i)
			if err != nil {
				return nil, err
			}
			k := kept{Kept: len(gone) == 0}
			if k.Kept {
				k.Version = serving.Number
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

// Claims are what the versions say of their leaves, those of their withdrawal among them.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var claims []ledger.Claim
		all, err := s.List(ctx, math.MaxInt32)
		for _, v := range all {
			var r release
			err := json.Unmarshal(v.Opening.Record, &r)
			agree := err == nil && r.Version == v.Number && r.SHA256 == hex.EncodeToString(v.Hash[:]) && string(r.Recipe) == v.Recipe &&
				r.Reason == v.Reason && r.At.UnixMicro() == v.TrainedAt.UnixMicro() && r.Stats == v.Stats
			claims = append(claims, ledger.Claim{Table: "recommend_versions", Class: ledger.Model, Opening: v.Opening, Rule: ledger.RuleIf(agree)})
		}
		if ledger.YieldAll(yield, claims, err) {
			claims, err = s.withdrawalClaims(ctx)
			ledger.YieldAll(yield, claims, err)
		}
	}
}
