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
	return d.run(ctx, r)
}

func (d *Desk) erase(ctx context.Context, r *Request) error {
	if r.Report.Models == nil {
		// Who the person is, and what served before, is noted before anything is erased:
		// a resumed erasure could not know it any more.
		members, err := d.members(ctx, r.Subject)
		if err != nil {
			return err
		}
		r.Others = slices.DeleteFunc(slices.Clone(members), func(m thimble.SubjectID) bool { return m == r.Subject })
		r.Report.Models = &Models{Before: d.model()}
		if err := d.store.Note(ctx, *r); err != nil {
			return err
		}
	} else {
		r.Report.Resumed = true
	}
	lines, err := d.eraseAll(ctx, *r)
	if err != nil {
		return err
	}
	hashes, err := d.shred(ctx, *r)
	if err != nil {
		return err
	}
	r.Report.Holders, r.Report.KeyHash, r.Report.OtherKeys = lines, hashes[0], hashes[1:]
	r.Report.Models.After = d.model()
	if *r.Report.Models == (Models{}) {
		r.Report.Models = nil // there is no model, and was none
	}
	return nil
}

// shred destroys the keys of all whom the erasure concerns.
func (d *Desk) shred(ctx context.Context, r Request) (hashes []string, err error) {
	for _, who := range r.concerned() {
		shredded, err := d.keys.Shred(ctx, who)
		if err != nil {
			return nil, fmt.Errorf("destroying the keys: %w", err)
		}
		hashes = append(hashes, fmt.Sprintf("%x", shredded.KeyHash))
	}
	return hashes, nil
}

// passes bounds how often the holders are asked again for what arrived while they
// erased.
const passes = 3

// eraseAll asks each holder until none finds anything, then the derived ones.
func (d *Desk) eraseAll(ctx context.Context, r Request) ([]HolderLine, error) {
	lines := make([]HolderLine, len(d.holders))
	erase := func(i int) (found int, err error) {
		h := d.holders[i]
		lines[i].Holder = h.HolderName()
		for _, who := range r.concerned() {
			e, err := h.Erase(ctx, who)
			if err != nil {
				return found, fmt.Errorf("%s: %w", h.HolderName(), err)
			}
			found += e.Erased
			lines[i].Count += e.Erased
			lines[i].Kept = append(lines[i].Kept, e.Kept...)
		}
		return found, nil
	}
	for range passes {
		found := 0
		for i, h := range d.holders {
			if _, derived := h.(Derived); derived {
				continue
			}
			n, err := erase(i)
			if err != nil {
				return nil, err
			}
			found += n
		}
		if found == 0 {
			break
		}
	}
	for i, h := range d.holders {
		if _, derived := h.(Derived); derived {
			if _, err := erase(i); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}
