package consentdb

import (
	"context"
	"iter"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

const claimsPage = 500

// eventRow is a stored event, sealed.
type eventRow struct {
	who  thimble.SubjectID
	seq  int64
	at   int64
	body []byte
}

// scoped is what a person has one standing on.
type scoped struct {
	purpose thimble.Purpose
	scope   consent.Scope
}

// Claims are what the events say of their leaves, and whether the current state follows
// from them. It opens every event, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var before eventRow
		state := map[scoped]consent.Event{}
		for {
			page, err := s.eventPage(ctx, before)
			if err != nil {
				yield(ledger.Claim{}, err)
				return
			}
			for _, r := range page {
				if r.who != before.who {
					if !s.yieldState(ctx, before.who, state, yield) {
						return
					}
					clear(state)
				}
				before = r
				c, e := s.claim(ctx, r)
				if c.Err == nil && c.Rule == "" {
					state[scoped{e.Purpose, e.Scope}] = e
				}
				if !yield(c, nil) {
					return
				}
			}
			if len(page) < claimsPage {
				s.yieldState(ctx, before.who, state, yield)
				return
			}
		}
	}
}

func (s *Store) eventPage(ctx context.Context, after eventRow) (page []eventRow, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		page = nil
		rows, err := tx.Query(ctx, `select subject_id, seq, at, body from consent_events
			where subject_id > $1 or subject_id = $1 and seq > $2 order by subject_id, seq limit $3`, after.who[:], after.seq, claimsPage)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r eventRow
			if err := rows.Scan(&r.who, &r.seq, &r.at, &r.body); err != nil {
				return err
			}
			page = append(page, r)
		}
		return rows.Err()
	})
	return page, err
}

func (s *Store) claim(ctx context.Context, r eventRow) (ledger.Claim, consent.Event) {
	c := ledger.Claim{Table: "consent_events", Class: ledger.Consent, Subject: r.who}
	var e consent.Event
	if c.Opening, c.Err = ledger.Unseal(ctx, s.vault, cell(r.who, r.seq), r.body); c.Err != nil {
		return c, e
	}
	e, err := consent.Unmarshal(c.Opening.Record)
	c.Rule = ledger.RuleIf(err == nil && e.Subject == r.who && e.Seq == r.seq && e.At.Equal(time.UnixMicro(r.at)))
	return c, e
}

// yieldState tells when the current state of a person is not what the events give.
func (s *Store) yieldState(ctx context.Context, who thimble.SubjectID, want map[scoped]consent.Event, yield func(ledger.Claim, error) bool) bool {
	if who.IsZero() || len(want) == 0 {
		return true
	}
	stands, err := s.Standings(ctx, who)
	if err != nil {
		return yield(ledger.Claim{}, err)
	}
	agree := len(stands) == len(want)
	for _, st := range stands {
		e, ok := want[scoped{st.Purpose, st.Scope}]
		agree = agree && ok && st.State == e.State && st.Seq == e.Seq && st.At.Equal(e.At) && st.Expires.Equal(e.Expires)
	}
	if agree {
		return true
	}
	// A choice may have come in after the events were read.
	page, err := s.eventPage(ctx, eventRow{who: who, seq: last(want)})
	if err != nil || len(page) > 0 && page[0].who == who {
		return err == nil || yield(ledger.Claim{}, err)
	}
	return yield(ledger.Claim{Table: "consent_state", Subject: who, Rule: "the current state does not follow from the events"}, nil)
}

func last(events map[scoped]consent.Event) (seq int64) {
	for _, e := range events {
		seq = max(seq, e.Seq)
	}
	return seq
}
