package retentiondb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// A Version is a document with who put it in force.
type Version struct {
	Version int64
	retention.Document
	Text   string
	Staff  string
	Reason string
	At     time.Time
}

// Current returns the document in force; version 0, which says nothing, before the first.
func (s *Store) Current(ctx context.Context) (v Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { v, err = current(ctx, tx); return err })
	if err != nil {
		return v, fmt.Errorf("retention: reading the document: %w", err)
	}
	return v, nil
}

const selectVersion = `select version, body, staff, reason, at from retention_documents `

func current(ctx context.Context, tx *sqldb.Tx) (Version, error) {
	v, err := scanVersion(tx.QueryRow(ctx, selectVersion+`order by version desc limit 1`))
	if errors.Is(err, sql.ErrNoRows) {
		v.Retention = retention.Format
		v.Text, err = v.Document.Text()
	}
	return v, err
}

func scanVersion(row interface{ Scan(...any) error }) (v Version, err error) {
	var at int64
	if err := row.Scan(&v.Version, &v.Text, &v.Staff, &v.Reason, &at); err != nil {
		return v, err
	}
	v.At = instant(at)
	v.Document, err = retention.ParseDocument([]byte(v.Text))
	return v, err
}

// Versions returns the documents, the newest first.
func (s *Store) Versions(ctx context.Context, limit int) (all []Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, selectVersion+`order by version desc limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scanVersion(rows)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("retention: reading documents: %w", err)
	}
	return all, nil
}

// Change puts a document in force in the place of a version: one that has been followed
// meanwhile is an error of kind ErrConflict.
func (s *Store) Change(ctx context.Context, after int64, text, staff, reason string) (v Version, err error) {
	reason, err = reasoned(staff, reason)
	if err != nil {
		return v, err
	}
	d, err := retention.ParseDocument([]byte(text))
	if err != nil {
		return v, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		v, err = s.change(ctx, tx, after, d, staff, reason)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("retention: changing the document: %w", err)
	}
	return v, s.remember(ctx)
}

func (s *Store) change(ctx context.Context, tx *sqldb.Tx, after int64, d retention.Document, staff, reason string) (v Version, err error) {
	now, err := current(ctx, tx)
	if err != nil {
		return v, err
	}
	if now.Version != after {
		return v, fmt.Errorf("version %d is in force meanwhile: %w", now.Version, thimble.ErrConflict)
	}
	v = Version{Version: after + 1, Document: d, Staff: staff, Reason: reason, At: s.now()}
	if v.Text, err = d.Text(); err != nil {
		return v, err
	}
	if _, err := tx.Exec(ctx, `insert into retention_documents (version, body, staff, reason, at) values ($1, $2, $3, $4, $5)`,
		v.Version, v.Text, staff, reason, v.At.UnixMicro()); err != nil {
		return v, err
	}
	if err := s.act(ctx, tx, Act{About: fmt.Sprintf("version %d", v.Version), Act: "document changed", Staff: staff, Detail: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(v.Text)))}); err != nil {
		return v, err
	}
	if s.cfg.Ask == nil {
		return v, nil
	}
	return v, s.cfg.Ask(ctx, tx)
}

// A Plan is every schedule that is in force, and the document that is one of its sources.
type Plan struct {
	Document  Version
	Schedules []retention.Schedule
}

// Plan composes the schedules of now.
func (s *Store) Plan(ctx context.Context) (p Plan, err error) {
	if p.Document, err = s.Current(ctx); err != nil {
		return p, err
	}
	entries := datamap.Entries(datamap.All())
	rules := append(retention.OfMap(entries), p.Document.Bounds(p.Document.Version)...)
	if s.cfg.Law != nil {
		law, err := s.cfg.Law(ctx)
		if err != nil {
			return p, fmt.Errorf("retention: asking for the law: %w", err)
		}
		rules = append(rules, law...)
	}
	p.Schedules = retention.Plan(entries, rules)
	return p, nil
}
