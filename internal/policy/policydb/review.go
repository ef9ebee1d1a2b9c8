package policydb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/policy/calendar"
	"thimble/internal/sqldb"
)

// A Review says who held a pack against its sources, and when.
type Review struct {
	ID       thimble.ID
	Pack     string
	Version  string
	Hash     string // hex SHA-256 of the pack that was reviewed
	Reviewer string
	On       calendar.Date
	Note     string
	Staff    string // who wrote it down
	At       time.Time
	Opening  ledger.Opening
}

// reviewed is the record of a review: what its leaf commits to.
type reviewed struct {
	Review   string    `json:"review"`
	Pack     string    `json:"pack"`
	Hash     string    `json:"sha256"`
	Reviewer string    `json:"reviewer"`
	On       string    `json:"on"`
	Note     string    `json:"note,omitempty"`
	Staff    string    `json:"staff"`
	At       time.Time `json:"at"`
}

func (r Review) record() ([]byte, error) {
	return json.Marshal(reviewed{Review: r.ID.Token("rev"), Pack: r.Pack + "@" + r.Version, Hash: r.Hash, Reviewer: r.Reviewer, On: r.On.String(), Note: r.Note, Staff: r.Staff, At: r.At})
}

// Review records that somebody has reviewed a pack as it is here now.
func (s *Store) Review(ctx context.Context, pack string, r Review) error {
	p, err := s.regime.Library().Pack(pack)
	if err != nil {
		return err
	}
	hash := p.Hash()
	r.Reviewer, r.Note = strings.TrimSpace(r.Reviewer), strings.TrimSpace(r.Note)
	switch n := utf8.RuneCountInString(r.Reviewer); {
	case n < 2 || n > 100:
		return fmt.Errorf("policy: recording a review: reviewer: a name of 2 to 100 characters is needed: %w", thimble.ErrInvalid)
	case utf8.RuneCountInString(r.Note) > longest:
		return fmt.Errorf("policy: recording a review: note: at most %d characters: %w", longest, thimble.ErrInvalid)
	case r.On.IsZero() || s.Today().Before(r.On):
		return fmt.Errorf("policy: recording a review: date: a day up to today is needed: %w", thimble.ErrInvalid)
	case r.Staff == "":
		return fmt.Errorf("policy: recording a review: nobody is signed in: %w", thimble.ErrDenied)
	}
	r.Pack, r.Version, r.Hash, r.At = p.ID, p.Version, hex.EncodeToString(hash[:]), s.now().UTC().Truncate(time.Microsecond)
	if r.ID, err = thimble.NewID(nil); err != nil {
		return err
	}
	record, err := r.record()
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		opening, err := s.queue(ctx, tx, r.At.UnixMicro(), hash, record)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into policy_reviews (id, pack_id, version, hash, reviewer, reviewed_on, note, staff, at, opening)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, r.ID, r.Pack, r.Version, hash[:], r.Reviewer, r.On.String(), r.Note, r.Staff, r.At.UnixMicro(), opening)
		return err
	})
	if err != nil {
		return fmt.Errorf("policy: recording a review: %w", err)
	}
	return nil
}

// Reviews returns the reviews of all packs, the newest first.
func (s *Store) Reviews(ctx context.Context) (all []Review, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, pack_id, version, hash, reviewer, reviewed_on, note, staff, at, opening from policy_reviews order by at desc, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r Review
			var hash, opening []byte
			var on string
			var at int64
			if err := rows.Scan(&r.ID, &r.Pack, &r.Version, &hash, &r.Reviewer, &on, &r.Note, &r.Staff, &at, &opening); err != nil {
				return err
			}
			r.Hash, r.At = hex.EncodeToString(hash), time.UnixMicro(at).UTC()
			if r.On, err = calendar.ParseDate(on); err != nil {
				return err
			}
			if err := r.Opening.UnmarshalBinary(opening); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	return all, err
}
