package ledgerdb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// An Audit is what came of holding the database against its own log.
type Audit struct {
	At       time.Time
	Took     time.Duration
	Size     int64 // leaves of the signed tree
	Compared int   // rows held against their leaf
	Findings []ledger.Finding
}

// Sound checks that the stored log is the one that its key signed, and that it extends
// a checkpoint that was seen before: one kept outside of the database, so that a database that was
// put back from a backup is noticed. Seen may be empty. It reads the tree's edge and not
// the whole log: see [Log.Check]. The error is ErrAltered, ledger.ErrRolledBack or
// ledger.ErrForked.
func (l *Log) Sound(ctx context.Context, seen []byte) error {
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		head, _, err := l.load(ctx, tx)
		if err != nil || len(seen) == 0 {
			return err
		}
		ended, err := l.endedKeys(ctx, tx)
		if err != nil {
			return err
		}
		return l.extends(ctx, tx, seen, append(ended, epochKey{state: head, vkey: l.VerifierKey()}))
	})
	return wrap("checking against what was seen", err)
}

type epochKey struct {
	state
	vkey string
}

func (l *Log) endedKeys(ctx context.Context, tx *sqldb.Tx) (all []epochKey, err error) {
	states, err := l.ended(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		k := epochKey{state: s}
		if err := tx.QueryRow(ctx, `select vkey from ledger_epochs where epoch = $1`, s.epoch).Scan(&k.vkey); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// extends holds a checkpoint against the epoch it is of; the last one is the current.
func (l *Log) extends(ctx context.Context, tx *sqldb.Tx, seen []byte, epochs []epochKey) error {
	for i, e := range epochs {
		c, err := ledger.OpenCheckpoint(seen, e.vkey)
		if err != nil {
			continue
		}
		if c.Size > e.Size {
			if i < len(epochs)-1 {
				return nil // that is why the next epoch was opened
			}
			return fmt.Errorf("%w: it has %d leaves, %d were seen", ledger.ErrRolledBack, e.Size, c.Size)
		}
		root := c.Root
		if c.Size > 0 {
			if root, err = tlog.TreeHash(c.Size, hashReader(ctx, tx, e.hashes)); err != nil {
				return err
			}
		}
		if root != c.Root {
			return fmt.Errorf("%w: at %d leaves", ledger.ErrForked, c.Size)
		}
		return nil
	}
	return fmt.Errorf("%w: the checkpoint that was seen is of another log or under another key", ErrAltered)
}

// Compare holds rows against their leaves. Gone says whether a person was erased: their
// rows may be unreadable, and no others. Exact are the classes whose leaves all
// have a row that stays.
func (l *Log) Compare(ctx context.Context, claims iter.Seq2[ledger.Claim, error], gone func(context.Context, thimble.SubjectID) (bool, error), exact ...ledger.Class) (n int, found []ledger.Finding, err error) {
	before, err := l.perClass(ctx)
	if err != nil {
		return 0, nil, err
	}
	tally, rows := tally{}, map[ledger.Class]int64{}
	for c, err := range claims {
		if err != nil {
			return n, nil, wrap("auditing", err)
		}
		n++
		rows[c.Class]++
		rule, err := l.judge(ctx, c, gone)
		if err != nil {
			return n, nil, wrap("auditing", err)
		}
		tally.add(c.Table, rule)
	}
	after, err := l.perClass(ctx)
	if err != nil {
		return n, nil, err
	}
	for _, class := range exact {
		// Rows are read while others write; what was there before is the least, and what
		// is there after the most.
		if rows[class] < before[class] {
			tally[ledger.Finding{Table: "ledger_leaves", Rule: "a leaf of class " + class.String() + " has no row: rows were deleted"}] = int(before[class] - rows[class])
		}
		if rows[class] > after[class] {
			tally[ledger.Finding{Table: "ledger_leaves", Rule: "a row of class " + class.String() + " has no leaf: leaves were deleted, or rows were made up"}] = int(rows[class] - after[class])
		}
	}
	return n, tally.list(), nil
}

// judge returns the rule that a claim breaks, or "".
func (l *Log) judge(ctx context.Context, c ledger.Claim, gone func(context.Context, thimble.SubjectID) (bool, error)) (string, error) {
	if errors.Is(c.Err, thimble.ErrUnavailable) {
		return "", c.Err
	}
	if c.Err != nil && c.Subject.IsZero() {
		return "the row cannot be read", nil
	}
	if c.Err != nil || c.Rule != "" {
		if !c.Subject.IsZero() {
			if erased, err := gone(ctx, c.Subject); err != nil || erased {
				return "", err
			}
		}
		if c.Rule == "" {
			c.Rule = "the row cannot be opened although its person was not erased"
		}
		return c.Rule, nil
	}
	if c.Opening.Check() != nil {
		return ledger.Differs, nil
	}
	if c.Within {
		return "", nil
	}
	var leaf []byte
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `select leaf from ledger_leaves where substr(leaf, 23, 32) = $1`, c.Opening.Leaf[ledger.CommitmentAt:]).Scan(&leaf)
		if errors.Is(err, sql.ErrNoRows) {
			err = tx.QueryRow(ctx, `select leaf from ledger_queue where substr(leaf, 23, 32) = $1`, c.Opening.Leaf[ledger.CommitmentAt:]).Scan(&leaf)
		}
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "the row's leaf is not in the log", nil
	case err != nil:
		return "", err
	case string(leaf) != string(c.Opening.Leaf):
		return "the row's leaf was changed in the log", nil
	}
	return "", nil
}

// perClass counts the leaves of each class, of all epochs and queued ones too.
func (l *Log) perClass(ctx context.Context) (counts map[ledger.Class]int64, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		counts = map[ledger.Class]int64{}
		for _, class := range ledger.Classes() {
			var n int64
			err := tx.QueryRow(ctx, `select (select count(*) from ledger_leaves where substr(leaf, 2, 1) = $1) + (select count(*) from ledger_queue where substr(leaf, 2, 1) = $1)`,
				[]byte{byte(class)}).Scan(&n)
			if err != nil {
				return err
			}
			counts[class] = n
		}
		return nil
	})
	return counts, wrap("counting leaves", err)
}

// tally counts the rows that break each rule.
type tally map[ledger.Finding]int

func (t tally) add(table, rule string) {
	if rule != "" {
		t[ledger.Finding{Table: table, Rule: rule}]++
	}
}

func (t tally) list() (all []ledger.Finding) {
	for f, n := range t {
		f.Rows = n
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b ledger.Finding) int { return strings.Compare(a.Table+a.Rule, b.Table+b.Rule) })
	return all
}

// Claims are the ledger's own rows: acts, and the first leaves of epochs.
func (l *Log) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		epochs, err := l.EndedEpochs(ctx)
		for _, e := range epochs {
			if !yield(ledger.Claim{Table: "ledger_epochs", Class: ledger.System, Opening: e.Next}, nil) {
				return
			}
		}
		acts, actErr := l.intents(ctx, `order by opened_at, id`)
		for _, i := range acts {
			for _, c := range actClaims(i) {
				if !yield(c, nil) {
					return
				}
			}
		}
		if err = errors.Join(err, actErr); err != nil {
			yield(ledger.Claim{}, err)
		}
	}
}

func actClaims(i ledger.Intent) []ledger.Claim {
	e, err := i.Announcement()
	all := []ledger.Claim{{Table: "ledger_intents", Class: i.Class, Opening: i.Opening, Rule: ledger.RuleIf(err == nil && string(e.Record) == string(i.Opening.Record))}}
	if i.Done.IsZero() {
		return all
	}
	e, err = i.Closing()
	// A version closes the act that keeps its file in its own words.
	return append(all, ledger.Claim{Table: "ledger_intents", Class: i.Class, Opening: i.Completion, Rule: ledger.RuleIf(err == nil && string(e.Record) == string(i.Completion.Record))})
}

// keptAudits bounds how many are kept.
const keptAudits = 30

// KeepAudit stores an audit for the console.
func (l *Log) KeepAudit(ctx context.Context, a Audit) error {
	findings, err := json.Marshal(a.Findings)
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	return wrap("keeping an audit", l.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into ledger_audits (id, at, took_ms, size, compared, findings) values ($1, $2, $3, $4, $5, $6)`,
			id, a.At.UnixMicro(), a.Took.Milliseconds(), a.Size, a.Compared, string(findings))
		if err == nil {
			_, err = tx.Exec(ctx, `delete from ledger_audits where id not in (select id from ledger_audits order by at desc, id limit $1)`, keptAudits)
		}
		return err
	}))
}

// LastAudit returns the newest audit; the error is of kind ErrNotFound before the
// first.
func (l *Log) LastAudit(ctx context.Context) (a Audit, err error) {
	var at, ms int64
	var findings string
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select at, took_ms, size, compared, findings from ledger_audits order by at desc, id limit 1`).Scan(&at, &ms, &a.Size, &a.Compared, &findings)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("there was no audit yet: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return a, wrap("reading the last audit", err)
	}
	a.At, a.Took = time.UnixMicro(at).UTC(), time.Duration(ms)*time.Millisecond
	return a, json.Unmarshal([]byte(findings), &a.Findings)
}

// ClockDiffers says how the clock does not fit what was recorded, or "": the newest
// leaf is from the future, a later leaf is a day older than an earlier one, or the
// clock of a witness that cosigned said something else when it was asked.
func (l *Log) ClockDiffers(ctx context.Context, by time.Duration) (rule string, err error) {
	now := l.cfg.Now()
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		rule = ""
		last := uint32(0)
		for from := int64(0); ; {
			leaves, err := column(ctx, tx, `select idx, substr(leaf, 3, 4) from ledger_leaves where idx >= $1 order by idx limit $2`, from, checkAt)
			if err != nil || len(leaves) == 0 {
				return err
			}
			for _, b := range leaves {
				hour := binary.BigEndian.Uint32(b)
				if hour+24 < last {
					rule = "a leaf is more than a day older than one before it: the clock was set back"
				}
				if last = max(last, hour); time.Unix(int64(hour)*3600, 0).After(now.Add(by)) {
					rule = "a leaf is from the future: the clock was set back"
				}
			}
			from += int64(len(leaves))
		}
	})
	if err != nil || rule != "" || l.cfg.Policy == nil {
		return rule, wrap("checking the clock", err)
	}
	return l.witnessClocks(ctx, by)
}

func (l *Log) witnessClocks(ctx context.Context, by time.Duration) (string, error) {
	all, err := l.Witnesses(ctx)
	if err != nil {
		return "", err
	}
	for _, w := range all {
		if w.ClockOff.Abs() > by {
			return fmt.Sprintf("the clock of the witness %s differs by %s", w.Name, w.ClockOff.Round(time.Second)), nil
		}
	}
	return "", nil
}
