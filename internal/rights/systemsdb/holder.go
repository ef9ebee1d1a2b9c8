package systemsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "systems" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "systems_tasks"}}
}

// exported is a task as its person reads it.
type exported struct {
	System string        `json:"system"`
	Asked  cases.Kind    `json:"asked"`
	Case   string        `json:"request"`
	State  systems.State `json:"state"`
	Due    time.Time     `json:"due"`
	Told   time.Time     `json:"told,omitzero"`
	Ended  time.Time     `json:"answered,omitzero"`
	Proof  string        `json:"proof,omitempty"`
}

// Export implements thimble.Holder: which system was asked for what, and how far it is.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.tasks(ctx, `where subject_id = $1 order by at, id`, who)
		names := map[thimble.ID]string{}
		if err == nil {
			names, err = s.SystemNames(ctx)
		}
		for _, t := range all {
			if err != nil {
				break
			}
			out := exported{names[t.System], t.Kind, t.Case.Token(cases.TokenPrefix), t.State, t.Due, t.Told, t.Ended, t.Proof}
			if !yield(thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: t.ID.Token(systems.TaskPrefix), Value: out, At: t.At}, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("systems: exporting a person: %w", err))
		}
	}
}

// SystemNames are the names of all systems, by id.
func (s *Store) SystemNames(ctx context.Context) (map[thimble.ID]string, error) {
	all, err := s.Systems(ctx)
	names := map[thimble.ID]string{}
	for _, y := range all {
		names[y.ID] = y.Name
	}
	return names, err
}

// Erase implements thimble.Holder. Tasks are unlinked from the person. What a system has
// still to be told stays, sealed, for the erasures alone: they are that duty (GDPR Art.
// 17(2), 19). All others are called off.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (e thimble.Erasure, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		e = thimble.Erasure{}
		all, err := list(ctx, tx, `where subject_id = $1`, who)
		for _, t := range all {
			if err != nil {
				return err
			}
			if t.Kind == cases.Erase && !t.Cause.IsZero() {
				if t.Holds {
					e.Kept = kept(e.Kept)
				}
				continue
			}
			if t.May(systems.WasCalledOff) {
				if t, err = t.Next(systems.Event{What: systems.WasCalledOff, At: s.now()}); err == nil {
					err = s.update(ctx, tx, t)
				}
			}
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update systems_tasks set told = null where subject_id = $1 and told is not null and not (kind = 'erase' and cause is not null)`, who); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `update systems_tasks set subject_id = null where subject_id = $1`, who)
		e.Erased = int(n)
		return err
	})
	return e, wrap("erasing a person", err)
}

func kept(all []thimble.Kept) []thimble.Kept {
	if len(all) == 0 {
		return []thimble.Kept{{Count: 1, What: "sealed names by which a system outside is still to be told to erase, until it has answered", Law: "GDPR Art. 17(2), 19"}}
	}
	all[0].Count++
	return all
}

// Expire implements thimble.Holder: what has ended and is older is unlinked from whose it
// was.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (e thimble.Erasure, err error) {
	if !thimble.PrivacyPreferences.Within(c) {
		return e, nil
	}
	n, err := s.db.Drain(ctx, `update systems_tasks set subject_id = null where id in (select id from systems_tasks where at < $1 and subject_id is not null and state in ('done', 'done_by_hand', 'called_off') limit 1000)`, before.UnixMicro())
	e.Erased = int(n)
	var open int
	if err == nil {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from systems_tasks where at < $1 and subject_id is not null`, before.UnixMicro()).Scan(&open)
		})
	}
	if open > 0 {
		e.Kept = []thimble.Kept{{Count: open, What: "what systems outside were asked for and have not done", Law: "GDPR Art. 19"}}
	}
	return e, wrap("expiring", err)
}

// Claims holds each act against its leaf. A task has those of its case's steps.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var all []ledger.Claim
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			all = nil
			rows, err := tx.Query(ctx, `select system_id, act, staff, at, opening from systems_acts order by at, id`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id thimble.ID
				var act, staff string
				var at int64
				var opening []byte
				if err := rows.Scan(&id, &act, &staff, &at, &opening); err != nil {
					return err
				}
				c := ledger.Claim{Table: "systems_acts", Class: ledger.System}
				if c.Err = c.Opening.UnmarshalBinary(opening); c.Err == nil {
					var a acted
					err := json.Unmarshal(c.Opening.Record, &a)
					c.Rule = ledger.RuleIf(err == nil && strings.HasSuffix(a.System, strings.TrimPrefix(id.Token(systems.SystemPrefix), systems.SystemPrefix)) && a.Act == act && a.Staff == staff && a.At.UnixMicro() == at)
				}
				all = append(all, c)
			}
			return rows.Err()
		})
		ledger.YieldAll(yield, all, err)
	}
}
