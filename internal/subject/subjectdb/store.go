package subjectdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Keys is what a Store needs of the vault.
type Keys interface {
	thimble.Sealer
	Index(ctx context.Context, kind, value string) ([]byte, error)
	Ensure(ctx context.Context, owners ...thimble.SubjectID) error
	// DropIndex destroys the key of a kind of index.
	DropIndex(ctx context.Context, kind string) error
}

// An Opener opens sealed cells. The composition root gives one for exports.
type Opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// Config has working zero values.
type Config struct {
	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Opener Opener           // for Export; nil means that Export is denied
	// Moving is told whose epoch moves, in the transaction of the change; may be nil.
	Moving func(*sqldb.Tx, thimble.SubjectID)
	Ledger Ledger // for merges; nil means that they are denied
	Limits Limits
}

// A Store keeps subjects.
type Store struct {
	db   *sqldb.DB
	keys Keys
	cfg  Config
	gens atomic.Pointer[generations]
	// regrouped run in the transactions that join and part people.
	regrouped []func(context.Context, *sqldb.Tx, subject.Regrouping) error
}

var _ thimble.Holder = (*Store)(nil)

// New returns a store on the set sqldb.Core.
func New(db *sqldb.DB, keys Keys, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{db: db, keys: keys, cfg: cfg}
}

// Count returns how many people there are, without the erased. One with several
// subjects counts once.
func (s *Store) Count(ctx context.Context) (n int, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from subject_subjects where state = 'active' and (person is null or person = id)`).Scan(&n)
	})
	return n, wrap("counting", err)
}

// Page returns up to limit subjects after the given one in the order of their ids,
// without the erased.
func (s *Store) Page(ctx context.Context, after thimble.SubjectID, limit int) (page []thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select id from subject_subjects
			where id > $1 and state = 'active' and (person is null or person = id) order by id limit $2`, after[:], limit)
		return err
	})
	return page, wrap("listing", err)
}

// Active returns up to limit subjects after the given one in the order of their ids,
// each by itself, whoever they are one person with; without the erased.
func (s *Store) Active(ctx context.Context, after thimble.SubjectID, limit int) (some []thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		some, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select id from subject_subjects where id > $1 and state = 'active' order by id limit $2`, after[:], limit)
		return err
	})
	return some, wrap("listing", err)
}

// Exists reports, for each id, whether there is such a subject that is not erased.
func (s *Store) Exists(ctx context.Context, ids []thimble.SubjectID) ([]bool, error) {
	exists := make([]bool, len(ids))
	keys := make([][]byte, len(ids))
	for i := range ids {
		keys[i] = ids[i][:]
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(exists)
		return inChunks(keys, func(from int, list string, args []any) error {
			found, err := sqldb.Column[thimble.SubjectID](ctx, tx, `select id from subject_subjects where state = 'active' and id in (`+list+`)`, args...)
			if err != nil {
				return err
			}
			there := make(map[thimble.SubjectID]bool, len(found))
			for _, id := range found {
				there[id] = true
			}
			for i := from; i < from+len(args); i++ {
				exists[i] = there[ids[i]]
			}
			return nil
		})
	})
	return exists, wrap("looking for subjects", err)
}

// Missing returns those ids that are no subject, for vault's Sweep.
func (s *Store) Missing(ctx context.Context, ids []thimble.SubjectID) (missing []thimble.SubjectID, err error) {
	exists, err := s.Exists(ctx, ids)
	for i, there := range exists {
		if !there {
			missing = append(missing, ids[i])
		}
	}
	return missing, err
}

// Erased returns those ids that were subjects and are erased.
func (s *Store) Erased(ctx context.Context, ids []thimble.SubjectID) (erased []thimble.SubjectID, err error) {
	keys := make([][]byte, len(ids))
	for i := range ids {
		keys[i] = ids[i][:]
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		erased = nil
		return inChunks(keys, func(_ int, list string, args []any) error {
			found, err := sqldb.Column[thimble.SubjectID](ctx, tx, `select id from subject_subjects where state <> 'active' and id in (`+list+`)`, args...)
			erased = append(erased, found...)
			return err
		})
	})
	return erased, wrap("looking for erased subjects", err)
}

// Epoch returns the subject's epoch: it moves when something that enters a verdict
// about the subject changes. The error for an erased subject is of kind
// thimble.ErrNotFound.
func (s *Store) Epoch(ctx context.Context, id thimble.SubjectID) (epoch int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select epoch from subject_subjects where id = $1 and state = 'active'`, id[:]).Scan(&epoch)
	})
	return epoch, wrap("reading the epoch of a person", err)
}

// Alive returns the subject's epoch within a transaction that is about to write
// something about them. The error is of kind ErrNotFound for somebody who was
// erased or never was: then nothing may be written.
func (s *Store) Alive(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (epoch int64, err error) {
	err = tx.QueryRow(ctx, `select epoch from subject_subjects where id = $1 and state = 'active'`, id[:]).Scan(&epoch)
	return epoch, wrap("asking for a person", err)
}

// Touch moves the subject's epoch within the transaction of the change, and returns
// the new one.
func (s *Store) Touch(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (epoch int64, err error) {
	err = tx.QueryRow(ctx, `update subject_subjects set epoch = epoch + 1
		where id = $1 and state = 'active' returning epoch`, id[:]).Scan(&epoch)
	s.moves(tx, id)
	return epoch, wrap("moving the epoch of a person", err)
}

// moves tells, within the transaction of the change, that the epoch moves.
func (s *Store) moves(tx *sqldb.Tx, id thimble.SubjectID) {
	if s.cfg.Moving != nil {
		s.cfg.Moving(tx, id)
	}
}

// SetResidence seals where a person lives, and moves the epoch.
func (s *Store) SetResidence(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID, r subject.Residence) error {
	if err := r.Validate(); err != nil {
		return err
	}
	plain, err := r.Bytes()
	if err != nil {
		return wrap("writing the residence of a person", err)
	}
	sealed, err := s.keys.Seal(ctx, subject.ResidenceCell(id), plain)
	if err != nil {
		return wrap("sealing the residence of a person", err)
	}
	n, err := tx.Exec(ctx, `update subject_subjects set residence = $1, epoch = epoch + 1
		where id = $2 and state = 'active'`, sealed, id[:])
	if err == nil && n == 0 {
		err = thimble.ErrNotFound
	}
	s.moves(tx, id)
	return wrap("keeping the residence of a person", err)
}

// Residence returns the sealed residence, nil when it is unknown;
// subject.OpenResidence opens it.
func (s *Store) Residence(ctx context.Context, id thimble.SubjectID) (sealed []byte, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select residence from subject_subjects where id = $1 and state = 'active'`, id[:]).Scan(&sealed)
	})
	return sealed, wrap("reading the residence of a person", err)
}

// ResidencesTx returns the sealed residences of a person's subjects in the caller's
// transaction, nil for those that are unknown.
func (s *Store) ResidencesTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (map[thimble.SubjectID][]byte, error) {
	p, err := person(ctx, tx, id)
	if err != nil {
		return nil, wrap("reading the person of a person", err)
	}
	all := make(map[thimble.SubjectID][]byte, len(p.Members))
	for _, who := range p.IDs() {
		var sealed []byte
		if err := tx.QueryRow(ctx, `select residence from subject_subjects where id = $1`, who[:]).Scan(&sealed); err != nil {
			return nil, wrap("reading the residence of a person", err)
		}
		all[who] = sealed
	}
	return all, nil
}

// chunk is small because the SQLite driver finds each parameter by its name: a list
// costs the square of its length.
const chunk = 100

// inChunks calls f with the parameters of an IN list for each part of keys.
func inChunks(keys [][]byte, f func(from int, list string, args []any) error) error {
	for from := 0; from < len(keys); from += chunk {
		part := keys[from:min(from+chunk, len(keys))]
		args := make([]any, len(part))
		var list strings.Builder
		for i, k := range part {
			args[i] = k
			if i > 0 {
				list.WriteByte(',')
			}
			list.WriteString("$" + strconv.Itoa(i+1))
		}
		if err := f(from, list.String(), args); err != nil {
			return err
		}
	}
	return nil
}

func isNotFound(err error) bool { return errors.Is(err, thimble.ErrNotFound) }

func wrap(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		err = thimble.ErrNotFound
	}
	return fmt.Errorf("subjectdb: %s: %w", doing, err)
}
