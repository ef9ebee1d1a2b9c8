package collectdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/collect"
	"thimble/internal/consent/consentdb"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// People finds and makes subjects: subjectdb does.
type People interface {
	// FindAll returns a subject for each identifier, zero where there is none.
	FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
	// Suppressed reports for each identifier whether its person was forgotten.
	Suppressed(ctx context.Context, ids []subject.Identifier) ([]bool, error)
	Draft(ctx context.Context, ids []subject.Identifier) ([]subjectdb.Draft, error)
	Create(ctx context.Context, tx *sqldb.Tx, d subjectdb.Draft) error
	// Newcomer and CreateAll make many people who are new, with all that is known of them.
	Newcomer(ctx context.Context, first subjectdb.Draft, more []subjectdb.Draft, home *subject.Residence, age *subject.Age) (subjectdb.Newcomer, error)
	CreateAll(ctx context.Context, tx *sqldb.Tx, all []subjectdb.Newcomer) error
	// Touch returns an error of kind ErrNotFound for somebody who was erased.
	Touch(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
	SetResidence(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID, r subject.Residence) error
	SetAge(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID, a subject.Age) error
	// DraftFor and Add give somebody who is there one more identifier; Add's error is of
	// kind ErrConflict when it is somebody else's, or one too many, and the transaction
	// goes on.
	DraftFor(ctx context.Context, owner thimble.SubjectID, id subject.Identifier) (subjectdb.Draft, error)
	Add(ctx context.Context, tx *sqldb.Tx, d subjectdb.Draft) error
	PersonTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (subject.Person, error)
	Held(ctx context.Context, ids []thimble.SubjectID) (map[thimble.SubjectID]subjectdb.Held, error)
}

// Orders keeps orders: orderdb does.
type Orders interface {
	Known(ctx context.Context, numbers []string) ([]bool, error)
	Draft(ctx context.Context, orders []order.Order) ([]orderdb.Draft, error)
	Add(ctx context.Context, tx *sqldb.Tx, drafts []orderdb.Draft) error
}

// Catalogue keeps products and counts: catalogdb does.
type Catalogue interface {
	Upsert(ctx context.Context, tx *sqldb.Tx, products []catalog.Product) error
	AddDemand(ctx context.Context, tx *sqldb.Tx, demand []catalog.Demand) error
	SetStock(ctx context.Context, tx *sqldb.Tx, levels []catalog.Stock) error
}

// Keys seals what an import itself keeps, opens it for the person's own export, and
// indexes what makes a review one: the vault does.
type Keys interface {
	thimble.Sealer
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
	Index(ctx context.Context, kind, value string) ([]byte, error)
}

// Consents records what people chose elsewhere: consentdb does.
type Consents interface {
	RecordImported(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, c consentdb.Imported) (consentdb.Import, error)
}

// Parts are the stores that an import writes to. They share the database.
type Parts struct {
	People    People
	Orders    Orders
	Catalogue Catalogue
	Keys      Keys
	Consents  Consents
}

// A Store keeps imports.
type Store struct {
	thimble.Static

	db    *sqldb.DB
	parts Parts
	now   func() time.Time
	rand  io.Reader
}

var _ collect.Store = (*Store)(nil)

// New returns the store on the core set. Ids are drawn from rand, or from
// crypto/rand when it is nil.
func New(db *sqldb.DB, parts Parts, now func() time.Time, rand io.Reader) *Store {
	return &Store{db: db, parts: parts, now: now, rand: rand}
}

// Begin implements [collect.Store].
func (s *Store) Begin(ctx context.Context, kind collect.Kind, name string, source []byte) (collect.Run, error) {
	id, err := thimble.NewID(s.rand)
	if err != nil {
		return nil, err
	}
	if len(name) > 200 {
		name = name[:200]
	}
	now := s.now().UnixMicro()
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into collect_imports (id, name, kind, source, state, reasons, started_at, updated_at)
			values ($1, $2, $3, $4, 'running', '{}', $5, $5) on conflict (source) do nothing`, id, name, string(kind), source, now)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select id from collect_imports where source = $1`, source).Scan(&id)
	})
	if err != nil {
		return nil, fmt.Errorf("collect: opening an import: %w", err)
	}
	return &run{Store: s, id: id, kind: kind, coming: map[key]*person{}}, nil
}

// An Import is one import as the console lists it.
type Import struct {
	Name      string
	Kind      collect.Kind
	Feed      string // of an import without end; "" of a file
	StartedAt time.Time
	UpdatedAt time.Time
	collect.State
}

const columns = `id, name, kind, feed, state, line, row_count, orders, returns, guests, known, suppressed, subjects, no_country, rejected, reasons, more, started_at, updated_at`

func scan(row interface{ Scan(...any) error }) (i Import, err error) {
	var state, reasons, more string
	var started, updated int64
	c := &i.Counts
	err = row.Scan(&i.ID, &i.Name, &i.Kind, &i.Feed, &state, &i.Line, &c.Rows, &c.Orders, &c.Returns, &c.Guests, &c.Known, &c.Suppressed,
		&c.Subjects, &c.NoCountry, &c.Rejected, &reasons, &more, &started, &updated)
	if err != nil {
		return i, err
	}
	i.Finished = state == "finished"
	i.StartedAt, i.UpdatedAt = time.UnixMicro(started).UTC(), time.UnixMicro(updated).UTC()
	return i, errors.Join(json.Unmarshal([]byte(reasons), &c.Reasons), json.Unmarshal([]byte(more), &c.More))
}

// Imports lists the imports, the newest first.
func (s *Store) Imports(ctx context.Context) ([]Import, error) {
	var all []Import
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+columns+` from collect_imports order by started_at desc, id limit 1000`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			i, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, i)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("collect: listing imports: %w", err)
	}
	return all, nil
}

// Rejects lists the first rejected rows of an import.
func (s *Store) Rejects(ctx context.Context, id thimble.ID) ([]collect.Reject, error) {
	var all []collect.Reject
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select line, reason from collect_rejects where import_id = $1 order by line`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r collect.Reject
			if err := rows.Scan(&r.Line, &r.Reason); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("collect: listing rejected rows: %w", err)
	}
	return all, nil
}

// A run is one import at work.
type run struct {
	*Store
	id   thimble.ID
	kind collect.Kind
	feed bool // it never ends: each batch is a delivery, whose line is its number

	mu     sync.Mutex
	coming map[key]*person // by what names them: drafted, not yet committed
}

// State implements [collect.Run].
func (r *run) State(ctx context.Context) (collect.State, error) {
	var i Import
	err := r.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		i, err = state(ctx, tx, r.id)
		return err
	})
	if err != nil {
		return i.State, fmt.Errorf("collect: reading import %s: %w", r.id.Token("imp"), err)
	}
	r.reach(i.Line)
	return i.State, nil
}

// reach forgets who was to come in batches up to the line: they are written, be it
// by another importer with people of its own, and are found in the database.
func (r *run) reach(line int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.coming, func(_ key, who *person) bool { return who.line <= line })
}

func state(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (Import, error) {
	return scan(tx.QueryRow(ctx, `select `+columns+` from collect_imports where id = $1`, id))
}

// Rejects implements [collect.Run].
func (r *run) Rejects(ctx context.Context) ([]collect.Reject, error) {
	return r.Store.Rejects(ctx, r.id)
}
