package retentiondb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// Clocks are what is asked about periods that are counted for each person by itself.
type Clocks interface {
	// Applies reports whether a rule is one of the law of somebody.
	Applies(ctx context.Context, who thimble.SubjectID, r retention.Rule) (bool, error)
	// Present calls each for whom what came into the log behind a place is about, and
	// returns the place up to which it was read.
	Present(ctx context.Context, after int64, each func(who thimble.SubjectID, at time.Time)) (last int64, err error)
	// Seen returns when the newest event of some subjects came in; zero for none.
	Seen(ctx context.Context, who ...thimble.SubjectID) (time.Time, error)
	// Ended returns since when no purpose needs what is collected of a category of somebody
	// any more; zero while one does, or while they have its use restricted.
	Ended(ctx context.Context, who thimble.SubjectID, c thimble.Category) (time.Time, error)
	// Parts calls each for what is in the log of events from before an instant, with what
	// names it, in the order of the log.
	Parts(ctx context.Context, before time.Time, each func(who thimble.SubjectID, c thimble.Category, key []byte) error) error
	// Lapse takes out of the log what came in before an instant and is over.
	Lapse(ctx context.Context, before time.Time, over func(context.Context, thimble.SubjectID, thimble.Category) (bool, error)) (removed int, err error)
	// Held counts what the index says is in the log of somebody from before an instant, by
	// category: not by the way that Parts goes.
	Held(ctx context.Context, who thimble.SubjectID, before time.Time) (map[thimble.Category]int64, error)
	// Mark has the gate refuse the data of who has not been there for too long, or no more
	// so, as if they had its use restricted. A restriction of their own stays.
	Mark(ctx context.Context, who thimble.SubjectID, on bool) error
	// Marked are those whom it refuses so.
	Marked(ctx context.Context) ([]thimble.SubjectID, error)
}

// Forget has periods from the last interaction executed, before the first run. Nothing but
// tests asks for it yet: sign-ins and events, which say that somebody was there, are
// themselves deleted long before such a period ends, so that whoever did nothing else would
// be erased too early.
func (s *Store) Forget() { s.forgets = true }

// everybody is what a period from the last interaction is executed on.
const everybody = "subject_subjects"

// clocked does what is due by the clocks of people.
func (s *Store) clocked(ctx context.Context, plan Plan) (done []retention.Run, failed error) {
	if s.cfg.Clocks == nil {
		return nil, nil
	}
	seen := false
	for _, rule := range retention.Clocked(plan.Schedules) {
		if !rule.Executed() && (!s.forgets || !rule.Forgets()) {
			continue
		}
		seen = seen || rule.After == retention.LastSeen
		r, ran, err := s.dueByClock(ctx, rule)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("retention: the run of %s after %s: %w", rule.Category, rule.After, err))
		}
		if ran {
			done = append(done, r)
		}
	}
	if !seen { // no law says so any more
		failed = errors.Join(failed, s.mark(ctx, nil))
	}
	return done, failed
}

func (s *Store) dueByClock(ctx context.Context, rule retention.Rule) (r retention.Run, ran bool, err error) {
	r, found, err := s.newest(ctx, `category = $1 and clock = $2 and state in ('waiting', 'confirmed', 'listed')`, string(rule.Category), string(rule.After))
	if err != nil {
		return r, false, err
	}
	before := retention.Before(s.now(), rule.Span)
	if rule.After == retention.LastSeen {
		// Who comes back is not refused until tomorrow.
		if people, err := s.unseen(ctx, rule, before); err != nil {
			return r, false, err
		} else if err := s.mark(ctx, people); err != nil {
			return r, false, err
		}
	}
	if found && r.State != retention.Waiting {
		over, err := s.listByClock(ctx, rule, r.Before)
		if err == nil {
			r, err = s.executeByClock(ctx, r, rule, over)
		}
		return r, err == nil, err
	}
	last, ended, err := s.newest(ctx, `category = $1 and clock = $2 and state = 'done'`, string(rule.Category), string(rule.After))
	if err != nil || ended && last.Before.Equal(before) {
		return r, false, err
	}
	over, err := s.listByClock(ctx, rule, before)
	if err != nil {
		return r, false, err
	}
	if !found {
		if r.ID, err = thimble.NewID(nil); err != nil {
			return r, false, err
		}
	}
	r.Category, r.Clock, r.Before, r.At, r.State = rule.Category, rule.After, before, s.now(), retention.Waiting
	r.Proof = retention.Proof{Run: r.ID.Token(retention.RunPrefix), Category: rule.Category, After: rule.After, Before: before, Source: rule.Source, Listed: over.counts, Expired: []retention.Count{}}
	if r.Why = retention.Asks(before, last.Before, retention.Sum(over.counts)); r.Why == "" {
		r.State = retention.Confirmed
	}
	if err := s.keep(ctx, r); err != nil || r.State == retention.Waiting {
		return r, false, err
	}
	r, err = s.executeByClock(ctx, r, rule, over)
	return r, err == nil, err
}

// executeByClock destroys what is over, and looks for what is left.
func (s *Store) executeByClock(ctx context.Context, r retention.Run, rule retention.Rule, over overdue) (_ retention.Run, err error) {
	if r.State == retention.Listed {
		r.Proof.Resumed = true // what it was is committed to already
	} else {
		r.State, r.Proof.Listed, r.Proof.Root, r.Proof.By = retention.Listed, over.counts, over.root, r.By
		if err := s.keep(ctx, r); err != nil {
			return r, err
		}
	}
	until := r.Before
	if now := retention.Before(s.now(), rule.Span); now.Before(until) {
		until = now // the period is longer than when it was asked: only what is over by both goes
	}
	gone := retention.Count{Of: "collect"}
	if rule.After == retention.LastSeen {
		gone.Of = "people"
		gone.N, err = s.forgetUnseen(ctx, rule, until, over.people)
	} else {
		var n int
		n, err = s.cfg.Clocks.Lapse(ctx, until, s.over(rule, until))
		gone.N = int64(n)
	}
	if err != nil {
		return r, err
	}
	if gone.N > 0 {
		r.Proof.Expired = []retention.Count{gone}
	}
	if r.Proof.Left, err = s.OverStill(ctx, rule, until); err != nil {
		return r, err
	}
	return s.finish(ctx, r)
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

// over says of what is in the log whether it is over by a rule.
func (s *Store) over(rule retention.Rule, before time.Time) func(context.Context, thimble.SubjectID, thimble.Category) (bool, error) {
	type pair struct {
		who thimble.SubjectID
		c   thimble.Category
	}
	known := map[pair]bool{}
	return func(ctx context.Context, who thimble.SubjectID, c thimble.Category) (bool, error) {
		if who.IsZero() || rule.Category != "*" && !c.Within(rule.Category) {
			return false, nil
		}
		if is, asked := known[pair{who, c}]; asked {
			return is, nil
		}
		is, err := s.isOver(ctx, rule, who, c, before)
		if err == nil {
			known[pair{who, c}] = is
		}
		return is, err
	}
}

func (s *Store) isOver(ctx context.Context, rule retention.Rule, who thimble.SubjectID, c thimble.Category, before time.Time) (bool, error) {
	at, err := s.cfg.Clocks.Ended(ctx, who, c)
	if err != nil || at.IsZero() || !at.Before(before) {
		return false, err
	}
	return s.cfg.Clocks.Applies(ctx, who, rule)
}

// An overdue is what is over by a rule: how much, the root over keyed hashes of what it is,
// and who, where it is people.
type overdue struct {
	counts []retention.Count
	root   string
	people []thimble.SubjectID
}

// listByClock lists what is over.
func (s *Store) listByClock(ctx context.Context, rule retention.Rule, before time.Time) (o overdue, err error) {
	key, err := s.cfg.Key(ctx)
	if err != nil {
		return o, fmt.Errorf("retention: the key of proofs: %w", err)
	}
	var tree retention.Tree
	n := retention.Count{Of: logOfEvents}
	add := func(name []byte) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(n.Of))
		mac.Write([]byte{byte(len(name) >> 8), byte(len(name))})
		mac.Write(name)
		tree.Add(mac.Sum(nil))
		n.N++
	}
	if rule.After == retention.LastSeen {
		n.Of = everybody
		if o.people, err = s.unseen(ctx, rule, before); err != nil {
			return o, err
		}
		for _, who := range o.people {
			add(who[:])
		}
	} else {
		over := s.over(rule, before)
		err = s.cfg.Clocks.Parts(ctx, before, func(who thimble.SubjectID, c thimble.Category, name []byte) error {
			is, err := over(ctx, who, c)
			if is {
				add(name)
			}
			return err
		})
	}
	o.counts, o.root = []retention.Count{}, tree.Root()
	if n.N > 0 {
		o.counts = append(o.counts, n)
	}
	return o, err
}

// OverStill counts what is over by the clocks of people and is there: the query that a run
// must answer with nothing. It goes by the people and the index, and not by the log.
func (s *Store) OverStill(ctx context.Context, rule retention.Rule, before time.Time) (all []retention.Count, err error) {
	n := retention.Count{Of: everybody}
	if rule.After == retention.LastSeen {
		var people []thimble.SubjectID
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			people, err = sqldb.Column[thimble.SubjectID](ctx, tx, newestOf, before.UnixMicro())
			return err
		})
		for _, who := range people {
			is, oneErr := s.stillUnseen(ctx, rule, who, before)
			if err = errors.Join(err, oneErr); is {
				n.N++
			}
		}
	} else {
		n.Of = logOfEvents
		n.N, err = s.overByIndex(ctx, rule, before)
	}
	if err != nil {
		return nil, fmt.Errorf("retention: looking for what is over of %s after %s: %w", rule.Category, rule.After, err)
	}
	if n.N > 0 {
		all = append(all, n)
	}
	return all, nil
}

func (s *Store) overByIndex(ctx context.Context, rule retention.Rule, before time.Time) (n int64, err error) {
	var people []thimble.SubjectID
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		people, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select distinct subject_id from consent_state where at < $1 and state in ('refused', 'withdrawn', 'invalidated')
			or expires_at > 0 and expires_at < $1`, before.UnixMicro())
		return err
	})
	over, counted := s.over(rule, before), map[thimble.SubjectID]bool{}
	for _, who := range people {
		if err != nil {
			break
		}
		var members []thimble.SubjectID
		if members, err = s.membersOf(ctx, who); errors.Is(err, thimble.ErrNotFound) {
			err = nil // they are gone
			continue
		}
		if err != nil {
			break
		}
		if counted[members[0]] {
			continue
		}
		counted[members[0]] = true
		for _, m := range members {
			var held map[thimble.Category]int64
			if held, err = s.cfg.Clocks.Held(ctx, m, before); err != nil {
				break
			}
			for c, count := range held {
				is, oneErr := over(ctx, m, c)
				if err = errors.Join(err, oneErr); is {
					n += count
				}
			}
		}
	}
	return n, err
}

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
	order by id`

// newestOf says the same by what is newest of each.
const newestOf = `select who from (
	select subject_id as who, placed_at as at from order_orders where subject_id is not null
	union all select subject_id, at from consent_events
	union all select subject_id, seen_at from session_sessions where subject_id is not null
	union all select subject_id, at from cases_requests where subject_id is not null
	union all select subject_id, at from collect_reviews where subject_id is not null
	union all select id, coalesce(seen_on, created_at) + 86399999999 from subject_subjects where state = 'active') newest
	where who in (select id from subject_subjects where state = 'active' and restricted <> 1) and who not in (select subject_id from retention_stopped)
	group by who having max(at) < $1`

// unseen are the people who have not been there since an instant, whose law has the rule, by
// the subject that stands for each, in order.
func (s *Store) unseen(ctx context.Context, rule retention.Rule, before time.Time) (people []thimble.SubjectID, err error) {
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
			people = append(people, who)
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

func (s *Store) membersOf(ctx context.Context, who thimble.SubjectID) (all []thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		p, err := s.people.PersonTx(ctx, tx, who)
		all = p.IDs()
		return err
	})
	if err == nil && len(all) == 0 {
		err = thimble.ErrNotFound
	}
	return all, err
}

// mark has the gate refuse the data of these people, and of nobody else for that reason.
func (s *Store) mark(ctx context.Context, people []thimble.SubjectID) error {
	marked, err := s.cfg.Clocks.Marked(ctx)
	if err != nil {
		return err
	}
	for _, who := range people {
		if !slices.Contains(marked, who) {
			if err := s.cfg.Clocks.Mark(ctx, who, true); err != nil && !errors.Is(err, thimble.ErrNotFound) {
				return err
			}
		}
	}
	for _, who := range marked {
		if !slices.Contains(people, who) {
			if err := s.cfg.Clocks.Mark(ctx, who, false); err != nil && !errors.Is(err, thimble.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}
