package sourcedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/source"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Store keeps sources.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	now    func() time.Time

	known  atomic.Pointer[known]
	load   func(context.Context) (*known, error)
	mu     sync.Mutex // of flight, and of who sets known
	flight *flight
}

// New returns the store of a core database. A nil clock means time.Now.
func New(db *sqldb.DB, log Ledger, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	s := &Store{db: db, ledger: log, now: now}
	s.load = s.read
	return s
}

func (s *Store) instant() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// Add keeps a source drafted by [source.New] and returns it with its number, and the text
// of its first key, which for a server's nobody can get again. The error is
// source.ErrTaken for a name that was given before.
func (s *Store) Add(ctx context.Context, draft source.Source, staff string) (text string, made source.Source, err error) {
	if staff == "" {
		return "", draft, fmt.Errorf("source: adding one: nobody is signed in: %w", thimble.ErrDenied)
	}
	if text, err = source.NewKey(nil, draft.Kind); err != nil {
		return "", draft, err
	}
	draft.Created = s.instant()
	err = s.write(ctx, func(tx *sqldb.Tx) error {
		made = draft
		var names int
		// Ended sources count: what was counted for them has their names.
		if err := tx.QueryRow(ctx, `select count(*) from collect_sources where name = $1`, made.Name).Scan(&names); err != nil {
			return err
		}
		if names > 0 {
			return source.ErrTaken
		}
		if err := tx.QueryRow(ctx, `select coalesce(max(number), 0) + 1 from collect_sources`).Scan(&made.Number); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into collect_sources (number, name, kind, origins, consents, created_at) values ($1, $2, $3, $4, $5, $6)`,
			int64(made.Number), made.Name, string(made.Kind), strings.Join(made.Origins, " "), number(made.Consents), made.Created.UnixMicro())
		if err != nil {
			return err
		}
		k, err := s.addKey(ctx, tx, made, text)
		made.Keys = []source.Key{k}
		if err != nil {
			return err
		}
		return s.note(ctx, tx, made, Change{What: Added, Staff: staff})
	})
	if err != nil {
		return "", draft, fmt.Errorf("source: adding one: %w", err)
	}
	return text, made, nil
}

func (s *Store) addKey(ctx context.Context, tx *sqldb.Tx, of source.Source, text string) (source.Key, error) {
	hash, err := source.HashOf(text)
	if err != nil {
		return source.Key{}, err
	}
	k := source.Key{Hint: source.Hint(text), Created: s.instant()}
	if source.Public(of.Kind) {
		k.Text = text
	}
	_, err = tx.Exec(ctx, `insert into collect_source_keys (hash, source, public, hint, created_at) values ($1, $2, $3, $4, $5)`,
		hash[:], int64(of.Number), k.Text, k.Hint, k.Created.UnixMicro())
	return k, err
}

// Set changes the origins of a source, and whether it asks for consent.
func (s *Store) Set(ctx context.Context, n uint32, consents bool, origins []string, staff string) error {
	return s.change(ctx, n, staff, func(tx *sqldb.Tx, of *source.Source) (Change, error) {
		clean, err := source.Origins(of.Kind, origins)
		if err != nil {
			return Change{}, err
		}
		of.Origins, of.Consents = clean, consents
		_, err = tx.Exec(ctx, `update collect_sources set origins = $2, consents = $3 where number = $1`, int64(n), strings.Join(clean, " "), number(consents))
		return Change{What: Settings}, err
	})
}

// Rotate gives a source a new key and returns its text. The old ones open it for as long
// as grace says, and none for longer than was said before.
func (s *Store) Rotate(ctx context.Context, n uint32, grace time.Duration, staff string) (text string, err error) {
	if grace < 0 || grace > MaxGrace {
		return "", &source.FieldError{Field: "grace", Rule: fmt.Sprintf("0 to %d days were expected", int(MaxGrace.Hours()/24))}
	}
	err = s.change(ctx, n, staff, func(tx *sqldb.Tx, of *source.Source) (Change, error) {
		var err error
		if text, err = source.NewKey(nil, of.Kind); err != nil {
			return Change{}, err
		}
		ends := s.instant().Add(grace).UnixMicro()
		_, err = tx.Exec(ctx, `update collect_source_keys set ends_at = $2 where source = $1 and (ends_at is null or ends_at > $2)`, int64(n), ends)
		if err == nil {
			_, err = s.addKey(ctx, tx, *of, text)
		}
		return Change{What: NewKey}, err
	})
	if err != nil {
		return "", err
	}
	return text, nil
}

// MaxGrace is how long an old key may open a source beside a new one.
const MaxGrace = 30 * 24 * time.Hour

// End ends a source at once and for good; its keys open nothing any more. What it sent
// stays.
func (s *Store) End(ctx context.Context, n uint32, staff string) error {
	return s.change(ctx, n, staff, func(tx *sqldb.Tx, of *source.Source) (Change, error) {
		of.Ended = s.instant()
		_, err := tx.Exec(ctx, `update collect_sources set ended_at = $2 where number = $1`, int64(n), of.Ended.UnixMicro())
		return Change{What: Ended}, err
	})
}

// change does something to a source that has not ended, and records it.
func (s *Store) change(ctx context.Context, n uint32, staff string, do func(*sqldb.Tx, *source.Source) (Change, error)) error {
	if staff == "" {
		return fmt.Errorf("source: changing one: nobody is signed in: %w", thimble.ErrDenied)
	}
	err := s.write(ctx, func(tx *sqldb.Tx) error {
		all, err := sources(ctx, tx, `where number = $1`, int64(n))
		switch {
		case err != nil:
			return err
		case len(all) == 0:
			return thimble.ErrNotFound
		case !all[0].Ended.IsZero():
			return fmt.Errorf("it has ended: %w", thimble.ErrConflict)
		}
		c, err := do(tx, &all[0])
		if err != nil {
			return err
		}
		c.Staff = staff
		return s.note(ctx, tx, all[0], c)
	})
	if err != nil {
		return fmt.Errorf("source: changing %d: %w", n, err)
	}
	return nil
}

// write forgets what is known when something was written: what was ended is ended here
// before the caller hears of it.
func (s *Store) write(ctx context.Context, f func(*sqldb.Tx) error) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		tx.OnCommit(s.forget)
		return f(tx)
	})
}

// List returns all sources, those that have ended too, by their numbers.
func (s *Store) List(ctx context.Context) (all []source.Source, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { all, err = sources(ctx, tx, ""); return err })
	if err != nil {
		return nil, fmt.Errorf("source: listing: %w", err)
	}
	return all, nil
}

// Get returns one source; the error is of kind ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, n uint32) (source.Source, error) {
	var all []source.Source
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) { all, err = sources(ctx, tx, `where number = $1`, int64(n)); return err })
	if err == nil && len(all) == 0 {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return source.Source{}, fmt.Errorf("source: %d: %w", n, err)
	}
	return all[0], nil
}

// sources reads sources with their keys.
func sources(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []source.Source, err error) {
	rows, err := tx.Query(ctx, `select number, name, kind, origins, consents, created_at, ended_at from collect_sources `+where+` order by number`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	at := map[uint32]int{}
	for rows.Next() {
		var one source.Source
		var origins string
		var consents, created int64
		var ended sql.NullInt64
		if err := rows.Scan(&one.Number, &one.Name, &one.Kind, &origins, &consents, &created, &ended); err != nil {
			return nil, err
		}
		one.Origins, one.Consents = strings.Fields(origins), consents == 1
		one.Created, one.Ended = time.UnixMicro(created).UTC(), instant(ended)
		at[one.Number] = len(all)
		all = append(all, one)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return all, eachKey(ctx, tx, func(of uint32, _ source.Hash, k source.Key) {
		if i, ok := at[of]; ok {
			all[i].Keys = append(all[i].Keys, k)
		}
	})
}

// eachKey reads the keys, the newest of each source first.
func eachKey(ctx context.Context, tx *sqldb.Tx, f func(of uint32, hash source.Hash, k source.Key)) error {
	rows, err := tx.Query(ctx, `select source, hash, public, hint, created_at, ends_at from collect_source_keys order by source, ends_at is not null, created_at desc, hash`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var of uint32
		var hash []byte
		var k source.Key
		var created int64
		var ends sql.NullInt64
		if err := rows.Scan(&of, &hash, &k.Text, &k.Hint, &created, &ends); err != nil {
			return err
		}
		if len(hash) != len(source.Hash{}) {
			return fmt.Errorf("a key's hash has %d bytes: %w", len(hash), thimble.ErrInvalid)
		}
		k.Created, k.Ends = time.UnixMicro(created).UTC(), instant(ends)
		f(of, source.Hash(hash), k)
	}
	return rows.Err()
}

func instant(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return time.UnixMicro(us.Int64).UTC()
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
