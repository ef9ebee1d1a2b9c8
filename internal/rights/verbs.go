package rights

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent/signal"
)

// Restrict has everything about a person kept and no more used, or lifts that
// (GDPR Art. 18). It is asked of every holder, about every member.
func (d *Desk) Restrict(ctx context.Context, who thimble.SubjectID, on bool) (Report, error) {
	kind := Restrict
	if !on {
		kind = Lift
	}
	return d.about(ctx, who, Request{Kind: kind})
}

// Object ends the use of what is held about a person for a purpose (GDPR Art. 21). For
// one that rests on a contract or a law the error is of kind ErrInvalid.
func (d *Desk) Object(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (Report, error) {
	if !signal.Ends(p) {
		return Report{}, fmt.Errorf("rights: an objection: a purpose that rests on no contract and no law was expected: %w", thimble.ErrInvalid)
	}
	return d.about(ctx, who, Request{Kind: Object, Report: Report{Purpose: p}})
}

func (d *Desk) about(ctx context.Context, who thimble.SubjectID, r Request) (Report, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	members, err := d.members(ctx, who)
	if err != nil {
		return Report{}, err
	}
	r.Subject, r.Others = members[0], members[1:]
	return d.begin(ctx, r)
}

// ErrWaits is why an erasure, or what shows everything, does not begin: an e-mail address was
// added lately.
var ErrWaits = fmt.Errorf("rights: an e-mail address was added lately: %w", thimble.ErrConflict)

// Take executes open requests by their ids. One that is under way is left to whoever
// has it.
func (d *Desk) Take(ctx context.Context, ids ...thimble.ID) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	_, err := d.finish(ctx, func(r Request) bool { return slices.Contains(ids, r.ID) })
	if err != nil {
		d.cfg.Left()
	}
	return err
}

// Expire destroys what is held of a category from before an instant, of everybody, by
// every holder.
func (d *Desk) Expire(ctx context.Context, c thimble.Category, before time.Time) (Report, error) {
	switch {
	case c == "":
		return Report{}, fmt.Errorf("rights: expiry: category: one was expected, such as %s: %w", thimble.PurchaseHistory, thimble.ErrInvalid)
	case before.IsZero() || before.After(d.cfg.Now()):
		return Report{}, fmt.Errorf("rights: expiry: before: an instant that has passed was expected: %w", thimble.ErrInvalid)
	}
	ctx, cancel := patiently(ctx)
	defer cancel()
	return d.begin(ctx, Request{Kind: Expire, Report: Report{Category: c, Before: before.UTC()}})
}

func (d *Desk) begin(ctx context.Context, r Request) (Report, error) {
	r, err := d.store.Begin(ctx, r)
	if err != nil {
		return Report{}, fmt.Errorf("rights: opening a request: %w", err)
	}
	return d.first(ctx, r)
}

// apply asks every holder for what the request says, the derived ones last.
func (d *Desk) apply(ctx context.Context, r *Request) error {
	return d.each(r, func(h thimble.Holder) (all thimble.Erasure, err error) {
		if r.Kind == Expire {
			return h.Expire(ctx, r.Report.Category, r.Report.Before)
		}
		for _, who := range r.concerned() {
			if r.Kind == Object {
				err = h.Object(ctx, who, r.Report.Purpose)
			} else {
				err = h.Restrict(ctx, who, r.Kind == Restrict)
			}
			if err != nil {
				return all, err
			}
		}
		return all, nil
	})
}

// each asks every holder, the derived ones last, and notes what they say.
func (d *Desk) each(r *Request, do func(thimble.Holder) (thimble.Erasure, error)) error {
	lines := make([]HolderLine, len(d.holders))
	for _, last := range []bool{false, true} {
		for i, h := range d.holders {
			if _, derived := h.(Derived); derived != last {
				continue
			}
			e, err := do(h)
			if err != nil {
				return fmt.Errorf("%s: %w", h.HolderName(), err)
			}
			lines[i] = HolderLine{Holder: h.HolderName(), Count: e.Erased, Kept: e.Kept}
		}
	}
	r.Report.Holders = lines
	return nil
}
