// Package gatedb keeps the use log: who used whose data, when and what for.
package gatedb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction and says when it cannot.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
	Silent(ctx context.Context) bool
}

// Config has working zero values.
type Config struct {
	Now   func() time.Time
	Every time.Duration // how often counts are written; 0 means one second
	Log   *slog.Logger
	// Alive is nil for somebody who exists, and of kind thimble.ErrNotFound for who
	// was erased: of them nothing is written any more. Nil asks nobody.
	Alive func(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) error
}

// A Log keeps the use log. It is a gate.UseLog and a thimble.Holder.
type Log struct {
	thimble.Static

	db     *sqldb.DB
	ledger Ledger
	vault  thimble.Sealer
	cfg    Config

	mu     sync.Mutex
	counts map[key]int64
}

// key is what uses of one second are counted by.
type key struct {
	subject thimble.SubjectID
	kind    gate.Kind
	actor   string
	purpose thimble.Purpose
	cats    string
}

// New returns the use log of a core database.
func New(db *sqldb.DB, l Ledger, v thimble.Sealer, cfg Config) *Log {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Alive == nil {
		cfg.Alive = func(context.Context, *sqldb.Tx, thimble.SubjectID) error { return nil }
	}
	return &Log{db: db, ledger: l, vault: v, cfg: cfg, counts: map[key]int64{}}
}

// Silent implements gate.UseLog.
func (l *Log) Silent(ctx context.Context) bool { return l.ledger.Silent(ctx) }

// An access is the record of one read by staff: what its leaf commits to.
type access struct {
	At         time.Time          `json:"at"`
	Actor      string             `json:"actor"`
	Subject    thimble.SubjectID  `json:"subject"`
	Purpose    thimble.Purpose    `json:"purpose"`
	Categories []thimble.Category `json:"categories"`
	Cite       string             `json:"cite"`
	Masked     []thimble.Category `json:"masked,omitempty"` // of the categories: shown in part
	Roles      []string           `json:"roles,omitempty"`  // of whoever looked
	Rules      []string           `json:"rules,omitempty"`  // for staff, that permitted it
	Reason     string             `json:"reason,omitempty"` // in their words
	Glass      bool               `json:"glass,omitempty"`  // they broke the glass for it
}

// Record implements gate.UseLog: the use and its leaf are durable when it returns.
func (l *Log) Record(ctx context.Context, r gate.Request, v gate.Verdict) (thimble.ID, error) {
	id, err := thimble.NewID(nil)
	if err != nil {
		return id, err
	}
	now := l.cfg.Now().UTC().Truncate(time.Microsecond)
	reason := r.Reason.Reveal() // to the record, which is sealed under the person's key
	record, err := json.Marshal(access{At: now, Actor: r.Actor.Name, Subject: r.Subject, Purpose: r.Purpose, Categories: r.Categories, Cite: v.Cite,
		Masked: r.Masked, Roles: v.Roles, Rules: v.Rules, Reason: reason, Glass: v.Glass})
	if err != nil {
		return id, err
	}
	return id, l.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := l.cfg.Alive(ctx, tx, r.Subject); err != nil {
			return err
		}
		opening, err := l.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Access, At: now, Record: record})
		if err != nil {
			return err
		}
		sealed, err := opening.Seal(ctx, l.vault, cell(r.Subject, id))
		if err != nil {
			return err
		}
		if err := insert(ctx, tx, id, now, keyOf(r), 1, sealed); err != nil {
			return err
		}
		return l.canary(ctx, tx, now, keyOf(r), 1)
	})
}

func (k key) categories() (all []thimble.Category) {
	for c := range strings.FieldsSeq(k.cats) {
		all = append(all, thimble.Category(c))
	}
	return all
}

func insert(ctx context.Context, tx *sqldb.Tx, id thimble.ID, at time.Time, k key, uses int64, opening []byte) error {
	_, err := tx.Exec(ctx, `insert into gate_uses (id, subject_id, at, actor_kind, actor, purpose, categories, holders, uses, opening)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		id, k.subject, at.UnixMicro(), string(k.kind), k.actor, string(k.purpose), k.cats, holdersOf(k.categories()), uses, opening)
	return err
}

func keyOf(r gate.Request) key {
	cats := make([]string, len(r.Categories))
	for i, c := range r.Categories {
		cats[i] = string(c)
	}
	slices.Sort(cats)
	return key{subject: r.Subject, kind: r.Actor.Kind, actor: r.Actor.Name, purpose: r.Purpose, cats: strings.Join(cats, " ")}
}

func cell(s thimble.SubjectID, id thimble.ID) thimble.Cell {
	return thimble.Cell{Owner: s, Table: "gate_uses", Column: "opening", Row: id[:], Category: thimble.AccessRecord}
}

// Count implements gate.UseLog.
func (l *Log) Count(r gate.Request) {
	k := keyOf(r)
	l.mu.Lock()
	l.counts[k]++
	l.mu.Unlock()
}

// Run writes the counts of each second until ctx ends, and once more then.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return l.Flush(last)
		case <-tick.C:
			if err := l.Flush(ctx); err != nil && ctx.Err() == nil {
				l.cfg.Log.ErrorContext(ctx, "uses not written yet", slog.String("cause", err.Error()))
			}
		}
	}
}

// A batch is the record of one second's counted uses.
type batch struct {
	At     time.Time `json:"at"`
	Groups int       `json:"groups"`
	Uses   int64     `json:"uses"`
}

// Flush writes what was counted since the last time, under one leaf. Counts that
// cannot be written are kept for the next time.
func (l *Log) Flush(ctx context.Context) error {
	l.mu.Lock()
	counts := l.counts
	l.counts = map[key]int64{}
	l.mu.Unlock()
	if len(counts) == 0 {
		return nil
	}
	err := l.db.Write(ctx, func(tx *sqldb.Tx) error { return l.flush(ctx, tx, counts) })
	if err != nil {
		l.mu.Lock()
		for k, n := range counts {
			l.counts[k] += n
		}
		l.mu.Unlock()
		return fmt.Errorf("gate: writing the use log: %w", err)
	}
	return nil
}

func (l *Log) flush(ctx context.Context, tx *sqldb.Tx, counts map[key]int64) error {
	b := batch{At: l.cfg.Now().UTC().Truncate(time.Microsecond), Groups: len(counts)}
	for k, n := range counts {
		err := l.cfg.Alive(ctx, tx, k.subject)
		if errors.Is(err, thimble.ErrNotFound) {
			b.Uses += n // it happened, and nobody is left to show it to
			continue
		}
		if err != nil {
			return err
		}
		id, err := thimble.NewID(nil)
		if err != nil {
			return err
		}
		if err := insert(ctx, tx, id, b.At, k, n, []byte{}); err != nil {
			return err
		}
		if err := l.canary(ctx, tx, b.At, k, n); err != nil {
			return err
		}
		b.Uses += n
	}
	record, err := json.Marshal(b)
	if err != nil {
		return err
	}
	opening, err := l.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.UseBatch, At: b.At, Record: record})
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary() // counts only: nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into gate_batches (id, at, uses, opening) values ($1, $2, $3, $4)`, id, b.At.UnixMicro(), b.Uses, kept)
	return err
}

// A Use is one line of the use log.
type Use struct {
	ID         thimble.ID
	Subject    thimble.SubjectID
	At         time.Time
	Kind       gate.Kind
	Actor      string
	Purpose    thimble.Purpose
	Categories []string
	Uses       int64

	sealed []byte
}

// Receipted reports whether the use is a leaf of its own.
func (u Use) Receipted() bool { return len(u.sealed) > 0 }

// Opening opens what proves the use to the person it is about.
func (u Use) Opening(ctx context.Context, g thimble.Grant) (ledger.Opening, error) {
	return ledger.Unseal(ctx, g, cell(u.Subject, u.ID), u.sealed)
}

// A Look is what its person reads of a use by staff, beside what the list says.
type Look struct {
	Roles  []string
	Reason string
	Masked []thimble.Category
	Glass  bool
}

// Look opens it.
func (u Use) Look(ctx context.Context, g thimble.Grant) (Look, error) {
	o, err := u.Opening(ctx, g)
	if err != nil {
		return Look{}, err
	}
	var a access
	if err := json.Unmarshal(o.Record, &a); err != nil {
		return Look{}, fmt.Errorf("gate: reading a use: %w", err)
	}
	return Look{Roles: a.Roles, Reason: a.Reason, Masked: a.Masked, Glass: a.Glass}, nil
}

// People returns how many people's data an actor has opened since an instant.
func (l *Log) People(ctx context.Context, k gate.Kind, actor string, since time.Time) (n int, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(distinct subject_id) from gate_uses where actor_kind = $1 and actor = $2 and at > $3`, string(k), actor, since.UnixMicro()).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("gate: counting the use log: %w", err)
	}
	return n, nil
}

// Of returns the newest uses of a person's data.
func (l *Log) Of(ctx context.Context, s thimble.SubjectID, limit int) ([]Use, error) {
	return l.list(ctx, `where subject_id = $1 order by at desc, id limit $2`, s, limit)
}

// Recent returns the newest uses by a kind of actor, whoever's data it was.
func (l *Log) Recent(ctx context.Context, k gate.Kind, limit int) ([]Use, error) {
	return l.list(ctx, `where actor_kind = $1 order by at desc, id limit $2`, string(k), limit)
}

func (l *Log) list(ctx context.Context, where string, args ...any) ([]Use, error) {
	var all []Use
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, subject_id, at, actor_kind, actor, purpose, categories, uses, opening from gate_uses `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var u Use
			var at int64
			var cats string
			if err := rows.Scan(&u.ID, &u.Subject, &at, &u.Kind, &u.Actor, &u.Purpose, &cats, &u.Uses, &u.sealed); err != nil {
				return err
			}
			u.At, u.Categories = time.UnixMicro(at).UTC(), strings.Fields(cats)
			all = append(all, u)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("gate: reading the use log: %w", err)
	}
	return all, nil
}

// HolderName implements thimble.Holder.
func (l *Log) HolderName() string { return "gate" }

// Places implements thimble.Holder.
func (l *Log) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "gate_uses"}, {Kind: "table", Name: "gate_moves"}, {Kind: "table", Name: "gate_canaries"}, {Kind: thimble.MemoryPlace, Name: "gatedb.Log.counts"}}
}

// Export implements thimble.Holder: who used the person's data, when, what for.
func (l *Log) Export(ctx context.Context, s thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		uses, err := l.list(ctx, `where subject_id = $1 order by at, id`, s)
		if err != nil {
			yield(thimble.Datum{}, err)
			return
		}
		for _, u := range uses {
			d := thimble.Datum{Holder: l.HolderName(), Category: thimble.AccessRecord, Name: "use", At: u.At,
				Value: map[string]any{"by": string(u.Kind) + " " + u.Actor, "purpose": u.Purpose, "categories": u.Categories, "uses": u.Uses}}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// Erase implements thimble.Holder.
func (l *Log) Erase(ctx context.Context, s thimble.SubjectID) (thimble.Erasure, error) {
	l.mu.Lock()
	for k := range l.counts {
		if k.subject == s {
			delete(l.counts, k)
		}
	}
	l.mu.Unlock()
	var n int64
	err := l.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		// Every process has heard of the erasure itself, which moved the epoch and was
		// waited for; what else moved the person's epoch says nothing more.
		if _, err := tx.Exec(ctx, `delete from gate_moves where subject_id = $1`, s); err != nil {
			return err
		}
		// Somebody made up can be forgotten like anybody.
		if _, err := tx.Exec(ctx, `delete from gate_canaries where subject_id = $1`, s); err != nil {
			return err
		}
		n, err = tx.Exec(ctx, `delete from gate_uses where subject_id = $1`, s)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("gate: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}
