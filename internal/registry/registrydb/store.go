package registrydb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction, and knows which acts on files
// are announced; *ledgerdb.Log is one.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
	Intend(ctx context.Context, tx *sqldb.Tx, a ledger.Act) (ledger.Intent, error)
	Complete(ctx context.Context, tx *sqldb.Tx, i ledger.Intent, outcome json.RawMessage) error
	Act(ctx context.Context, a ledger.Act, do ledger.Performer) error
	Perform(ctx context.Context, i ledger.Intent, do ledger.Performer) error
}

// A Store keeps versions. No row of it is about a person; what the weights hold of
// people is the business of the model's own holder.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	now    func() time.Time
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, now func() time.Time) *Store {
	return &Store{db: db, ledger: l, now: now}
}

// A Version is one trained model.
type Version struct {
	Model   string
	Number  int64
	Stage   registry.Stage
	Package [sha256.Size]byte // of the file
	Hash    [sha256.Size]byte // of the weights
	Signer  string            // hint of the key; "" before packages were signed
	Card    registry.Card
	Lineage registry.Lineage
	Bytes   int // of the file
	Took    time.Duration
	Reason  string // why it was made
	MadeAt  time.Time
	Opening ledger.Opening

	card, lineage string // as they are in the package
}

// Serving reports whether it is the champion.
func (v Version) Serving() bool { return v.Stage == registry.Champion }

const columns = `v.model, v.version, v.stage, v.package, v.weights, v.signer, v.card, v.lineage, v.bytes, v.made_ms, v.reason, v.made_at, v.opening`

type row interface{ Scan(...any) error }

func scan(r row) (v Version, err error) {
	var pack, weights, opening []byte
	var ms, at int64
	err = r.Scan(&v.Model, &v.Number, &v.Stage, &pack, &weights, &v.Signer, &v.card, &v.lineage, &v.Bytes, &ms, &v.Reason, &at, &opening)
	if err != nil {
		return v, err
	}
	if len(pack) != sha256.Size || len(weights) != sha256.Size {
		return v, fmt.Errorf("registry: a stored digest of %d bytes: %w", len(pack), thimble.ErrInvalid)
	}
	v.Package, v.Hash = [sha256.Size]byte(pack), [sha256.Size]byte(weights)
	v.Took, v.MadeAt = time.Duration(ms)*time.Millisecond, time.UnixMicro(at).UTC()
	// They are for display: what serves is read from the package, after its signature.
	if err := errors.Join(json.Unmarshal([]byte(v.card), &v.Card), json.Unmarshal([]byte(v.lineage), &v.Lineage)); err != nil {
		return v, fmt.Errorf("registry: version %d: card or lineage cannot be read: %w", v.Number, thimble.ErrInvalid)
	}
	v.Lineage.Recipe = registry.Compact(v.Lineage.Recipe)
	return v, v.Opening.UnmarshalBinary(opening)
}

func query(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []Version, err error) {
	rows, err := tx.Query(ctx, `select `+columns+` from registry_versions v `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func (s *Store) read(ctx context.Context, where string, args ...any) (all []Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = query(ctx, tx, where, args...)
		return err
	})
	return all, err
}

// keptStages are those whose files exist, as SQL.
const keptStages = `v.stage in ('shadow', 'challenger', 'champion', 'retired')`

// Champion returns the version of a model that serves; the error is of kind ErrNotFound
// when none does.
func (s *Store) Champion(ctx context.Context, model string) (Version, error) {
	return s.one(ctx, `where v.model = $1 and v.stage = 'champion'`, model)
}

// Version returns one version.
func (s *Store) Version(ctx context.Context, model string, number int64) (Version, error) {
	return s.one(ctx, `where v.model = $1 and v.version = $2`, model, number)
}

func (s *Store) one(ctx context.Context, where string, args ...any) (v Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		v, err = scan(tx.QueryRow(ctx, `select `+columns+` from registry_versions v `+where, args...))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("registry: there is no such version: %w", thimble.ErrNotFound)
	}
	return v, err
}

// Kept returns the versions of a model whose files exist, the newest first.
func (s *Store) Kept(ctx context.Context, model string) ([]Version, error) {
	return s.read(ctx, `where v.model = $1 and `+keptStages+` order by v.version desc`, model)
}

// List returns the newest versions of a model.
func (s *Store) List(ctx context.Context, model string, limit int) ([]Version, error) {
	return s.read(ctx, `where v.model = $1 order by v.version desc limit $2`, model, limit)
}

// A Line is the state of one model.
type Line struct {
	Model  string
	Latest int64 // the highest number that was given
	Floor  int64 // no version below is loaded any more
	Held   bool  // rolled back by hand
}

// Lines returns all models, by name.
func (s *Store) Lines(ctx context.Context) (all []Line, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select model, latest, floor, held from registry_models order by model`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l Line
			var held int
			if err := rows.Scan(&l.Model, &l.Latest, &l.Floor, &held); err != nil {
				return err
			}
			l.Held = held == 1
			all = append(all, l)
		}
		return rows.Err()
	})
	return all, err
}

// Line returns one model; one that has no version yet is the zero line with its name.
func (s *Store) Line(ctx context.Context, model string) (Line, error) {
	all, err := s.Lines(ctx)
	for _, l := range all {
		if l.Model == model {
			return l, err
		}
	}
	return Line{Model: model}, err
}

// Reserve returns the first of n numbers that nobody else gets. Numbers that come to
// nothing are left out for good.
func (s *Store) Reserve(ctx context.Context, model string, n int64) (first int64, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `insert into registry_models (model, latest, floor, held) values ($1, $2, 1, 0)
			on conflict (model) do update set latest = registry_models.latest + excluded.latest returning latest`, model, n).Scan(&first)
	})
	if err != nil {
		return 0, fmt.Errorf("registry: numbering a version: %w", err)
	}
	return first - n + 1, nil
}
