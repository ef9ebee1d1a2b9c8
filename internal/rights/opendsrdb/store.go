package opendsrdb

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/opendsr"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// ControllerPrefix is the prefix of a controller's id in text.
const ControllerPrefix = "ctl"

// A Controller is somebody the shop works for, who may ask.
type Controller struct {
	ID        thimble.ID
	Name      string
	Hosts     []string // to which callbacks may go
	Copies    bool     // it may ask for copies of all that is held, whoever it came from
	Ended     bool
	CreatedAt time.Time
}

// Cases keep what is asked; *casesdb.Store does.
type Cases interface {
	Open(ctx context.Context, a casesdb.Asked) (cases.Case, error)
	Do(ctx context.Context, id thimble.ID, e cases.Event, words thimble.Personal[string]) (cases.Case, error)
	Get(ctx context.Context, id thimble.ID) (cases.Case, error)
	Complete(ctx context.Context, id thimble.ID, by, staff, ref string, words thimble.Personal[string]) (cases.Case, error)
}

// People knows who has an identifier; *subjectdb.Store does.
type People interface {
	FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
}

// Acts keep what staff do, with its leaf; *systemsdb.Store does.
type Acts interface {
	NoteTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID, prefix, name, act, staff string) error
}

// Caller is the way out for callbacks; *wire.Sender is one.
type Caller interface {
	Call(ctx context.Context, c wire.Call) wire.Answer
}

// Config has working zero values, but for the Signer: without one no callback is sent.
type Config struct {
	Now      func() time.Time
	Log      *slog.Logger
	Signer   *opendsr.Signer
	Schedule wire.Schedule
	Base     string // the address of this installation
	// Copy makes a recorded access request of a person, and returns its token and how much
	// is held; nil: no copies are given.
	Copy func(ctx context.Context, who thimble.SubjectID) (ref string, count int, err error)
	// Waits returns [rights.ErrWaits] for a person of whom nothing is handed over now; nil: for
	// nobody.
	Waits func(ctx context.Context, who thimble.SubjectID) error
}

// A Store keeps controllers, requests and callbacks, and is the meter of its way out.
type Store struct {
	db     *sqldb.DB
	cases  Cases
	people People
	acts   Acts
	caller Caller
	cfg    Config
	wake   chan struct{}
}

// New returns the store of a core database.
func New(db *sqldb.DB, c Cases, p People, a Acts, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{db: db, cases: c, people: p, acts: a, cfg: cfg, wake: make(chan struct{}, 1)}
}

// Use gives the store its way out.
func (s *Store) Use(c Caller) { s.caller = c }

func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

func wrap(doing string, err error) error {
	if err != nil {
		err = fmt.Errorf("opendsr: %s: %w", doing, err)
	}
	return err
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

func micro(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

// Register lets a controller ask, and returns its token, which is told once.
func (s *Store) Register(ctx context.Context, as Controller, staff string) (c Controller, token string, err error) {
	name, hosts := as.Name, as.Hosts
	if n := len([]rune(name)); n < 2 || n > 80 || strings.TrimSpace(name) != name || strings.ContainsAny(name, "\r\n\t") {
		return c, "", &opendsr.Fault{Field: "name", Rule: "2 to 80 characters were expected", Reason: "name"}
	}
	for _, h := range hosts {
		if h == "" || len(h) > 253 || h != strings.ToLower(h) || strings.ContainsAny(h, "/:@ ") {
			return c, "", &opendsr.Fault{Field: "hosts", Rule: "names such as callbacks.example were expected, with blanks between", Reason: "hosts"}
		}
	}
	secret := make([]byte, 32)
	if _, err = rand.Read(secret); err == nil {
		c = Controller{Name: name, Hosts: hosts, Copies: as.Copies, CreatedAt: s.now()}
		c.ID, err = thimble.NewID(nil)
	}
	if err != nil {
		return c, "", wrap("registering a controller", err)
	}
	act := "controller registered"
	if c.Copies {
		act = "controller registered, with copies"
	}
	token = "dsr_" + base64.RawURLEncoding.EncodeToString(secret)
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `insert into opendsr_controllers (id, name, digest, hosts, copies, ended, created_at) values ($1, $2, $3, $4, $5, 0, $6)`, c.ID, name, digest(token), strings.Join(hosts, " "), yes(c.Copies), c.CreatedAt.UnixMicro()); err != nil {
			return err
		}
		return s.acts.NoteTx(ctx, tx, c.ID, ControllerPrefix, name, act, staff)
	})
	return c, token, wrap("registering a controller", err)
}

func yes(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// digest is what is kept of a token: it has 256 drawn bits, so that nobody can guess it.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// EndController says that a controller may ask nothing more. What it asked goes on.
func (s *Store) EndController(ctx context.Context, id thimble.ID, staff string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var name string
		err := tx.QueryRow(ctx, `update opendsr_controllers set ended = 1 where id = $1 and ended = 0 returning name`, id).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return thimble.ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.acts.NoteTx(ctx, tx, id, ControllerPrefix, name, "controller ended", staff)
	})
	return wrap("ending a controller", err)
}

// Controllers are all that were registered, by name.
func (s *Store) Controllers(ctx context.Context) (all []Controller, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = controllers(ctx, tx, `order by ended, name, id`)
		return err
	})
	return all, wrap("reading controllers", err)
}

// Authenticate returns whose a token is. The error is of kind ErrDenied for nobody's.
func (s *Store) Authenticate(ctx context.Context, token string) (Controller, error) {
	var all []Controller
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = controllers(ctx, tx, `where digest = $1 and ended = 0`, digest(token))
		return err
	})
	if err == nil && len(all) != 1 {
		err = thimble.ErrDenied
	}
	if err != nil {
		return Controller{}, wrap("a controller's token", err)
	}
	return all[0], nil
}

func controllers(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []Controller, err error) {
	rows, err := tx.Query(ctx, `select id, name, hosts, copies, ended, created_at from opendsr_controllers `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Controller
		var hosts string
		var copies, ended, at int64
		if err := rows.Scan(&c.ID, &c.Name, &hosts, &copies, &ended, &at); err != nil {
			return nil, err
		}
		c.Hosts, c.Copies, c.Ended, c.CreatedAt = strings.Fields(hosts), copies != 0, ended != 0, instant(at)
		all = append(all, c)
	}
	return all, rows.Err()
}

// A Held request is one as it is kept: nothing of whom it is about.
type Held struct {
	Controller thimble.ID
	ID         string
	Case       thimble.ID // zero: nothing could be looked up
	Type       opendsr.Type
	Regulation opendsr.Regulation
	Submitted  time.Time
	Received   time.Time
	Expected   time.Time
	Callbacks  []string
	Status     opendsr.Status
	Reason     string    // why it was cancelled
	Results    string    // the last part of the address of a copy; "" for none
	Until      time.Time // the first instant at which the copy is not given any more
	Count      int       // of data in the copy; -1: not known
}

// The reasons for which a request is cancelled, beside those of a refusal.
const (
	NotSearchable = "identities_cannot_be_looked_up"
	Disagree      = "identities_are_of_several_people"
	TakenBack     = "cancelled_by_the_controller"
	Lapsed        = "lapsed"
)

// Same reports whether a request that came again is the one that is kept.
func (h Held) same(r opendsr.Request) bool {
	return h.Type == r.Type && h.Submitted.Equal(r.Submitted.UTC().Truncate(time.Microsecond)) && h.Regulation == r.Regulation && slices.Equal(h.Callbacks, r.Callbacks)
}

const heldColumns = `select controller_id, request_id, case_id, type, regulation, submitted_at, received_at, expected_at, callbacks, status, reason, results, results_until, results_count from opendsr_requests `

func list(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []Held, err error) {
	rows, err := tx.Query(ctx, heldColumns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Held
		var submitted, received, expected, until int64
		var callbacks string
		if err := rows.Scan(&h.Controller, &h.ID, &h.Case, &h.Type, &h.Regulation, &submitted, &received, &expected, &callbacks, &h.Status, &h.Reason, &h.Results, &until, &h.Count); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(callbacks), &h.Callbacks); err != nil {
			return nil, err
		}
		h.Submitted, h.Received, h.Expected, h.Until = instant(submitted), instant(received), instant(expected), instant(until)
		all = append(all, h)
	}
	return all, rows.Err()
}
