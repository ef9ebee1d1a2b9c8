package devicedb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/device"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction; *ledgerdb.Log does.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Store keeps releases and acceptances.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	now    func() time.Time
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, now func() time.Time) *Store {
	return &Store{db: db, ledger: l, now: now}
}

// An Order says who has something done and why.
type Order struct{ By, Reason string }

// maxReason bounds a reason, in bytes.
const maxReason = 500

// Check refuses an order without a name or a reason. The error is of kind ErrInvalid.
func (o Order) Check() error {
	if o.By == "" || o.Reason == "" || len(o.Reason) > maxReason {
		return fmt.Errorf("device: an order needs a name and a reason of 1 to %d bytes: %w", maxReason, thimble.ErrInvalid)
	}
	return nil
}

// A Release is a noised file, or an acceptance of files without noise.
type Release struct {
	Number      int64
	Kind        device.Kind
	Made, Until time.Time
	Order
	Spend     device.Spend
	Statement string
	SHA256    string // of a noised file
	Ended     time.Time
	EndedBy   string

	body, opening, closing []byte
}

// Valid reports whether it counts at a moment.
func (r Release) Valid(now time.Time) bool { return r.Ended.IsZero() && now.Before(r.Until) }

// record is what the leaf of a release commits to, and that of its end.
type record struct {
	Number    int64        `json:"device_release"`
	Kind      string       `json:"kind"`
	Step      string       `json:"step"` // released, ended
	Until     time.Time    `json:"until"`
	Spend     device.Spend `json:"spend"`
	Statement string       `json:"statement"`
	SHA256    string       `json:"sha256,omitempty"`
	Reason    string       `json:"reason"`
	By        string       `json:"by"`
	At        time.Time    `json:"at"`
}

func (r Release) record(step string) record {
	out := record{r.Number, r.Kind.String(), step, r.Until.UTC(), r.Spend, r.Statement, r.SHA256, r.Reason, r.By, r.Made.UTC()}
	if step == "ended" {
		out.By, out.At = r.EndedBy, r.Ended.UTC()
	}
	return out
}

func (s *Store) leaf(ctx context.Context, tx *sqldb.Tx, r record) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Model, At: r.At, Record: b})
	if err != nil {
		return nil, err
	}
	return o.MarshalBinary()
}

// release records r with its leaf. Its spend has to fit the budget, with all that was spent.
func (s *Store) release(ctx context.Context, r Release, b device.Budget) (Release, error) {
	if err := r.Check(); err != nil {
		return r, err
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		spent, err := s.spent(ctx, tx)
		if err != nil {
			return err
		}
		if r.Kind == device.Noised {
			if err := b.Fits(spent, r.Spend); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, `select coalesce(max(number), 0) + 1 from recommend_device_files`).Scan(&r.Number); err != nil {
			return err
		}
		if r.opening, err = s.leaf(ctx, tx, r.record("released")); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into recommend_device_files (number, kind, actor, reason, made_at, until, ended_at, ended_by, rho, miss, statement, sha256, body, opening, closing)
			values ($1, $2, $3, $4, $5, $6, 0, '', $7, $8, $9, $10, $11, $12, $13)`,
			r.Number, int64(r.Kind), r.By, r.Reason, r.Made.UnixMicro(), r.Until.UnixMicro(), int64(r.Spend.Rho), int64(r.Spend.Miss), r.Statement, r.SHA256, nonNil(r.body), r.opening, []byte{})
		return err
	})
	if err != nil {
		return r, fmt.Errorf("device: releasing: %w", err)
	}
	return r, nil
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// End has a release count no more. Its bytes are destroyed; what was spent stays spent.
func (s *Store) End(ctx context.Context, number int64, by string) error {
	if by == "" {
		return fmt.Errorf("device: ending a release: a name is expected: %w", thimble.ErrInvalid)
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all, err := query(ctx, tx, `where number = $1`, number)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return thimble.ErrNotFound
		}
		r, now := all[0], s.now().UTC().Truncate(time.Microsecond)
		if !r.Valid(now) {
			return fmt.Errorf("it has ended already: %w", thimble.ErrConflict)
		}
		r.Ended, r.EndedBy = now, by
		closing, err := s.leaf(ctx, tx, r.record("ended"))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update recommend_device_files set ended_at = $1, ended_by = $2, closing = $3, body = $4 where number = $5`, now.UnixMicro(), by, closing, []byte{}, number)
		return err
	})
	if err != nil {
		return fmt.Errorf("device: ending release %d: %w", number, err)
	}
	return nil
}

// Releases returns all releases, the newest first.
func (s *Store) Releases(ctx context.Context) (all []Release, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = query(ctx, tx, `order by number desc`)
		return err
	})
	return all, err
}

// Spent returns what all noised files have spent.
func (s *Store) Spent(ctx context.Context) (sum device.Spend, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		sum, err = s.spent(ctx, tx)
		return err
	})
	return sum, err
}

func (s *Store) spent(ctx context.Context, tx *sqldb.Tx) (device.Spend, error) {
	var rho, miss int64
	err := tx.QueryRow(ctx, `select coalesce(sum(rho), 0), coalesce(sum(miss), 0) from recommend_device_files`).Scan(&rho, &miss)
	return device.Spend{Rho: uint64(rho), Miss: uint64(miss)}, err
}

// standing returns the newest release of a kind that counts now, and false when none does.
func (s *Store) standing(ctx context.Context, k device.Kind) (r Release, ok bool, err error) {
	now := s.now()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := query(ctx, tx, `where kind = $1 and ended_at = 0 and until > $2 order by number desc limit 1`, int64(k), now.UnixMicro())
		if ok = len(all) > 0; ok {
			r = all[0]
		}
		return err
	})
	return r, ok, err
}

// Expire destroys the bytes of files that have run out, and returns how many.
func (s *Store) Expire(ctx context.Context) (n int64, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err = tx.Exec(ctx, `update recommend_device_files set body = $1 where until <= $2 and length(body) > 0`, []byte{}, s.now().UnixMicro())
		return err
	})
	return n, err
}

func query(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []Release, err error) {
	rows, err := tx.Query(ctx, `select number, kind, actor, reason, made_at, until, ended_at, ended_by, rho, miss, statement, sha256, body, opening, closing from recommend_device_files `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Release
		var kind, made, until, ended, rho, miss int64
		if err := rows.Scan(&r.Number, &kind, &r.By, &r.Reason, &made, &until, &ended, &r.EndedBy, &rho, &miss, &r.Statement, &r.SHA256, &r.body, &r.opening, &r.closing); err != nil {
			return nil, err
		}
		r.Kind, r.Made, r.Until = device.Kind(kind), time.UnixMicro(made).UTC(), time.UnixMicro(until).UTC()
		if ended > 0 {
			r.Ended = time.UnixMicro(ended).UTC()
		}
		r.Spend = device.Spend{Rho: uint64(rho), Miss: uint64(miss)}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Claims are what releases and their ends say of their leaves.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		all, err := s.Releases(ctx)
		var claims []ledger.Claim
		for _, r := range all {
			claims = append(claims, r.claim("released", r.opening))
			if !r.Ended.IsZero() || len(r.closing) > 0 {
				claims = append(claims, r.claim("ended", r.closing))
			}
		}
		ledger.YieldAll(yield, claims, err)
	}
}

func (r Release) claim(step string, opening []byte) ledger.Claim {
	record, err := json.Marshal(r.record(step))
	return ledger.Held("recommend_device_files", ledger.Model, opening, record, err)
}
