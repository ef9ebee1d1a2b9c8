package retentiondb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

// Open opens a hold. It keeps what it names from its transaction on. The error is of kind
// ErrNotFound for a person who is not there, and of kind ErrConflict while somebody whom
// it concerns is being erased: what is left of them then is no whole.
func (s *Store) Open(ctx context.Context, h retention.Hold, staff string) (retention.Hold, error) {
	h.Law, h.Reason, h.Secret = strings.TrimSpace(h.Law), strings.TrimSpace(h.Reason), strings.TrimSpace(h.Secret)
	err := h.Check(s.now())
	if err == nil && staff == "" {
		err = fmt.Errorf("a member of staff was expected: %w", thimble.ErrDenied)
	}
	if err != nil {
		return h, fmt.Errorf("retention: opening a hold: %w", err)
	}
	if h.ID, err = thimble.NewID(nil); err != nil {
		return h, err
	}
	h.State, h.OpenedBy, h.Opened, h.Floor = retention.Active, staff, s.now(), ""
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.open(ctx, tx, h) })
	if err != nil {
		return h, fmt.Errorf("retention: opening a hold: %w", err)
	}
	return h, nil
}

func (s *Store) open(ctx context.Context, tx *sqldb.Tx, h retention.Hold) error {
	if err := s.keeps(ctx, tx, h); err != nil {
		return err
	}
	personal := 0
	if !h.Subject.IsZero() {
		personal = 1
	}
	_, err := tx.Exec(ctx, `insert into retention_holds (id, subject_id, personal, categories, from_at, until_at, law, reason, secret, review_at, state, floor,
		opened_by, opened_at, asked_by, asked_at, released_by, released_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'active', $11, $12, $13, '', 0, '', 0)`,
		h.ID, h.Subject, personal, join(h.Categories), micros(h.From), micros(h.Until), h.Law, h.Reason, h.Secret, micros(h.Review), h.Floor, h.OpenedBy, h.Opened.UnixMicro())
	if err != nil {
		return err
	}
	return s.actOn(ctx, tx, h, "hold opened", h.OpenedBy, "")
}

// actOn writes an act about a hold down. Its leaf commits to what is held and why, and to
// nobody.
func (s *Store) actOn(ctx context.Context, tx *sqldb.Tx, h retention.Hold, what, staff, reason string) error {
	detail, err := json.Marshal(struct {
		Law        string             `json:"law"`
		Categories []thimble.Category `json:"categories"`
		Personal   bool               `json:"of_one_person"`
		From       int64              `json:"from_us,omitempty"`
		Until      int64              `json:"until_us,omitempty"`
		Why        string             `json:"why,omitempty"`
	}{h.Law, h.Categories, !h.Subject.IsZero(), micros(h.From), micros(h.Until), reason})
	if err != nil {
		return err
	}
	return s.act(ctx, tx, Act{About: h.ID.Token(retention.HoldPrefix), Act: what, Staff: staff, Detail: string(detail)})
}

// keeps says what a hold keeps: of one person, of every subject of theirs.
func (s *Store) keeps(ctx context.Context, tx *sqldb.Tx, h retention.Hold) error {
	who := []thimble.SubjectID{{}}
	if !h.Subject.IsZero() {
		p, err := s.people.PersonTx(ctx, tx, h.Subject)
		if err != nil {
			return err
		}
		who = p.IDs()
	}
	asked := slices.DeleteFunc(slices.Clone(who), thimble.SubjectID.IsZero)
	if s.cfg.Erasing != nil {
		under, err := s.cfg.Erasing(ctx, tx, asked...)
		if err == nil && under {
			err = fmt.Errorf("somebody whom it concerns is being erased; try again when that is done: %w", thimble.ErrConflict)
		}
		if err != nil {
			return err
		}
	}
	return s.people.HoldTx(ctx, tx, h.ID, lines(h, who)...)
}

// untold is what a report says of a hold that the person must not be told of: that
// something is kept cannot be hidden without a lie, which law says so can.
const untold = "GDPR Art. 23"

func lines(h retention.Hold, who []thimble.SubjectID) (all []subjectdb.HeldLine) {
	if h.Secret != "" {
		h.Law = untold
	}
	for _, one := range who {
		for _, c := range h.Categories {
			all = append(all, subjectdb.HeldLine{Subject: one, Category: c, From: h.From, Until: h.Until, Law: h.Law})
		}
	}
	return all
}

// AskRelease asks for the release of a hold, to which somebody else is to agree.
func (s *Store) AskRelease(ctx context.Context, id thimble.ID, staff, reason string) error {
	return s.turn(ctx, id, staff, reason, func(ctx context.Context, tx *sqldb.Tx, h retention.Hold, reason string) error {
		if h.State != retention.Active {
			return fmt.Errorf("the hold is %s: %w", h.State, thimble.ErrConflict)
		}
		if h.Floor != "" {
			return fmt.Errorf("a law's shortest period ends with the law, or when the document says that the record is kept elsewhere: %w", thimble.ErrConflict)
		}
		if _, err := tx.Exec(ctx, `update retention_holds set state = 'releasing', asked_by = $1, asked_at = $2 where id = $3`, staff, s.now().UnixMicro(), id); err != nil {
			return err
		}
		return s.actOn(ctx, tx, h, "release asked for", staff, reason)
	})
}

// KeepOn declines a release: the hold goes on.
func (s *Store) KeepOn(ctx context.Context, id thimble.ID, staff, reason string) error {
	return s.turn(ctx, id, staff, reason, func(ctx context.Context, tx *sqldb.Tx, h retention.Hold, reason string) error {
		if h.State != retention.Releasing {
			return fmt.Errorf("the hold is %s: %w", h.State, thimble.ErrConflict)
		}
		if _, err := tx.Exec(ctx, `update retention_holds set state = 'active', asked_by = '', asked_at = 0 where id = $1`, id); err != nil {
			return err
		}
		return s.actOn(ctx, tx, h, "release declined", staff, reason)
	})
}

// Release agrees to the release that somebody else asked for, once, and erases whoever the
// hold alone had kept. The hold is released also when that is not done at once; it is
// tried again until it is.
func (s *Store) Release(ctx context.Context, id thimble.ID, staff, reason string) error {
	err := s.turn(ctx, id, staff, reason, func(ctx context.Context, tx *sqldb.Tx, h retention.Hold, reason string) error {
		switch {
		case h.State != retention.Releasing:
			return fmt.Errorf("the hold is %s: %w", h.State, thimble.ErrConflict)
		case h.AskedBy == staff:
			return fmt.Errorf("a second member of staff agrees to it: %w", thimble.ErrDenied)
		}
		return s.release(ctx, tx, h, "hold released", staff, reason)
	})
	if err != nil {
		return err
	}
	return s.Rerun(ctx)
}

func (s *Store) release(ctx context.Context, tx *sqldb.Tx, h retention.Hold, what, staff, reason string) error {
	if err := s.people.HoldTx(ctx, tx, h.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update retention_holds set state = 'released', released_by = $1, released_at = $2 where id = $3`, staff, s.now().UnixMicro(), h.ID); err != nil {
		return err
	}
	return s.actOn(ctx, tx, h, what, staff, reason)
}

func (s *Store) turn(ctx context.Context, id thimble.ID, staff, reason string, do func(context.Context, *sqldb.Tx, retention.Hold, string) error) error {
	reason, err := reasoned(staff, reason)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all, err := holds(ctx, tx, `id = $1`, id)
		if err == nil && len(all) == 0 {
			err = thimble.ErrNotFound
		}
		if err != nil {
			return err
		}
		return do(ctx, tx, all[0], reason)
	})
	if err != nil {
		return fmt.Errorf("retention: hold %s: %w", id.Token(retention.HoldPrefix), err)
	}
	return nil
}

// floors opens, moves and ends the holds that the laws' shortest periods make of what the
// document says is kept here.
func (s *Store) floors(ctx context.Context, plan Plan) error {
	wanted := map[string]retention.Hold{}
	for _, sched := range plan.Schedules {
		for _, f := range sched.Floors {
			from := retention.FloorFrom(s.now(), f.Span)
			if !slices.Contains(plan.Document.KeptHere, f.Record) || !slices.Contains(retention.Holdable(), sched.Category) || f.Category != sched.Category {
				continue
			}
			h, known := wanted[f.Record]
			if !known || from.Before(h.From) {
				wanted[f.Record] = retention.Hold{Categories: []thimble.Category{sched.Category}, From: from, Law: f.Source.Name + ", " + f.Source.Cite,
					Reason: "the law says that the record " + f.Record + " is kept for " + f.Span.String(), Floor: f.Record, State: retention.Active, Opened: s.now()}
			}
		}
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.settleFloors(ctx, tx, wanted) })
	if err != nil {
		return fmt.Errorf("retention: what laws keep: %w", err)
	}
	return nil
}

func (s *Store) settleFloors(ctx context.Context, tx *sqldb.Tx, wanted map[string]retention.Hold) error {
	standing, err := holds(ctx, tx, `floor <> '' and state <> 'released'`)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, h := range standing {
		next, still := wanted[h.Floor]
		seen[h.Floor] = still
		switch {
		case !still:
			err = s.release(ctx, tx, h, "floor ended", "", "no law that applies, or not kept here any more")
		case !next.From.Equal(h.From) || next.Law != h.Law:
			err = s.moveFloor(ctx, tx, h, next)
		}
		if err != nil {
			return err
		}
	}
	for record, h := range wanted {
		if seen[record] {
			continue
		}
		if h.ID, err = thimble.NewID(nil); err != nil {
			return err
		}
		if err := s.open(ctx, tx, h); err != nil {
			return err
		}
	}
	return nil
}

// moveFloor moves since when a law keeps. Only one that reaches further back than before
// could miss what is being erased.
func (s *Store) moveFloor(ctx context.Context, tx *sqldb.Tx, h, next retention.Hold) error {
	further := next.From.Before(h.From)
	h.From, h.Law, h.Reason, h.Categories = next.From, next.Law, next.Reason, next.Categories
	var err error
	if further {
		err = s.keeps(ctx, tx, h)
	} else {
		err = s.people.HoldTx(ctx, tx, h.ID, lines(h, []thimble.SubjectID{{}})...)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `update retention_holds set from_at = $1, law = $2, reason = $3, categories = $4 where id = $5`, micros(h.From), h.Law, h.Reason, join(h.Categories), h.ID)
	}
	if err != nil {
		return err
	}
	return s.actOn(ctx, tx, h, "floor moved", "", "")
}

// Holds returns all holds, those that stand first, the one to be reviewed first on top.
func (s *Store) Holds(ctx context.Context, limit int) (all []retention.Hold, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = holds(ctx, tx, `1 = 1 order by case when state = 'released' then 1 else 0 end, review_at, id limit $1`, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("retention: reading holds: %w", err)
	}
	return all, nil
}

func holds(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []retention.Hold, err error) {
	rows, err := tx.Query(ctx, `select id, subject_id, categories, from_at, until_at, law, reason, secret, review_at, state, floor, opened_by, opened_at, asked_by, asked_at, released_by, released_at
		from retention_holds where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h retention.Hold
		var categories string
		var from, until, review, opened, asked, released int64
		if err := rows.Scan(&h.ID, &h.Subject, &categories, &from, &until, &h.Law, &h.Reason, &h.Secret, &review, &h.State, &h.Floor, &h.OpenedBy, &opened, &h.AskedBy, &asked, &h.ReleasedBy, &released); err != nil {
			return nil, err
		}
		for c := range strings.SplitSeq(categories, " ") {
			h.Categories = append(h.Categories, thimble.Category(c))
		}
		h.From, h.Until, h.Review, h.Opened, h.Asked, h.ReleasedAt = instant(from), instant(until), instant(review), instant(opened), instant(asked), instant(released)
		all = append(all, h)
	}
	return all, rows.Err()
}

func join(all []thimble.Category) string {
	words := make([]string, len(all))
	for i, c := range all {
		words[i] = string(c)
	}
	return strings.Join(words, " ")
}
