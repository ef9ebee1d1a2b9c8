package plandb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// An Author is who changes the plan.
type Author struct {
	Name    string // of a staff account, or "key " and the name of one to the API
	Reason  string
	Accepts bool // whether they may accept a change that keeps more than before
}

// MaxReason bounds a reason, in characters.
const MaxReason = 500

// A Version is one state of the plan as it was in force.
type Version struct {
	Number  int
	Hash    string // hex SHA-256 of the text
	Author  string // "" for the plan that ships
	Reason  string
	Loosens int // how many changes kept more than before
	At      time.Time
	Opening ledger.Opening
}

// A Conflict says that the plan changed meanwhile. It is of kind thimble.ErrConflict.
type Conflict struct {
	Base, Newest int
	// Since is what changed from Base to Newest.
	Since []plan.Change
}

// Error implements error.
func (c *Conflict) Error() string {
	return fmt.Sprintf("plan: version %d was changed, and version %d is in force now", c.Base, c.Newest)
}

// Unwrap says the kind.
func (c *Conflict) Unwrap() error { return thimble.ErrConflict }

// Save puts a text in force as the version after base. The text may say the version base
// or the one after; what is kept says the one after. The error is a [*Conflict] when base
// is not the newest any more, of kind ErrInvalid for a text that is no plan, and of kind
// ErrDenied for one that loosens without somebody who may accept that, and a reason.
func (s *Store) Save(ctx context.Context, base int, text []byte, a Author) (int, error) {
	f, err := next(base, text, &a)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.save(ctx, tx, f, a) })
	if err != nil {
		return 0, fmt.Errorf("plan: putting version %d in force: %w", f.Version, err)
	}
	return f.Version, nil
}

// next is the plan that a text is as the version after base.
func next(base int, text []byte, a *Author) (*Force, error) {
	a.Reason = strings.TrimSpace(a.Reason)
	if utf8.RuneCountInString(a.Reason) > MaxReason {
		return nil, fmt.Errorf("plan: reason: %d characters at most were expected: %w", MaxReason, thimble.ErrInvalid)
	}
	if a.Name == "" {
		return nil, fmt.Errorf("plan: nobody is signed in: %w", thimble.ErrDenied)
	}
	t, err := plan.EditText(text)
	if err != nil {
		return nil, err
	}
	p, err := plan.Read(text)
	if err != nil {
		return nil, err
	}
	if p.Version != base+1 {
		if p.Version != base {
			return nil, fmt.Errorf("plan: version: %d was expected, or %d, the one that was changed: %w", base+1, base, thimble.ErrInvalid)
		}
		t.Number(base + 1)
		if text, _, err = t.Done(); err != nil {
			return nil, err
		}
	}
	return forceOf(text)
}

// save puts a plan in force in the caller's transaction.
func (s *Store) save(ctx context.Context, tx *sqldb.Tx, f *Force, a Author) error {
	base := f.Version - 1
	n, err := newest(ctx, tx)
	if err != nil {
		return err
	}
	was, err := s.read(ctx, tx, min(base, n))
	if err != nil {
		return err
	}
	if n != base {
		now, err := s.read(ctx, tx, n)
		if err != nil {
			return err
		}
		return &Conflict{Base: base, Newest: n, Since: plan.Diff(was.Plan, now.Plan)}
	}
	accepted := plan.Acceptance{}
	if a.Accepts {
		accepted = plan.Acceptance{By: a.Name, Reason: a.Reason}
	}
	if err := plan.Accept(was.Plan, f.Plan, accepted); err != nil {
		return err
	}
	diff := plan.Diff(was.Plan, f.Plan)
	if len(diff) == 0 && string(was.Text) == string(f.Text) {
		return fmt.Errorf("plan: nothing was changed: %w", thimble.ErrInvalid)
	}
	return s.insert(ctx, tx, f, was, a, Loosening(diff))
}

// Loosening counts the changes that keep more than before.
func Loosening(diff []plan.Change) (n int) {
	for _, c := range diff {
		if c.Loosens {
			n++
		}
	}
	return n
}

// changed is the record of a version: what its leaf commits to.
type changed struct {
	Plan    int       `json:"plan"`
	SHA256  string    `json:"sha256"`
	Was     string    `json:"was,omitempty"` // the hash of the text before
	Staff   string    `json:"staff,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Loosens int       `json:"loosens"`
	At      time.Time `json:"at"`
}

func (s *Store) insert(ctx context.Context, tx *sqldb.Tx, f, was *Force, a Author, loosens int) error {
	at, hash := s.cfg.Now().UTC().Truncate(time.Microsecond), sha256.Sum256(f.Text)
	r := changed{Plan: f.Version, SHA256: hex.EncodeToString(hash[:]), Staff: a.Name, Reason: a.Reason, Loosens: loosens, At: at}
	if was != nil {
		before := sha256.Sum256(was.Text)
		r.Was = hex.EncodeToString(before[:])
	}
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Plan, At: at, Record: record})
	if err != nil {
		return err
	}
	opening, err := o.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into collect_plans (version, hash, body, author, reason, loosens, at, opening) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		f.Version, hash[:], string(f.Text), a.Name, a.Reason, loosens, at.UnixMicro(), opening)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { s.stands(f) })
	return nil
}

// Versions returns the newest versions, without their texts.
func (s *Store) Versions(ctx context.Context, limit int) (all []Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select version, hash, author, reason, loosens, at, opening from collect_plans order by version desc limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v Version
			var hash, opening []byte
			var at int64
			if err := rows.Scan(&v.Number, &hash, &v.Author, &v.Reason, &v.Loosens, &at, &opening); err != nil {
				return err
			}
			v.Hash, v.At = hex.EncodeToString(hash), time.UnixMicro(at).UTC()
			if err := v.Opening.UnmarshalBinary(opening); err != nil {
				return fmt.Errorf("version %d: %w", v.Number, err)
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("plan: listing versions: %w", err)
	}
	return all, nil
}

// Version returns a version that was in force. The error is of kind ErrNotFound when
// there is none.
func (s *Store) Version(ctx context.Context, number int) (f *Force, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		f, err = s.read(ctx, tx, number)
		return err
	})
	return f, err
}

// Claims are what the versions say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var claims []ledger.Claim
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			claims = nil
			rows, err := tx.Query(ctx, `select version, hash, body, author, reason, loosens, at, opening from collect_plans order by version`)
			if err != nil {
				return err
			}
			defer rows.Close()
			before := ""
			for rows.Next() {
				var r changed
				var hash, opening []byte
				var body string
				var at int64
				if err := rows.Scan(&r.Plan, &hash, &body, &r.Staff, &r.Reason, &r.Loosens, &at, &opening); err != nil {
					return err
				}
				sum := sha256.Sum256([]byte(body))
				r.SHA256, r.Was, r.At = hex.EncodeToString(sum[:]), before, time.UnixMicro(at).UTC()
				c := ledger.Claim{Table: "collect_plans", Class: ledger.Plan}
				if c.Err = c.Opening.UnmarshalBinary(opening); c.Err == nil {
					record, err := json.Marshal(r)
					c.Rule = ledger.RuleIf(err == nil && string(record) == string(c.Opening.Record) && string(sum[:]) == string(hash))
				}
				claims, before = append(claims, c), r.SHA256
			}
			return rows.Err()
		})
		ledger.YieldAll(yield, claims, err)
	}
}
