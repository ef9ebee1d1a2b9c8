package rights

import (
	"context"
	"fmt"
	"slices"

	"thimble"
)

// Holds know what a law has the shop keep of people who are erased.
type Holds interface {
	// Holding returns what is kept of some people, should they be erased now. Nothing more
	// is held of them as long as an erasure of theirs is open.
	Holding(ctx context.Context, who ...thimble.SubjectID) ([]thimble.Kept, error)
	// Stopped notes that the erasure of these leaves what is held, so that it is done in
	// full when that is released.
	Stopped(ctx context.Context, request string, who ...thimble.SubjectID) error
}

// held asks what is held of whom an erasure concerns. It asks anew each time the erasure
// is taken up: a hold may have been released meanwhile, and none can be opened.
func (d *Desk) held(ctx context.Context, r *Request) (bool, error) {
	if d.cfg.Holds == nil {
		return false, nil
	}
	kept, err := d.cfg.Holds.Holding(ctx, r.concerned()...)
	if err != nil {
		return false, err
	}
	if len(kept) == 0 {
		if r.Report.Held { // released since: nothing of it is kept any more
			for i := range r.Report.Holders {
				r.Report.Holders[i].Kept = nil
			}
		}
		r.Report.Held = false
		return false, nil
	}
	// Before anything is erased: a crash from here on forgets nobody who waits.
	if err := d.cfg.Holds.Stopped(ctx, r.Report.Request, r.concerned()...); err != nil {
		return false, err
	}
	r.Report.Held = true
	return true, d.store.Note(ctx, *r)
}

// narrow is what becomes, in an erasure that leaves what is held, of who somebody is: the
// first holder knows that, and keeps it, for without it nobody could say whose that is.
// What is kept is used for what the law obliges to and for nothing else.
func (d *Desk) narrow(ctx context.Context, r *Request, i int) error {
	h := d.holders[i]
	for _, who := range r.concerned() {
		if err := h.Restrict(ctx, who, true); err != nil {
			return fmt.Errorf("%s: %w", h.HolderName(), err)
		}
	}
	line := HolderLine{Holder: h.HolderName(), Kept: []thimble.Kept{{Count: len(r.concerned()), What: "who somebody is, of whom records are held", Law: "GDPR Art. 17(3)"}}}
	if slices.EqualFunc(r.Report.Holders[i].Kept, line.Kept, func(a, b thimble.Kept) bool { return a == b }) {
		return nil
	}
	r.Report.Holders[i] = line
	return d.store.Note(ctx, *r)
}
