package policydb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Store keeps the laws of an installation. No row of it is about a customer.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	now    func() time.Time
	regime *policy.Regime

	restoring sync.Mutex
	restored  map[[32]byte]*policy.Library // by the mark of their packs

	advancing sync.Mutex
	changed   []func(*sqldb.Tx)
}

// Seen returns the newest version of each pack that the installation has had, for
// policy.Trust.
func Seen(ctx context.Context, db *sqldb.DB) (map[string]string, error) {
	seen := map[string]string{}
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(seen)
		rows, err := tx.Query(ctx, `select pack_id, version from policy_packs`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, version string
			if err := rows.Scan(&id, &version); err != nil {
				return err
			}
			if seen[id] == "" || policy.Newer(version, seen[id]) {
				seen[id] = version
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("policy: reading which packs were here: %w", err)
	}
	return seen, nil
}

// Open returns the store of a core database for the packs of today. It writes nothing:
// Advance does. A nil clock means time.Now.
func Open(ctx context.Context, db *sqldb.DB, l Ledger, library *policy.Library, shop policy.Shop, now func() time.Time) (*Store, error) {
	if now == nil {
		now = time.Now
	}
	s := &Store{db: db, ledger: l, now: now, regime: policy.NewRegime(library, shop, nil), restored: map[[32]byte]*policy.Library{}}
	if err := s.stand(ctx); err != nil {
		return nil, fmt.Errorf("policy: reading the law of before: %w", err)
	}
	return s, nil
}

// Regime returns the law as it applies here.
func (s *Store) Regime() *policy.Regime { return s.regime }

// OnChange has f called in each transaction that changes the law that applies. It is
// called before anything is served.
func (s *Store) OnChange(f func(*sqldb.Tx)) { s.changed = append(s.changed, f) }

// Today is the day that the law of today is asked for.
func (s *Store) Today() calendar.Date { return calendar.On(s.now(), time.UTC) }

// A layer is one row of policy_layers.
type layer struct {
	seq      int64
	day      string
	marks    policy.Marks
	packs    packList
	standing bool
	waiting  int
	at       int64
	opening  []byte
}

type packList struct {
	Packs   []string `json:"packs"` // hex SHA-256
	Adopted []string `json:"adopted,omitempty"`
}

const layerColumns = `seq, day, packs_hash, law, applied, packs, standing, waiting, at, opening`

func scanLayer(scan func(...any) error) (l layer, err error) {
	var packs, law, applied []byte
	var list string
	var standing int
	if err := scan(&l.seq, &l.day, &packs, &law, &applied, &list, &standing, &l.waiting, &l.at, &l.opening); err != nil {
		return l, err
	}
	if len(packs) != sha256.Size || len(law) != sha256.Size || len(applied) != sha256.Size {
		return l, fmt.Errorf("policy: layer %d: a mark is not whole: %w", l.seq, thimble.ErrInvalid)
	}
	l.marks = policy.Marks{Packs: [32]byte(packs), Law: [32]byte(law), Applied: [32]byte(applied)}
	l.standing = standing == 1
	return l, json.Unmarshal([]byte(list), &l.packs)
}

func layers(ctx context.Context, tx *sqldb.Tx, where string) (all []layer, err error) {
	rows, err := tx.Query(ctx, `select `+layerColumns+` from policy_layers `+where+` order by seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scanLayer(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

// A standing is what a regime stands on.
type standing struct {
	layers   []policy.Layer
	accepted []string
	last     int64 // the newest layer
}

// standing reads what is stored.
func (s *Store) standing(ctx context.Context, tx *sqldb.Tx) (st standing, err error) {
	all, err := layers(ctx, tx, `where standing = 1`)
	if err != nil {
		return st, err
	}
	today := s.regime.Library().Hash()
	for _, l := range all {
		day, err := calendar.ParseDate(l.day)
		if err != nil {
			return st, err
		}
		library := s.regime.Library()
		if l.marks.Packs != today {
			if library, err = s.restore(ctx, tx, l); err != nil {
				return st, err
			}
		}
		st.layers = append(st.layers, policy.Layer{Library: library, On: day})
	}
	var first int64
	if len(all) > 0 {
		first, st.last = all[0].seq, all[len(all)-1].seq
	}
	st.accepted, err = sqldb.Column[string](ctx, tx, `select change_id from policy_acceptances where layer >= $1`, first)
	return st, err
}

// tried is the regime on a standing that is not durable yet: nobody is judged by it.
func (s *Store) tried(st standing) *policy.Regime {
	return policy.NewRegime(s.regime.Library(), s.regime.Shop(), st.layers, st.accepted...)
}

// stand has the regime stand on what is stored.
func (s *Store) stand(ctx context.Context) error {
	return s.db.Read(ctx, func(tx *sqldb.Tx) error {
		st, err := s.standing(ctx, tx)
		if err == nil {
			s.regime.Stand(st.layers, st.accepted...)
		}
		return err
	})
}

// restore reads the packs of a layer, and holds them against its mark. It remembers
// them: layers stay for as long as something waits.
func (s *Store) restore(ctx context.Context, tx *sqldb.Tx, l layer) (*policy.Library, error) {
	s.restoring.Lock()
	defer s.restoring.Unlock()
	if library := s.restored[l.marks.Packs]; library != nil {
		return library, nil
	}
	hashes := make([][32]byte, len(l.packs.Packs))
	for i, text := range l.packs.Packs {
		h, err := hex.DecodeString(text)
		if err != nil || len(h) != sha256.Size {
			return nil, fmt.Errorf("policy: layer %d names a pack by no hash: %w", l.seq, thimble.ErrInvalid)
		}
		hashes[i] = [32]byte(h)
	}
	library, err := s.regime.Library().Restore(l.packs.Adopted, hashes, func(h [32]byte) (body []byte, err error) {
		err = tx.QueryRow(ctx, `select body from policy_packs where hash = $1`, h[:]).Scan(&body)
		return body, err
	})
	if err != nil {
		return nil, fmt.Errorf("policy: layer %d: %w", l.seq, err)
	}
	if library.Hash() != l.marks.Packs {
		return nil, fmt.Errorf("policy: layer %d: the packs are not those that were recorded; put the database back from a backup: %w", l.seq, thimble.ErrInvalid)
	}
	s.restored[l.marks.Packs] = library
	return library, nil
}

func newest(ctx context.Context, tx *sqldb.Tx) (l layer, found bool, err error) {
	l, err = scanLayer(tx.QueryRow(ctx, `select `+layerColumns+` from policy_layers order by seq desc limit 1`).Scan)
	if err == sql.ErrNoRows { //nolint:errorlint // Scan returns it bare
		return l, false, nil
	}
	return l, err == nil, err
}

func insertLayer(ctx context.Context, tx *sqldb.Tx, l layer) error {
	list, err := json.Marshal(l.packs)
	if err != nil {
		return err
	}
	standing := 0
	if l.standing {
		standing = 1
	}
	_, err = tx.Exec(ctx, `insert into policy_layers (`+layerColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		l.seq, l.day, l.marks.Packs[:], l.marks.Law[:], l.marks.Applied[:], string(list), standing, l.waiting, l.at, l.opening)
	return err
}

const perInsert = 12 // of five parameters

// keepPacks keeps the packs of today, as far as they are new.
func keepPacks(ctx context.Context, tx *sqldb.Tx, all []policy.Kept, at int64) error {
	for part := range slices.Chunk(all, perInsert) {
		var values []string
		var args []any
		for i, k := range part {
			n := 5 * i
			values = append(values, fmt.Sprintf("($%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5))
			args = append(args, k.Hash[:], k.ID, k.Version, k.Text, at)
		}
		_, err := tx.Exec(ctx, `insert into policy_packs (hash, pack_id, version, body, first_seen) values `+strings.Join(values, ", ")+` on conflict (hash) do nothing`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
