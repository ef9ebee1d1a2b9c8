package sourcedb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"thimble/internal/collect/source"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A What says what was done about a source.
type What string

// What is done about sources.
const (
	Added    What = "added"
	Settings What = "settings"
	NewKey   What = "new-key"
	Ended    What = "ended"
)

// A Change is what staff did about a source.
type Change struct {
	Source uint32
	What   What
	Staff  string
	At     time.Time

	opening ledger.Opening
	err     error // why the opening could not be read
}

// changed is the record of a change, and what its leaf commits to: how the source stands
// after it.
type changed struct {
	Change   What      `json:"change"`
	Source   uint32    `json:"source"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Origins  []string  `json:"origins,omitempty"`
	Consents bool      `json:"consents"`
	Keys     []keyed   `json:"keys"`
	Staff    string    `json:"staff"`
	At       time.Time `json:"at"`
}

// keyed is a key as a record names it.
type keyed struct {
	SHA256 string     `json:"sha256"`
	Ends   *time.Time `json:"ends,omitempty"`
}

func keyedOf(hash source.Hash, k source.Key) keyed {
	r := keyed{SHA256: hex.EncodeToString(hash[:])}
	if !k.Ends.IsZero() {
		r.Ends = &k.Ends
	}
	return r
}

// note records a change with its leaf.
func (s *Store) note(ctx context.Context, tx *sqldb.Tx, of source.Source, c Change) error {
	r := changed{Change: c.What, Source: of.Number, Name: of.Name, Kind: string(of.Kind), Origins: of.Origins, Consents: of.Consents, Staff: c.Staff, At: s.instant()}
	err := eachKey(ctx, tx, func(n uint32, hash source.Hash, k source.Key) {
		if n == of.Number {
			r.Keys = append(r.Keys, keyedOf(hash, k))
		}
	})
	if err != nil {
		return err
	}
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: r.At, Record: record})
	if err != nil {
		return err
	}
	sealed, err := opening.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into collect_source_changes (seq, source, change, staff, at, opening) select coalesce(max(seq), 0) + 1, $1, $2, $3, $4, $5 from collect_source_changes`,
		int64(of.Number), string(c.What), c.Staff, r.At.UnixMicro(), sealed)
	return err
}

// Changes returns what was done about a source, or about all when n is 0, the newest
// first.
func (s *Store) Changes(ctx context.Context, n uint32) (all []Change, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { all, err = changes(ctx, tx, n); return err })
	if err != nil {
		return nil, fmt.Errorf("source: reading changes: %w", err)
	}
	return all, nil
}

func changes(ctx context.Context, tx *sqldb.Tx, n uint32) (all []Change, err error) {
	rows, err := tx.Query(ctx, `select source, change, staff, at, opening from collect_source_changes where $1 = 0 or source = $1 order by seq desc`, int64(n))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Change
		var at int64
		var opening []byte
		if err := rows.Scan(&c.Source, &c.What, &c.Staff, &at, &opening); err != nil {
			return nil, err
		}
		c.At, c.err = time.UnixMicro(at).UTC(), c.opening.UnmarshalBinary(opening)
		all = append(all, c)
	}
	return all, rows.Err()
}

// Claims are what changes say of their leaves, for an audit. The newest change of a source
// answers for how it and its keys stand.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var claims []ledger.Claim
		err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) { claims, err = claimed(ctx, tx); return err })
		ledger.YieldAll(yield, claims, err)
	}
}

func claimed(ctx context.Context, tx *sqldb.Tx) (claims []ledger.Claim, err error) {
	all, err := sources(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	stand := map[uint32]*standing{}
	for _, of := range all {
		stand[of.Number] = &standing{Source: of}
	}
	if err := eachKey(ctx, tx, func(n uint32, hash source.Hash, k source.Key) {
		if of := stand[n]; of != nil {
			of.keys = append(of.keys, keyedOf(hash, k))
		}
	}); err != nil {
		return nil, err
	}
	made, err := changes(ctx, tx, 0)
	for _, c := range made {
		claim := ledger.Claim{Table: "collect_source_changes", Class: ledger.System, Opening: c.opening, Err: c.err}
		if c.err == nil {
			var r changed
			err := json.Unmarshal(c.opening.Record, &r)
			agree := err == nil && r.Source == c.Source && r.Change == c.What && r.Staff == c.Staff && r.At.Equal(c.At)
			of := stand[c.Source]
			claim.Rule = ledger.RuleIf(agree && of != nil && (of.answered || r.agrees(of)))
			if of != nil {
				of.answered = true
			}
		}
		claims = append(claims, claim)
	}
	return claims, err
}

// standing is a source as the tables have it.
type standing struct {
	source.Source
	keys     []keyed
	answered bool // its newest change was held against it
}

// agrees reports whether a source stands as its newest change left it.
func (r changed) agrees(of *standing) bool {
	same := func(a, b keyed) bool {
		return a.SHA256 == b.SHA256 && (a.Ends == nil) == (b.Ends == nil) && (a.Ends == nil || a.Ends.Equal(*b.Ends))
	}
	return r.Name == of.Name && r.Kind == string(of.Kind) && r.Consents == of.Consents && slices.Equal(r.Origins, of.Origins) &&
		(r.Change == Ended) == !of.Ended.IsZero() && slices.EqualFunc(r.Keys, of.keys, same)
}
