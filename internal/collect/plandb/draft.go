package plandb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/sqldb"
)

// A State is where a draft stands.
type State string

// The states.
const (
	Waiting   State = "open"
	Decided   State = "in force"
	Discarded State = "discarded"
)

// A Draft is a change that is not in force. Whoever may look at the plan may propose one.
type Draft struct {
	ID       thimble.ID
	Base     int // the version that it changes
	Text     []byte
	Author   string
	Note     string // why
	State    State
	Revision int // counts up with each edit
	Version  int // that it became; 0: none
	Decider  string
	Created  time.Time
	Changed  time.Time
}

// DraftPrefix begins the tokens of drafts.
const DraftPrefix = "draft"

// MaxOpen is how many drafts are open at a time.
const MaxOpen = 100

// Start makes a draft of a text, which must be a plan, on the version base. A text of the
// version after base is taken too.
func (s *Store) Start(ctx context.Context, base int, text []byte, author, note string) (thimble.ID, error) {
	note = strings.TrimSpace(note)
	if utf8.RuneCountInString(note) > MaxReason {
		return thimble.ID{}, fmt.Errorf("plan: note: %d characters at most were expected: %w", MaxReason, thimble.ErrInvalid)
	}
	f, err := next(base, text, &Author{Name: author})
	if err != nil {
		return thimble.ID{}, err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return thimble.ID{}, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.read(ctx, tx, base); err != nil {
			return err
		}
		var open int
		if err := tx.QueryRow(ctx, `select count(*) from collect_plan_drafts where state = 'open'`).Scan(&open); err != nil {
			return err
		}
		if open >= MaxOpen {
			return fmt.Errorf("%d drafts are open; decide some first: %w", open, thimble.ErrConflict)
		}
		at := s.cfg.Now().UnixMicro()
		_, err := tx.Exec(ctx, `insert into collect_plan_drafts (id, base, body, author, note, state, revision, version, decided_by, created_at, changed_at)
			values ($1, $2, $3, $4, $5, 'open', 1, 0, '', $6, $6)`, id, base, string(f.Text), author, note, at)
		return err
	})
	if err != nil {
		return thimble.ID{}, fmt.Errorf("plan: starting a draft: %w", err)
	}
	return id, nil
}

// columns of a draft, with its text or another expression in its place.
func draftColumns(body string) string {
	return `select id, base, ` + body + `, author, note, state, revision, version, decided_by, created_at, changed_at from collect_plan_drafts `
}

func scanDraft(row interface{ Scan(...any) error }) (d Draft, err error) {
	var body string
	var created, changed int64
	err = row.Scan(&d.ID, &d.Base, &body, &d.Author, &d.Note, &d.State, &d.Revision, &d.Version, &d.Decider, &created, &changed)
	d.Text, d.Created, d.Changed = []byte(body), time.UnixMicro(created).UTC(), time.UnixMicro(changed).UTC()
	return d, err
}

// Drafts returns drafts without their texts, the open ones first and then the newest.
func (s *Store) Drafts(ctx context.Context, limit int) (all []Draft, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, draftColumns("''")+`order by case state when 'open' then 0 else 1 end, changed_at desc, id limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			d, err := scanDraft(rows)
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("plan: listing drafts: %w", err)
	}
	return all, nil
}

// Draft returns one draft. The error is of kind ErrNotFound when there is none.
func (s *Store) Draft(ctx context.Context, id thimble.ID) (d Draft, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		d, err = draft(ctx, tx, id)
		return err
	})
	return d, err
}

func draft(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (Draft, error) {
	d, err := scanDraft(tx.QueryRow(ctx, draftColumns("body")+`where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return Draft{}, fmt.Errorf("plan: draft %s: %w", id.Token(DraftPrefix), err)
	}
	return d, nil
}

// openDraft returns a draft that is open, at the revision somebody saw; 0 is any.
func openDraft(ctx context.Context, tx *sqldb.Tx, id thimble.ID, revision int) (Draft, error) {
	d, err := draft(ctx, tx, id)
	switch {
	case err != nil:
		return d, err
	case d.State != Waiting:
		return d, fmt.Errorf("plan: draft %s: it is %s already: %w", id.Token(DraftPrefix), d.State, thimble.ErrConflict)
	case revision != 0 && d.Revision != revision:
		return d, fmt.Errorf("plan: draft %s: somebody else edited it meanwhile: %w", id.Token(DraftPrefix), thimble.ErrConflict)
	}
	return d, nil
}

// Edit changes a draft. The function may be called more than once. The error is of kind
// ErrConflict when the draft is not at the revision any more, or not open.
func (s *Store) Edit(ctx context.Context, id thimble.ID, revision int, edit func(*plan.Text) error) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		d, err := openDraft(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		t, err := plan.EditText(d.Text)
		if err == nil {
			err = edit(t)
		}
		if err != nil {
			return err
		}
		text, p, err := t.Done()
		if err == nil {
			_, err = plan.Compile(p)
		}
		if err != nil {
			return err
		}
		return s.keepText(ctx, tx, d, text)
	})
	if err != nil {
		return fmt.Errorf("plan: editing a draft: %w", err)
	}
	return nil
}

// Replace changes the whole text of a draft.
func (s *Store) Replace(ctx context.Context, id thimble.ID, revision int, text []byte) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		d, err := openDraft(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		f, err := next(d.Base, text, &Author{Name: d.Author})
		if err != nil {
			return err
		}
		return s.keepText(ctx, tx, d, f.Text)
	})
	if err != nil {
		return fmt.Errorf("plan: editing a draft: %w", err)
	}
	return nil
}

func (s *Store) keepText(ctx context.Context, tx *sqldb.Tx, d Draft, text []byte) error {
	_, err := tx.Exec(ctx, `update collect_plan_drafts set body = $1, revision = revision + 1, changed_at = $2 where id = $3`, string(text), s.cfg.Now().UnixMicro(), d.ID)
	return err
}

// Decide puts a draft in force, and returns the version that it is. The errors are those
// of [Store.Save].
func (s *Store) Decide(ctx context.Context, id thimble.ID, revision int, a Author) (version int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		d, err := openDraft(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		f, err := next(d.Base, d.Text, &a)
		if err != nil {
			return err
		}
		version = f.Version
		if err := s.save(ctx, tx, f, a); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update collect_plan_drafts set state = 'in force', version = $1, decided_by = $2, changed_at = $3 where id = $4`, version, a.Name, s.cfg.Now().UnixMicro(), id)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("plan: putting a draft in force: %w", err)
	}
	return version, nil
}

// Discard lets a draft go.
func (s *Store) Discard(ctx context.Context, id thimble.ID, by string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := openDraft(ctx, tx, id, 0); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update collect_plan_drafts set state = 'discarded', decided_by = $1, changed_at = $2 where id = $3`, by, s.cfg.Now().UnixMicro(), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("plan: discarding a draft: %w", err)
	}
	return nil
}
