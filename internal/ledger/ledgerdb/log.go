package ledgerdb

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Signer signs checkpoints in the log's name, and says how to verify them.
// *ledger.Signer is one.
type Signer interface {
	note.Signer
	VerifierKey() string
}

// Config holds what has working zero values.
type Config struct {
	Now   func() time.Time // nil means time.Now
	Rand  io.Reader        // source of salts; nil means crypto/rand
	Every time.Duration    // between checkpoints when nobody waits; 0 means 1 s
	Batch int              // leaves per transaction of the sequencer at most, while many wait; 0 means 1024
	Lease time.Duration    // how long a silent sequencer keeps others out; 0 means 3 s
	Log   *slog.Logger     // nil means silence

	// Witnesses are asked for a cosignature after each checkpoint, beside the
	// sequencer and never in its way.
	Witnesses []Witness
	// Policy says which of them make a checkpoint one that others may rely on; nil
	// means that none is needed.
	Policy *ledger.Policy
	// Beforehand runs before a checkpoint is shown to witnesses; an error puts that off. What must
	// not be older than what they have seen is kept by it.
	Beforehand func(context.Context) error
	// Refresh is how often witnesses are asked when nothing is new; 0 means an hour.
	Refresh time.Duration
}

// A Log is the ledger in one database. Its methods may be called concurrently.
type Log struct {
	db     *sqldb.DB
	signer Signer
	cfg    Config

	randMu sync.Mutex

	step    sync.Mutex // one integration at a time
	lease   lease      // guarded by step, as is
	watched watched    // the lease of another, if it ends too late

	wake   chan struct{} // has room for one: somebody waits
	mu     sync.Mutex
	seen   tlog.Tree           // the newest tree this process has met
	opened ledger.Checkpoint   // the last checkpoint that was verified
	quorum ledger.Checkpoint   // the last that reached the quorum and was verified
	signed chan struct{}       // closed when a newer checkpoint is committed
	acts   map[thimble.ID]bool // announced here and not left yet
	health health

	publisher publisher
}

// New makes the log over the core set of db. The signer's name is the log's
// origin.
func New(db *sqldb.DB, signer Signer, cfg Config) *Log {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 1024
	}
	if cfg.Lease <= 0 {
		cfg.Lease = 3 * time.Second
	}
	if cfg.Refresh <= 0 {
		cfg.Refresh = time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Log{db: db, signer: signer, cfg: cfg, wake: make(chan struct{}, 1), signed: make(chan struct{}), acts: map[thimble.ID]bool{}}
}

// Origin returns the log's name.
func (l *Log) Origin() string { return l.signer.Name() }

// VerifierKey returns the log's public key as "origin+hash+key".
func (l *Log) VerifierKey() string { return l.signer.VerifierKey() }

// Queue commits to an entry in the caller's transaction. The leaf is durable
// when the transaction is; the caller keeps the opening, sealed.
func (l *Log) Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error) {
	openings, err := l.QueueMany(ctx, tx, []ledger.Entry{e})
	if err != nil {
		return ledger.Opening{}, err
	}
	return openings[0], nil
}

// QueueMany is Queue for several entries at the price of one statement. The
// leaves keep their order in the tree.
func (l *Log) QueueMany(ctx context.Context, tx *sqldb.Tx, entries []ledger.Entry) ([]ledger.Opening, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	openings, err := l.Commit(entries...)
	if err != nil {
		l.health.queued(ctx, l.cfg.Now(), err)
		return nil, err
	}
	return openings, l.Enqueue(ctx, tx, openings...)
}

// Commit commits to entries outside of any transaction, for who seals the openings
// before one begins: see [Log.Enqueue]. Until then nothing is recorded.
func (l *Log) Commit(entries ...ledger.Entry) ([]ledger.Opening, error) {
	openings, err := l.commit(entries)
	if err != nil {
		return nil, fmt.Errorf("ledgerdb: queueing: %w", err)
	}
	return openings, nil
}

// Enqueue queues what [Log.Commit] returned, in the caller's transaction.
func (l *Log) Enqueue(ctx context.Context, tx *sqldb.Tx, openings ...ledger.Opening) error {
	if err := l.enqueue(ctx, tx, openings); err != nil {
		l.health.queued(ctx, l.cfg.Now(), err)
		return fmt.Errorf("ledgerdb: queueing: %w", err)
	}
	tx.OnCommit(func() { l.health.queued(ctx, l.cfg.Now(), nil) })
	return nil
}

func (l *Log) commit(entries []ledger.Entry) ([]ledger.Opening, error) {
	salts := make([][ledger.SaltSize]byte, len(entries))
	if err := l.draw(salts); err != nil {
		return nil, err
	}
	openings := make([]ledger.Opening, len(entries))
	for i, e := range entries {
		if e.At.IsZero() {
			e.At = l.cfg.Now()
		}
		var err error
		if openings[i], err = ledger.Commit(e, salts[i]); err != nil {
			return nil, err
		}
	}
	return openings, nil
}

func (l *Log) draw(salts [][ledger.SaltSize]byte) error {
	l.randMu.Lock()
	defer l.randMu.Unlock()
	for i := range salts {
		if _, err := io.ReadFull(l.cfg.Rand, salts[i][:]); err != nil {
			return fmt.Errorf("drawing a salt: %w", errors.Join(err, thimble.ErrUnavailable))
		}
	}
	return nil
}

const queueOne = `insert into ledger_queue (leaf, queued_at) values ($1, $2)`

func (l *Log) enqueue(ctx context.Context, tx *sqldb.Tx, openings []ledger.Opening) error {
	now := l.cfg.Now().UnixMicro()
	if len(openings) == 1 {
		_, err := tx.Exec(ctx, queueOne, openings[0].Leaf, now)
		return err
	}
	var leaves bytes.Buffer
	for _, o := range openings {
		leaves.Write(o.Leaf)
	}
	_, err := tx.Exec(ctx, queueMany(tx.Engine()), leaves.Bytes(), now, len(openings))
	return err
}

// Rows of one size travel as one value and are cut apart in the database: for
// the engines that costs a fraction of as many parameters.
const rows = `with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < $3) `

func queueMany(e sqldb.Engine) string {
	return rows + `insert into ledger_queue (leaf, queued_at)
		select substr(` + blob(e) + `, i * 54 + 1, 54), cast($2 as bigint) from n order by i`
}

func storeHashes(e sqldb.Engine) string {
	return rows + `insert into ledger_hashes (idx, hash)
		select cast($2 as bigint) + i, substr(` + blob(e) + `, i * 32 + 1, 32) from n`
}

// blob is the first parameter as bytes; the engines have no common word for them.
func blob(e sqldb.Engine) string {
	if e == sqldb.PostgreSQL {
		return `cast($1 as bytea)`
	}
	return `cast($1 as blob)`
}
