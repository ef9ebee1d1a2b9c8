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

// everybody is what a period from the last visit is executed on.
const everybody = "subject_subjects"

// clocked does what is due by the clocks of people, each rule for the people whose law it is.
func (s *Store) clocked(ctx context.Context, plan Plan) (done []retention.Run, failed error) {
	if s.cfg.Clocks == nil {
		return nil, nil
	}
	var rules []retention.Rule
	for _, rule := range retention.Clocked(plan.Schedules) {
		if rule.Executed() {
			rules = append(rules, rule)
		}
	}
	if err := s.clearEnded(ctx, rules); err != nil {
		return nil, err
	}
	unseen, unknown, err := s.missed(ctx, rules)
	if err != nil {
		failed = err
	}
	for _, rule := range rules {
		if rule.Forgets() && (err != nil || unknown[rule.Key()] != nil) {
			failed = errors.Join(failed, unknown[rule.Key()])
			continue
		}
		r, ran, err := s.dueByClock(ctx, rule, unseen[rule.Key()])
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("retention: the run of %s after %s, %s: %w", rule.Category, rule.After, rule.Key(), err))
		}
		if ran {
			done = append(done, r)
		}
	}
	return done, failed
}

// clearEnded has what a rule began that is none any more not wait for ever: what nobody
// confirmed or began is dropped, and what was under way ends with what is gone by then.
func (s *Store) clearEnded(ctx context.Context, rules []retention.Rule) error {
	open, err := s.runs(ctx, `clock <> 'collection' and state in ('waiting', 'confirmed', 'listed') order by at, id`)
	if err != nil {
		return err
	}
	for _, r := range open {
		if slices.ContainsFunc(rules, func(o retention.Rule) bool {
			return o.Category == r.Category && o.After == r.Clock && o.Key() == r.Rule
		}) {
			continue
		}
		if r.State == retention.Listed {
			r.Proof.Resumed, r.Proof.Ended = true, true
			_, err = s.finish(ctx, r)
		} else {
			err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, `delete from retention_runs where id = $1 and state in ('waiting', 'confirmed')`, r.ID)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("retention: ending the run of a rule that is none any more: %w", err)
		}
	}
	return nil
}

const ofRule = `category = $1 and clock = $2 and rule = $3`

func (s *Store) dueByClock(ctx context.Context, rule retention.Rule, near []near) (r retention.Run, ran bool, err error) {
	named := []any{string(rule.Category), string(rule.After), rule.Key()}
	r, found, err := s.newest(ctx, ofRule+` and state in ('waiting', 'confirmed', 'listed')`, named...)
	if err != nil {
		return r, false, err
	}
	before := retention.Before(s.now(), rule.Span)
	if found && r.State != retention.Waiting {
		over, err := s.listByClock(ctx, rule, r.Before, near)
		if err == nil {
			r, err = s.executeByClock(ctx, r, rule, over, near)
		}
		return r, err == nil, err
	}
	last, ended, err := s.newest(ctx, ofRule+` and state = 'done'`, named...)
	if err != nil || ended && last.Before.Equal(before) {
		return r, false, err
	}
	over, err := s.listByClock(ctx, rule, before, near)
	if err != nil {
		return r, false, err
	}
	if !found {
		if r.ID, err = thimble.NewID(nil); err != nil {
			return r, false, err
		}
	}
	r.Category, r.Clock, r.Rule, r.Before, r.At, r.State = rule.Category, rule.After, rule.Key(), before, s.now(), retention.Waiting
	planned := over.counts
	if rule.Forgets() { // somebody looks before anybody is written to
		planned = count(everybody, len(near))
	}
	r.Proof = retention.Proof{Run: r.ID.Token(retention.RunPrefix), Category: rule.Category, After: rule.After, Before: before, Source: rule.Source, Listed: planned, Expired: []retention.Count{}}
	if r.Why = retention.Asks(before, last.Before, retention.Sum(planned)); r.Why == "" {
		r.State = retention.Confirmed
	}
	if err := s.keep(ctx, r); err != nil || r.State == retention.Waiting {
		return r, false, err
	}
	r, err = s.executeByClock(ctx, r, rule, over, near)
	return r, err == nil, err
}

func count(of string, n int) []retention.Count {
	if n == 0 {
		return []retention.Count{}
	}
	return []retention.Count{{Of: of, N: int64(n)}}
}

// executeByClock destroys what is over, and looks for what is left. Of a rule from the last
// visit it has those told first whose period ends soon.
func (s *Store) executeByClock(ctx context.Context, r retention.Run, rule retention.Rule, over overdue, near []near) (_ retention.Run, err error) {
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
	if rule.Forgets() {
		if err := s.warn(ctx, rule, near); err != nil {
			return r, err
		}
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
	if r.Proof.Left, err = s.OverStill(ctx, rule, until, over.at); err != nil {
		return r, err
	}
	if rule.Forgets() {
		if r.Proof.Kept, err = s.untold(ctx, near, until); err != nil {
			return r, err
		}
	}
	return s.finish(ctx, r)
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
	at     time.Time // when it was looked for
}

// listByClock lists what is over.
func (s *Store) listByClock(ctx context.Context, rule retention.Rule, before time.Time, near []near) (o overdue, err error) {
	key, err := s.cfg.Key(ctx)
	if err != nil {
		return o, fmt.Errorf("retention: the key of proofs: %w", err)
	}
	var tree retention.Tree
	o.at = s.now()
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
		if o.people, err = s.ripe(ctx, near, before, o.at); err != nil {
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
	o.counts, o.root = count(n.Of, int(n.N)), tree.Root()
	return o, err
}

// OverStill counts what is over by the clocks of people and is there: the query that a run
// must answer with nothing. It goes by the people and the index, and not by the log. Of
// people it counts those who had been told in time at an instant: that of the run.
func (s *Store) OverStill(ctx context.Context, rule retention.Rule, before, at time.Time) (all []retention.Count, err error) {
	n := retention.Count{Of: everybody}
	if rule.After == retention.LastSeen {
		var people []thimble.SubjectID
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			people, err = sqldb.Column[thimble.SubjectID](ctx, tx, newestOf, before.UnixMicro(), at.Add(-retention.Notice).UnixMicro(), at.UnixMicro())
			return err
		})
		if rule.Unseen(at).IsZero() {
			people = nil
		}
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
