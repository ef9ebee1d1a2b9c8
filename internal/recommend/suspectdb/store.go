package suspectdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/suspect"
	"thimble/internal/sqldb"
)

// FindingPrefix is the prefix of a finding's id in text.
const FindingPrefix = "finding"

// A State is what was decided about a finding.
type State string

// The states of a finding.
const (
	Open        State = "open"
	Quarantined State = "quarantined" // its people are left out of learning
	Dismissed   State = "dismissed"   // it was nothing
	Released    State = "released"    // its people were left out and are no more
)

// A Found is a finding as it is kept. It names nobody.
type Found struct {
	ID        thimble.ID
	Kind      suspect.Kind
	Item      thimble.ItemID
	Accounts  int // when it was found
	People    int // who are in it now
	Why       string
	At        time.Time
	State     State
	DecidedBy string
	DecidedAt time.Time
	Note      string
}

// Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// Config has working zero values.
type Config struct {
	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // nil means silence
	// Alive fails with ErrNotFound for who was erased; nil takes everybody for alive.
	Alive func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error
	// Changed asks for a training when who is left out has changed, in the transaction
	// that changes it; nil asks nobody.
	Changed func(ctx context.Context, tx *sqldb.Tx) error
}

// A Store keeps findings in the core database.
type Store struct {
	thimble.Static
	db     *sqldb.DB
	ledger Ledger
	cfg    Config
}

var _ thimble.Holder = (*Store)(nil)

// New returns the store of findings.
func New(db *sqldb.DB, l Ledger, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Alive == nil {
		cfg.Alive = func(context.Context, *sqldb.Tx, thimble.SubjectID) error { return nil }
	}
	if cfg.Changed == nil {
		cfg.Changed = func(context.Context, *sqldb.Tx) error { return nil }
	}
	return &Store{db: db, ledger: l, cfg: cfg}
}

// Raise keeps findings and returns how many are new. One that is open grows or shrinks to
// what was found; one that was decided stays as it is, unless it was dismissed and has
// grown to twice as many.
func (s *Store) Raise(ctx context.Context, all []suspect.Finding) (fresh int, err error) {
	for _, f := range all {
		n := 0
		err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			n, err = s.raise(ctx, tx, f)
			return err
		})
		if err != nil {
			return fresh, fmt.Errorf("suspect: keeping a finding: %w", err)
		}
		fresh += n
	}
	if fresh > 0 {
		s.cfg.Log.WarnContext(ctx, "accounts look as if they were made to push an item", slog.Int("findings", fresh))
	}
	return fresh, nil
}

func (s *Store) raise(ctx context.Context, tx *sqldb.Tx, f suspect.Finding) (int, error) {
	var id thimble.ID
	var state State
	var accounts int
	err := tx.QueryRow(ctx, `select id, state, accounts from recommend_findings where kind = $1 and item = $2
		order by found_at desc, id limit 1`, string(f.Kind), string(f.Item)).Scan(&id, &state, &accounts)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s.begin(ctx, tx, f)
	case err != nil:
		return 0, err
	case state == Open:
		if _, err := tx.Exec(ctx, `update recommend_findings set accounts = $1, why = $2 where id = $3`, len(f.People), f.Reason(), id); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, `delete from recommend_suspects where finding_id = $1`, id); err != nil {
			return 0, err
		}
		return 0, s.name(ctx, tx, id, f.People)
	case state != Quarantined && len(f.People) < 2*accounts:
		return 0, nil // somebody looked at it
	}
	return s.begin(ctx, tx, f)
}

func (s *Store) begin(ctx context.Context, tx *sqldb.Tx, f suspect.Finding) (int, error) {
	id, err := thimble.NewID(nil)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `insert into recommend_findings (id, kind, item, accounts, why, found_at, state, decided_by, note)
		values ($1, $2, $3, $4, $5, $6, 'open', '', '')`,
		id, string(f.Kind), string(f.Item), len(f.People), f.Reason(), s.cfg.Now().UnixMicro())
	if err == nil {
		err = s.act(ctx, tx, act{Finding: id, Kind: f.Kind, Item: f.Item, Act: Open, People: len(f.People)})
	}
	if err != nil {
		return 0, err
	}
	return 1, s.name(ctx, tx, id, f.People)
}

// name keeps who is in a finding, but for who was erased meanwhile.
func (s *Store) name(ctx context.Context, tx *sqldb.Tx, id thimble.ID, people []thimble.SubjectID) error {
	for _, who := range people {
		if err := s.cfg.Alive(ctx, tx, who); errors.Is(err, thimble.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into recommend_suspects (subject_id, finding_id) values ($1, $2) on conflict do nothing`, who, id); err != nil {
			return err
		}
	}
	return nil
}

// Findings returns findings, the open ones first and then the newest.
func (s *Store) Findings(ctx context.Context, limit int) ([]Found, error) {
	return s.findings(ctx, "", limit)
}

// Of returns the findings about an item, the open ones first and then the newest.
func (s *Store) Of(ctx context.Context, item thimble.ItemID, limit int) ([]Found, error) {
	return s.findings(ctx, item, limit)
}

// findings returns those about an item, or all.
func (s *Store) findings(ctx context.Context, item thimble.ItemID, limit int) (all []Found, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, kind, item, accounts, (select count(*) from recommend_suspects s where s.finding_id = f.id),
			why, found_at, state, decided_by, coalesce(decided_at, 0), note from recommend_findings f where $1 = '' or item = $1
			order by case state when 'open' then 0 else 1 end, found_at desc, id limit $2`, string(item), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var f Found
			var at, decided int64
			if err := rows.Scan(&f.ID, &f.Kind, &f.Item, &f.Accounts, &f.People, &f.Why, &at, &f.State, &f.DecidedBy, &decided, &f.Note); err != nil {
				return err
			}
			if f.At = time.UnixMicro(at).UTC(); decided > 0 {
				f.DecidedAt = time.UnixMicro(decided).UTC()
			}
			all = append(all, f)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("suspect: reading findings: %w", err)
	}
	return all, nil
}
