package retentiondb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// A Teller writes to people that they are to be forgotten.
type Teller interface {
	// Tell queues the letter to each address that has none yet, and calls noted in the
	// transaction that queues one. It returns what is so now: queued, owed when it cannot be
	// written yet, and why, or unreached for who cannot be written to. The error is of kind
	// ErrNotFound for nobody.
	Tell(ctx context.Context, w retention.Warning, noted func(ctx context.Context, tx *sqldb.Tx, message thimble.ID) error) (retention.WarningState, string, error)
	// Became returns what became of the messages: told with when, queued while any is under
	// way, unreached when each was refused for good, and else owed: it went nowhere.
	Became(ctx context.Context, messages []thimble.ID) (state retention.WarningState, at time.Time, why string, err error)
}

const (
	warningsAtOnce = 200         // of one look
	warnAgain      = time.Hour   // one that cannot be written
	warnFollow     = time.Minute // one that is on its way
	messagePrefix  = "message"   // of the tokens in the table
)

const warningColumns = `subject_id, seen_on, due_on, span, source, state, why, messages, at, told_at`

func scanWarning(row interface{ Scan(...any) error }) (w retention.Warning, err error) {
	var seen, due, at, told int64
	var source, messages string
	if err := row.Scan(&w.Subject, &seen, &due, &w.Span, &source, &w.State, &w.Why, &messages, &at, &told); err != nil {
		return w, err
	}
	w.SeenOn, w.Due, w.At, w.Told = instant(seen), instant(due), instant(at), instant(told)
	for token := range strings.FieldsSeq(messages) {
		id, err := thimble.ParseID(messagePrefix, token)
		if err != nil {
			return w, err
		}
		w.Sent = append(w.Sent, id)
	}
	return w, json.Unmarshal([]byte(source), &w.Source)
}

func joinMessages(ids []thimble.ID) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = id.Token(messagePrefix)
	}
	return strings.Join(all, " ")
}

func (s *Store) warningsWhere(ctx context.Context, where string, args ...any) (all []retention.Warning, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+warningColumns+` from retention_warnings where `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			w, err := scanWarning(rows)
			if err != nil {
				return err
			}
			all = append(all, w)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("retention: reading warnings: %w", err)
	}
	return all, nil
}

// warn keeps that these people are to be told. Who was told already is not told again, unless
// they have been there since.
func (s *Store) warn(ctx context.Context, rule retention.Rule, people []near) error {
	source, err := json.Marshal(rule.Source)
	if err != nil {
		return err
	}
	now := s.now()
	for some := range slices.Chunk(people, warningsAtOnce) {
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			for _, n := range some {
				if _, err := tx.Exec(ctx, `insert into retention_warnings (subject_id, seen_on, due_on, span, source, state, why, messages, at, next_at, told_at)
					select id, $2, $3, $4, $5, 'owed', '', '', $6, $6, 0 from subject_subjects where id = $1 and state = 'active'
					on conflict (subject_id) do update set seen_on = excluded.seen_on, due_on = excluded.due_on, span = excluded.span, source = excluded.source, state = 'owed', why = '',
					messages = '', at = excluded.at, next_at = excluded.next_at, told_at = 0 where retention_warnings.state = 'back' or retention_warnings.seen_on <> excluded.seen_on`,
					n.who, n.seen.UnixMicro(), retention.DueOn(n.seen, rule, now).UnixMicro(), rule.Span.String(), string(source), now.UnixMicro()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("retention: keeping whom to tell: %w", err)
		}
	}
	return nil
}

// ripe are those of whom the period is over and who were told in time.
func (s *Store) ripe(ctx context.Context, people []near, before, now time.Time) (ripe []thimble.SubjectID, err error) {
	told, err := s.warningsOf(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range people {
		if w, warned := told[n.who]; warned && n.over(before) && w.SeenOn.Equal(n.seen) && w.Ripe(now) {
			ripe = append(ripe, n.who)
		}
	}
	return ripe, nil
}

func (s *Store) warningsOf(ctx context.Context) (map[thimble.SubjectID]retention.Warning, error) {
	all, err := s.warningsWhere(ctx, `1 = 1`)
	by := make(map[thimble.SubjectID]retention.Warning, len(all))
	for _, w := range all {
		by[w.Subject] = w
	}
	return by, err
}

// rule82 is the law by which people are told.
const rule82 = "DPDP Rules 2025, rule 8(2)"

// untold counts whose period is over and who stay until they have been told long enough.
func (s *Store) untold(ctx context.Context, people []near, before time.Time) (kept []retention.Kept, err error) {
	told, err := s.warningsOf(ctx)
	if err != nil {
		return nil, err
	}
	now, n := s.now(), int64(0)
	for _, one := range people {
		if w, warned := told[one.who]; warned && one.over(before) && !w.Ripe(now) {
			n++
		}
	}
	if n > 0 {
		kept = append(kept, retention.Kept{Holder: "people", What: "people who must be told first", Law: rule82, N: n})
	}
	return kept, nil
}

// settleWarnings ends those of people whose period does not end soon any more: they were
// there, or no law says so now.
func (s *Store) settleWarnings(ctx context.Context, near map[thimble.SubjectID]bool) error {
	all, err := s.warningsWhere(ctx, `1 = 1 order by subject_id`)
	if err != nil {
		return err
	}
	now := s.now()
	for _, w := range all {
		switch {
		case w.State == retention.WarningBack && now.Sub(w.At) < retention.Remembered, w.State != retention.WarningBack && near[w.Subject]:
			continue
		case w.State == retention.WarningBack:
			err = s.dropWarning(ctx, w)
		default:
			err = s.ended(ctx, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ended ends the warning of somebody who need not be told, or was in vain.
func (s *Store) ended(ctx context.Context, w retention.Warning) error {
	at, err := s.people.SeenOn(ctx, w.Subject)
	if err != nil {
		return err
	}
	if len(w.Sent) == 0 || !at.After(w.SeenOn) { // they know of nothing, or the rule is none any more
		return s.dropWarning(ctx, w)
	}
	w.State, w.Why, w.At = retention.WarningBack, "", s.now()
	return s.settle(ctx, w, w.At)
}

func (s *Store) dropWarning(ctx context.Context, w retention.Warning) error {
	return s.changeWarning(ctx, `delete from retention_warnings where subject_id = $1 and messages = $2`, w.Subject, joinMessages(w.Sent))
}

// settle keeps what became of a warning, unless somebody else has it in hand.
func (s *Store) settle(ctx context.Context, w retention.Warning, next time.Time) error {
	return s.changeWarning(ctx, `update retention_warnings set state = $3, why = $4, at = $5, next_at = $6, told_at = $7, due_on = $8 where subject_id = $1 and messages = $2`,
		w.Subject, joinMessages(w.Sent), string(w.State), w.Why, w.At.UnixMicro(), next.UnixMicro(), micros(w.Told), w.Due.UnixMicro())
}

func (s *Store) changeWarning(ctx context.Context, statement string, args ...any) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, statement, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("retention: noting what became of a warning: %w", err)
	}
	return nil
}

// errInHand says that somebody else writes a letter.
var errInHand = fmt.Errorf("retention: somebody else has the letter in hand: %w", thimble.ErrConflict)

// WriteWarnings has the letters written that are owed, and notes what became of those on
// their way. One that fails stops no other, and is tried again.
func (s *Store) WriteWarnings(ctx context.Context) (failed error) {
	if s.cfg.Teller == nil {
		return nil
	}
	due, err := s.warningsWhere(ctx, `(state in ('owed', 'queued') or state = 'unreached' and messages = '') and next_at <= $1 order by next_at, subject_id limit $2`, s.now().UnixMicro(), warningsAtOnce)
	if err != nil {
		return err
	}
	for _, w := range due {
		if err = s.turnWarning(ctx, w); err != nil && ctx.Err() == nil && !errors.Is(err, errInHand) {
			failed = errors.Join(failed, err, s.changeWarning(ctx, `update retention_warnings set next_at = $1 where subject_id = $2`, s.now().Add(warnAgain).UnixMicro(), w.Subject))
		}
	}
	return failed
}

func (s *Store) turnWarning(ctx context.Context, w retention.Warning) error {
	at, err := s.people.SeenOn(ctx, w.Subject)
	if err != nil {
		return err
	}
	if !at.Equal(w.SeenOn) {
		return s.ended(ctx, w)
	}
	if w.State == retention.WarningQueued {
		return s.followWarning(ctx, w)
	}
	before := w
	if now := s.now(); w.Due.Before(now.Add(retention.Notice + 24*time.Hour)) { // the day in the letter must hold
		w.Due = retention.Soonest(now)
		if w.State == retention.WarningOwed {
			if err := s.settle(ctx, w, now); err != nil {
				return err
			}
		}
	}
	w.State, w.Why, err = s.cfg.Teller.Tell(ctx, w, func(ctx context.Context, tx *sqldb.Tx, message thimble.ID) error {
		n, err := tx.Exec(ctx, `update retention_warnings set messages = $2 where subject_id = $1 and messages = $3`, w.Subject, joinMessages(append(slices.Clone(w.Sent), message)), joinMessages(w.Sent))
		if err == nil && n == 0 {
			err = errInHand
		}
		if err == nil {
			tx.OnCommit(func() { w.Sent = append(w.Sent, message) })
		}
		return err
	})
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		return s.dropWarning(ctx, w)
	case err != nil:
		return err
	}
	now, next := s.now(), s.now()
	switch w.State {
	case retention.WarningUnreached: // somebody may know an address of theirs tomorrow
		if next = now.Add(24 * time.Hour); before.State == retention.WarningUnreached {
			w = before
		} else {
			w.Told = now
		}
	case retention.WarningOwed:
		next = now.Add(warnAgain)
	}
	return s.settle(ctx, w, next)
}

func (s *Store) followWarning(ctx context.Context, w retention.Warning) (err error) {
	var at time.Time
	if w.State, at, w.Why, err = s.cfg.Teller.Became(ctx, w.Sent); err != nil {
		return err
	}
	now := s.now()
	if w.State == retention.WarningUnreached && now.Sub(w.At) < retention.Lead {
		w.State = retention.WarningOwed // it may be the shop's own server that is set up wrongly
	}
	switch w.State {
	case retention.WarningTold, retention.WarningUnreached:
		w.Told = at
	case retention.WarningOwed: // it went nowhere, and is written anew
		return s.changeWarning(ctx, `update retention_warnings set state = 'owed', why = $3, messages = '', next_at = $4 where subject_id = $1 and messages = $2`,
			w.Subject, joinMessages(w.Sent), w.Why, now.Add(24*time.Hour).UnixMicro())
	}
	return s.settle(ctx, w, now.Add(warnFollow))
}

// WarningOf is the warning of a person, by whichever of their subjects, and whether there is
// one.
func (s *Store) WarningOf(ctx context.Context, members ...thimble.SubjectID) (w retention.Warning, found bool, err error) {
	for _, m := range members {
		all, err := s.warningsWhere(ctx, `subject_id = $1`, m)
		if err != nil {
			return w, false, err
		}
		if len(all) > 0 {
			return all[0], true, nil
		}
	}
	return w, false, nil
}

// A Telling is how many warnings are in a state, for a reason.
type Telling struct {
	State retention.WarningState
	Why   string
	N     int64
	Next  time.Time // the first day on which one of them is due
}

// Tellings count the warnings.
func (s *Store) Tellings(ctx context.Context) (all []Telling, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select state, why, count(*), min(due_on) from retention_warnings group by state, why order by state, why`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Telling
			var due int64
			if err := rows.Scan(&t.State, &t.Why, &t.N, &due); err != nil {
				return err
			}
			t.Next = instant(due)
			all = append(all, t)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("retention: counting warnings: %w", err)
	}
	return all, nil
}

// Away is the strictest rule by which a person is forgotten when they stay away, and the day
// on which that would be, counted from today; found is false without one.
func (s *Store) Away(ctx context.Context, who thimble.SubjectID) (rule retention.Rule, on time.Time, found bool, err error) {
	if s.cfg.Clocks == nil {
		return rule, on, false, nil
	}
	plan, err := s.Plan(ctx)
	if err != nil {
		return rule, on, false, err
	}
	for _, r := range retention.Clocked(plan.Schedules) {
		if !r.Forgets() {
			continue
		}
		is, err := s.cfg.Clocks.Applies(ctx, who, r)
		if err != nil {
			return rule, on, false, err
		}
		if due := retention.DueOn(s.now().Truncate(24*time.Hour), r, s.now()); is && (!found || due.Before(on)) {
			rule, on, found = r, due, true
		}
	}
	return rule, on, found, nil
}
