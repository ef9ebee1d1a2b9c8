package retentiondb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// A Read is when a category was read last of a holder, for any purpose but the person's own
// look.
type Read struct {
	Category thimble.Category
	Holder   string
	At       time.Time
}

// A Proposal says that nobody has read a category of a holder for long. That is the grain
// at which the use log knows what was read: a single field of a category is not told from
// the others.
type Proposal struct {
	Category  thimble.Category
	Holder    string
	State     string    // open, accepted, declined
	Used      time.Time // when it was read last; zero: not since the use log begins
	Since     time.Time // when the use log begins
	Raised    time.Time
	DecidedBy string
	Decided   time.Time
	Note      string
}

// Unread is for how long nobody must have read something for it to be proposed.
const Unread = 180 * 24 * time.Hour

// exempt are kept for a law and not to be read: that nobody read them is what one hopes.
func exempt(c thimble.Category) bool {
	return slices.Contains([]thimble.Category{thimble.PrivacyPreferences, thimble.AccessRecord, thimble.Credentials, thimble.Pseudonym, thimble.AccountIdentifier}, c)
}

// propose raises what nobody has read for long, once; what was read since is no proposal
// any more.
func (s *Store) propose(ctx context.Context) error {
	if s.cfg.Reads == nil {
		return nil
	}
	reads, since, err := s.cfg.Reads(ctx)
	if err != nil {
		return fmt.Errorf("retention: asking what was read: %w", err)
	}
	until := s.now().Add(-Unread)
	if since.IsZero() || since.After(until) {
		return nil // the use log does not reach back that far
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, h := range held() {
			var last time.Time
			for _, r := range reads {
				if (r.Holder == h.holder || r.Holder == "") && (r.Category.Within(h.category) || h.category.Within(r.Category)) && r.At.After(last) {
					last = r.At
				}
			}
			statement := `delete from retention_proposals where category = $1 and holder = $2 and state = 'open'`
			args := []any{string(h.category), h.holder}
			if last.Before(until) {
				statement = `insert into retention_proposals (category, holder, state, used_at, since, raised_at, decided_by, decided_at, note)
					values ($1, $2, 'open', $3, $4, $5, '', 0, '') on conflict (category, holder) do nothing`
				args = append(args, micros(last), since.UnixMicro(), s.now().UnixMicro())
			}
			if _, err := tx.Exec(ctx, statement, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retention: proposing what nobody reads: %w", err)
	}
	return nil
}

type kind struct {
	category thimble.Category
	holder   string
}

// held are the categories that each holder keeps, but for what is kept for a law.
func held() (all []kind) {
	for _, e := range datamap.Entries(datamap.All()) {
		h := kind{e.Category, e.Holder}
		if e.Holder != "" && !exempt(e.Category) && !slices.Contains(all, h) && slices.ContainsFunc(ages(), func(a age) bool { return a.Category == e.Category }) {
			all = append(all, h)
		}
	}
	return all
}

// Proposals returns all, those that wait first.
func (s *Store) Proposals(ctx context.Context) (all []Proposal, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select category, holder, state, used_at, since, raised_at, decided_by, decided_at, note from retention_proposals
			order by case when state = 'open' then 0 else 1 end, raised_at desc, category, holder`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Proposal
			var used, since, raised, decided int64
			if err := rows.Scan(&p.Category, &p.Holder, &p.State, &used, &since, &raised, &p.DecidedBy, &decided, &p.Note); err != nil {
				return err
			}
			p.Used, p.Since, p.Raised, p.Decided = instant(used), instant(since), instant(raised), instant(decided)
			all = append(all, p)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("retention: reading proposals: %w", err)
	}
	return all, nil
}

// Accept has everything of a proposal's category destroyed, by every holder, and nothing
// of it kept from then on: the document gets a rule of 0 days. The run that follows waits
// for a person like any that reaches far; what comes in is refused at once.
func (s *Store) Accept(ctx context.Context, c thimble.Category, holder, staff, note string) error {
	err := s.decide(ctx, c, holder, "accepted", staff, note, func(ctx context.Context, tx *sqldb.Tx, note string) error {
		now, err := current(ctx, tx)
		if err != nil {
			return err
		}
		_, err = s.change(ctx, tx, now.Version, now.With(retention.Period{Category: c, Max: "0d", Why: note}), staff, note)
		return err
	})
	if err != nil {
		return err
	}
	return s.remember(ctx)
}

// Decline keeps what a proposal is about, with a reason. It is not raised again.
func (s *Store) Decline(ctx context.Context, c thimble.Category, holder, staff, note string) error {
	return s.decide(ctx, c, holder, "declined", staff, note, func(context.Context, *sqldb.Tx, string) error { return nil })
}

func (s *Store) decide(ctx context.Context, c thimble.Category, holder, to, staff, note string, also func(context.Context, *sqldb.Tx, string) error) error {
	note, err := reasoned(staff, note)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update retention_proposals set state = $1, decided_by = $2, decided_at = $3, note = $4 where category = $5 and holder = $6 and state = 'open'`,
			to, staff, s.now().UnixMicro(), note, string(c), holder)
		if err == nil && n == 0 {
			err = fmt.Errorf("it does not wait: %w", thimble.ErrConflict)
		}
		if err == nil {
			err = also(ctx, tx, note)
		}
		if err != nil {
			return err
		}
		return s.act(ctx, tx, Act{About: holder + " " + string(c), Act: "proposal " + to, Staff: staff, Detail: note})
	})
	if err != nil {
		return fmt.Errorf("retention: a proposal: %w", err)
	}
	return nil
}
