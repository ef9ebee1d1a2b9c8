package rights

import (
	"context"
	"fmt"
	"slices"

	"thimble"
)

// Erase forgets a person everywhere, with all their members, and returns what was
// done. It goes on when the caller goes away. A call for somebody whose erasure was
// left open takes that up; one while it is under way is of kind ErrConflict; one
// after it finds nobody and is of kind ErrNotFound.
func (d *Desk) Erase(ctx context.Context, who thimble.SubjectID) (Report, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	r, err := d.store.Begin(ctx, Request{Subject: who, Kind: Erase})
	if err != nil {
		return Report{}, fmt.Errorf("rights: opening an erasure: %w", err)
	}
	report, err := d.first(ctx, r)
	if err == nil {
		// Whoever waits gets it at once. One that cannot be issued now is within a minute.
		_, _ = d.Certify(ctx)
	}
	return report, err
}

// EraseAgain forgets one subject whom a backup has brought back. Who else was one person with
// them when it was made is not asked: each of those has, or has not, been erased since.
func (d *Desk) EraseAgain(ctx context.Context, who thimble.SubjectID) (Report, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	r, err := d.store.Begin(ctx, Request{Subject: who, Kind: Erase, Report: Report{Again: true}})
	if err != nil {
		return Report{}, fmt.Errorf("rights: opening an erasure: %w", err)
	}
	return d.first(ctx, r)
}

func (d *Desk) erase(ctx context.Context, r *Request) error {
	if r.Report.Models == nil {
		// Who the person is, and what served before, is noted before anything is erased:
		// a resumed erasure could not know it any more.
		members := []thimble.SubjectID{r.Subject}
		if !r.Report.Again {
			var err error
			if members, err = d.members(ctx, r.Subject); err != nil {
				return err
			}
		}
		r.Others = slices.DeleteFunc(slices.Clone(members), func(m thimble.SubjectID) bool { return m == r.Subject })
		r.Report.Models = &Models{Before: d.model()}
		if err := d.before(ctx, r); err != nil {
			return err
		}
		if err := d.store.Note(ctx, *r); err != nil {
			return err
		}
	} else {
		r.Report.Resumed = true
	}
	held, err := d.held(ctx, r)
	if err != nil {
		return err
	}
	if err := d.eraseAll(thimble.WithCause(ctx, r.ID), r); err != nil {
		return err
	}
	if !held {
		if err := d.shred(ctx, r); err != nil {
			return err
		}
	}
	r.Report.Models.After = d.model()
	if *r.Report.Models == (Models{}) {
		r.Report.Models = nil // there is no model, and was none
	}
	if held {
		return nil // what is kept is in models and backups neither more nor less than it was
	}
	return d.after(ctx, r)
}

// shred destroys the keys of all whom the erasure concerns.
func (d *Desk) shred(ctx context.Context, r *Request) error {
	var hashes []string
	r.Report.Scanned = true
	for _, who := range r.concerned() {
		shredded, err := d.keys.Shred(ctx, who)
		if err != nil {
			return fmt.Errorf("destroying the keys: %w", err)
		}
		hashes = append(hashes, fmt.Sprintf("%x", shredded.KeyHash))
		r.Report.Scanned = r.Report.Scanned && shredded.Scanned && (shredded.Existed || !r.Report.Resumed) // who was interrupted cannot know
	}
	r.Report.KeyHash, r.Report.OtherKeys = hashes[0], hashes[1:]
	return nil
}

// passes bounds how often the holders are asked again for what arrived while they
// erased.
const passes = 3

// eraseAll asks each holder until none finds anything, then the derived ones.
func (d *Desk) eraseAll(ctx context.Context, r *Request) error {
	if len(r.Report.Holders) != len(d.holders) {
		r.Report.Holders = make([]HolderLine, len(d.holders))
	}
	for range passes {
		found := 0
		for i, h := range d.holders {
			if _, derived := h.(Derived); derived {
				continue
			}
			if i == 0 && r.Report.Held {
				if err := d.narrow(ctx, r, i); err != nil {
					return err
				}
				continue
			}
			n, err := d.eraseOne(ctx, r, i)
			if err != nil {
				return err
			}
			found += n
		}
		if found == 0 {
			break
		}
	}
	for i, h := range d.holders {
		if _, derived := h.(Derived); derived {
			if _, err := d.eraseOne(ctx, r, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseOne asks a holder, and notes what it says when it found anything: a holder that
// is asked again after a crash says neither what it destroyed before nor what it keeps.
func (d *Desk) eraseOne(ctx context.Context, r *Request, i int) (found int, err error) {
	h, line := d.holders[i], &r.Report.Holders[i]
	line.Holder = h.HolderName()
	var kept []thimble.Kept
	for _, who := range r.concerned() {
		e, err := h.Erase(ctx, who)
		if err != nil {
			return found, fmt.Errorf("%s: %w", h.HolderName(), err)
		}
		found += e.Erased
		line.Count += e.Erased
		kept = append(kept, e.Kept...)
	}
	before := slices.Clone(line.Kept)
	line.Kept = keeps(line.Kept, kept)
	if found == 0 && slices.Equal(before, line.Kept) {
		return 0, nil
	}
	return found, d.store.Note(ctx, *r)
}

// keeps joins what a holder says it keeps with what it said before: one that is asked
// again may say the same again, or nothing.
func keeps(before, now []thimble.Kept) []thimble.Kept {
	var said []thimble.Kept
	for _, k := range now { // of all members together
		if i := slices.IndexFunc(said, alike(k)); i >= 0 {
			said[i].Count += k.Count
		} else {
			said = append(said, k)
		}
	}
	for _, k := range said {
		if i := slices.IndexFunc(before, alike(k)); i < 0 {
			before = append(before, k)
		} else {
			before[i].Count = max(before[i].Count, k.Count)
		}
	}
	return before
}

func alike(k thimble.Kept) func(thimble.Kept) bool {
	return func(o thimble.Kept) bool { return o.What == k.What && o.Law == k.Law }
}
