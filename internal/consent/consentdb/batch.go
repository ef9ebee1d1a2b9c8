package consentdb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/till"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// People finds whom an identifier names; *subjectdb.Store does.
type People interface {
	FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
	Suppressed(ctx context.Context, ids []subject.Identifier) ([]bool, error)
}

// A BatchReport says what became of a batch.
type BatchReport struct {
	Recorded int // choices that are events now
	Same     int // refusals and withdrawals that changed nothing
	Rejects  []till.Reject
}

// The rules by which a verified choice is not recorded.
const (
	ruleForgotten = "the person was forgotten: a grant needs them to come back themselves"
	ruleNobody    = "nobody has this identifier; import the person first"
	ruleLater     = "the person has said no since: the later no holds"
	ruleOver      = "the consent has run out since it was given; ask again"
)

// RecordBatch verifies a batch of a till and records what counts, in one durable
// transaction with the till's number, so that a batch counts once. Grants of people who
// were forgotten or are unknown are rejected; their refusals and withdrawals are
// accepted and change nothing. The errors are those of [till.Batch.Verify].
func (s *Store) RecordBatch(ctx context.Context, b *till.Batch, people People) (BatchReport, error) {
	var choices []till.Choice
	var rejects []till.Reject
	verify := func(tx *sqldb.Tx) error {
		k, err := s.known(ctx, tx, b)
		if err == nil {
			choices, rejects, err = b.Verify(k)
		}
		return err
	}
	// People are looked up outside the transaction that writes; that one verifies again.
	if err := s.db.Read(ctx, verify); err != nil {
		return BatchReport{}, err
	}
	ids := make([]subject.Identifier, len(choices))
	for i, c := range choices {
		ids[i] = c.Who
	}
	found, err := people.FindAll(ctx, ids)
	if err != nil {
		return BatchReport{}, err
	}
	forgotten, err := people.Suppressed(ctx, ids)
	if err != nil {
		return BatchReport{}, err
	}
	var r BatchReport
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := verify(tx); err != nil {
			return err
		}
		r = BatchReport{Rejects: slices.Clone(rejects)}
		for i, c := range choices {
			if err := s.recordOffline(ctx, tx, b, c, found[i], forgotten[i], &r); err != nil {
				return err
			}
		}
		return s.close(ctx, tx, b, r)
	})
	if err != nil {
		return BatchReport{}, fmt.Errorf("consent: recording batch %d of %s: %w", b.Sequence, b.Till, err)
	}
	slices.SortStableFunc(r.Rejects, func(a, b till.Reject) int { return a.Line - b.Line })
	return r, nil
}

func (s *Store) recordOffline(ctx context.Context, tx *sqldb.Tx, b *till.Batch, c till.Choice, who thimble.SubjectID, forgotten bool, r *BatchReport) error {
	reject := func(rule string) { r.Rejects = append(r.Rejects, till.Reject{Line: c.Line, Rule: rule}) }
	if who.IsZero() {
		switch {
		case !c.Grants():
			r.Same++
		case forgotten:
			reject(ruleForgotten)
		default:
			reject(ruleNobody)
		}
		return nil
	}
	st := consent.Standing{Purpose: c.Purpose}
	if err := s.StandingTx(ctx, tx, who, &st); err != nil {
		return err
	}
	no := st.State.Refuses()
	switch {
	case no && !c.Grants():
		r.Same++
		return nil
	// The till's clock can only make it stricter: a no from here is ordered by ours.
	case no && !c.At.After(st.At):
		reject(ruleLater)
		return nil
	case c.Grants() && !s.now().Before(c.At.Add(consent.Lives)):
		reject(ruleOver)
		return nil
	}
	_, err := s.RecordTx(ctx, tx, who, []consent.Choice{{Purpose: c.Purpose, State: c.State}}, How{
		Notice: c.Notice, By: consent.By{Actor: "signal:till", Auth: "ed25519"}, Since: c.At,
		UI: consent.UI{Component: "till", Path: []string{b.Till, strconv.FormatInt(b.Sequence, 10), strconv.Itoa(c.Line), c.At.Format(time.RFC3339)}},
	})
	if err == nil {
		r.Recorded++
	}
	return err
}

// close takes the till's number.
func (s *Store) close(ctx context.Context, tx *sqldb.Tx, b *till.Batch, r BatchReport) error {
	text, err := b.Canonical()
	if err != nil {
		return err
	}
	digest := sha256.Sum256(text)
	_, err = tx.Exec(ctx, `insert into consent_batches (till, sequence, key_id, digest, entries, recorded, rejected, recorded_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, b.Till, b.Sequence, b.Key, digest[:], len(b.Entries), r.Recorded, len(r.Rejects), s.now().UnixMicro())
	return err
}
