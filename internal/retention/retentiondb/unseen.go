package retentiondb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// unseenSince are subjects of whom the core database has nothing newer than an instant:
// people who were there, asked, chose, ordered or wrote. Of the day on which they were there
// last all hours count. One whose erasure waits for what is held is left to that.
const unseenSince = `select id from subject_subjects where state = 'active' and restricted <> 1 and coalesce(seen_on, created_at) + 86400000000 <= $1
	and not exists (select 1 from order_orders o where o.subject_id = subject_subjects.id and o.placed_at >= $1)
	and not exists (select 1 from consent_events e where e.subject_id = subject_subjects.id and e.at >= $1)
	and not exists (select 1 from session_sessions s where s.subject_id = subject_subjects.id and s.seen_at >= $1)
	and not exists (select 1 from cases_requests c where c.subject_id = subject_subjects.id and c.at >= $1)
	and not exists (select 1 from collect_reviews r where r.subject_id = subject_subjects.id and r.at >= $1)
	and not exists (select 1 from retention_stopped t where t.subject_id = subject_subjects.id)
	and not exists (select 1 from gate_canaries g where g.subject_id = subject_subjects.id)
	order by id`

// newestOf says the same by what is newest of each.
const newestOf = `select who from (
	select subject_id as who, placed_at as at from order_orders where subject_id is not null
	union all select subject_id, at from consent_events
	union all select subject_id, seen_at from session_sessions where subject_id is not null
	union all select subject_id, at from cases_requests where subject_id is not null
	union all select subject_id, at from collect_reviews where subject_id is not null
	union all select id, coalesce(seen_on, created_at) + 86399999999 from subject_subjects where state = 'active') newest
	where who in (select id from subject_subjects where state = 'active' and restricted <> 1) and who not in (select subject_id from retention_stopped) and who not in (select subject_id from gate_canaries)
	and who in (select subject_id from retention_warnings where state in ('told', 'unreached') and told_at <= $2 and due_on <= $3)
	group by who having max(at) < $1`

// A near is somebody whose period from the last visit ends soon, or has ended.
type near struct {
	who  thimble.SubjectID // who stands for the person
	seen time.Time         // the day on which they were there last
}

// missed are, by rule, the people whose period from the last visit ends within
// [retention.Lead], by the subject that stands for each, in order. Those of whom it is over
// by any rule the gate refuses from then on; whoever was told and has been there since is
// told no more.
//
// What cannot be looked up for one rule is an error of that rule alone, and then nobody is
// refused or told less than before.
func (s *Store) missed(ctx context.Context, rules []retention.Rule) (all map[string][]near, failed map[string]error, err error) {
	now := s.now()
	all, failed = map[string][]near{}, map[string]error{}
	var over []near
	somewhere := map[thimble.SubjectID]bool{}
	for _, rule := range rules {
		if !rule.Forgets() {
			continue
		}
		soon, err := s.unseen(ctx, rule, rule.Unseen(now.Add(retention.Lead)))
		if err != nil {
			failed[rule.Key()] = err
			continue
		}
		all[rule.Key()] = soon
		for _, n := range soon {
			somewhere[n.who] = true
			if n.over(rule.Unseen(now)) && !slices.Contains(over, n) {
				over = append(over, n)
			}
		}
	}
	if len(failed) > 0 {
		return all, failed, nil
	}
	if err = s.mark(ctx, over); err == nil {
		err = s.settleWarnings(ctx, somewhere)
	}
	return all, failed, err
}

// over reports whether the day of the last visit ended before an instant; never before none.
func (n near) over(before time.Time) bool {
	return !before.IsZero() && !n.seen.Add(24*time.Hour).After(before)
}

// unseen are the people who have not been there since an instant, whose law has the rule, by
// the subject that stands for each, in order.
func (s *Store) unseen(ctx context.Context, rule retention.Rule, before time.Time) (people []near, err error) {
	if before.IsZero() {
		return nil, nil
	}
	var all []thimble.SubjectID
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = sqldb.Column[thimble.SubjectID](ctx, tx, unseenSince, before.UnixMicro())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("retention: looking for who has not been there: %w", err)
	}
	alone := map[thimble.SubjectID]bool{}
	for _, who := range all {
		alone[who] = true
	}
	for _, who := range all {
		members, err := s.membersOf(ctx, who)
		if errors.Is(err, thimble.ErrNotFound) || err == nil && (members[0] != who || slices.ContainsFunc(members, func(m thimble.SubjectID) bool { return !alone[m] })) {
			continue
		}
		is := false
		if err == nil {
			is, err = s.unseenInLog(ctx, rule, who, members, before)
		}
		if err != nil {
			return nil, err
		}
		if is {
			at, err := s.people.SeenOn(ctx, who)
			if err != nil {
				return nil, err
			}
			people = append(people, near{who, at})
		}
	}
	return people, nil
}

func (s *Store) unseenInLog(ctx context.Context, rule retention.Rule, who thimble.SubjectID, members []thimble.SubjectID, before time.Time) (bool, error) {
	at, err := s.cfg.Clocks.Seen(ctx, members...)
	if err != nil || !at.Before(before) {
		return false, err
	}
	return s.cfg.Clocks.Applies(ctx, who, rule)
}

// stillUnseen asks again about one person.
func (s *Store) stillUnseen(ctx context.Context, rule retention.Rule, who thimble.SubjectID, before time.Time) (bool, error) {
	members, err := s.membersOf(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) {
		return false, nil
	}
	if err != nil || members[0] != who {
		return false, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, m := range members {
			var n int
			if err := tx.QueryRow(ctx, `select count(*) from (`+unseenSince+`) u where u.id = $2`, before.UnixMicro(), m).Scan(&n); err != nil {
				return err
			}
			if n == 0 {
				return thimble.ErrConflict // they have been there
			}
		}
		return nil
	})
	if errors.Is(err, thimble.ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.unseenInLog(ctx, rule, who, members, before)
}

// forgetUnseen erases people, but for those who came back meanwhile.
func (s *Store) forgetUnseen(ctx context.Context, rule retention.Rule, before time.Time, people []thimble.SubjectID) (n int64, failed error) {
	for _, who := range people {
		again, err := s.stillUnseen(ctx, rule, who, before)
		if err == nil && again {
			if err = s.cfg.Erase(ctx, who); err == nil {
				n++
			}
		}
		if err == nil || errors.Is(err, thimble.ErrNotFound) {
			continue
		}
		if failed = errors.Join(failed, err); ctx.Err() != nil {
			break
		}
	}
	return n, failed // one who cannot be erased keeps no other
}

// mark has the gate refuse the data of these people, and of nobody else for that reason.
// Whoever has been there since they were looked for is not.
func (s *Store) mark(ctx context.Context, people []near) error {
	marked, err := s.cfg.Clocks.Marked(ctx)
	if err != nil {
		return err
	}
	is := map[thimble.SubjectID]bool{}
	for _, n := range people {
		who := n.who
		if is[who] = true; !slices.Contains(marked, who) {
			if at, err := s.people.SeenOn(ctx, who); err != nil || !at.Equal(n.seen) {
				if err != nil && !errors.Is(err, thimble.ErrNotFound) {
					return err
				}
				continue
			}
			if err := s.cfg.Clocks.Mark(ctx, who, true); err != nil && !errors.Is(err, thimble.ErrNotFound) {
				return err
			}
		}
	}
	for _, who := range marked {
		if !is[who] {
			if err := s.cfg.Clocks.Mark(ctx, who, false); err != nil && !errors.Is(err, thimble.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}
