package rights

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/subject"
)

// Regrouped is the request that follows from a merge, or, when that has an end, from
// its undoing: every holder is to be told. Whoever makes or cuts the link keeps the
// request in the same transaction, so that there is never the one without the other.
// The desk does it with the next [Desk.Retry], or at the next start. Members are all
// subjects of the person that the merge made, or of the two that its end leaves.
func Regrouped(m thimble.Merge, members ...thimble.SubjectID) Request {
	r := Request{Kind: Merge, Subject: m.Survivor, Others: []thimble.SubjectID{m.Absorbed},
		Report: Report{Link: m.ID.Token(subject.MergePrefix), Since: m.At, Until: m.Until}}
	if m.Until.IsZero() {
		return r
	}
	r.Kind = Unmerge
	for _, who := range members {
		if who != m.Survivor && who != m.Absorbed {
			r.Others = append(r.Others, who)
		}
	}
	return r
}

// link is the merge that a request is about. Who was erased meanwhile is zero in it.
func (r Request) link() (m thimble.Merge, err error) {
	m = thimble.Merge{Survivor: r.Subject, At: r.Report.Since, Until: r.Report.Until}
	if len(r.Others) > 0 {
		m.Absorbed = r.Others[0]
	}
	if m.ID, err = thimble.ParseID(subject.MergePrefix, r.Report.Link); err != nil {
		err = fmt.Errorf("reading which merge it is: %w", err)
	}
	return m, err
}

// merge tells the holders of a link that stands.
func (d *Desk) merge(ctx context.Context, r *Request) error {
	m, err := r.link()
	if err != nil {
		return err
	}
	if m.Absorbed.IsZero() {
		r.Report.Refused = "one of the two was erased meanwhile"
		return nil
	}
	one, err := d.members(ctx, m.Survivor)
	if err != nil {
		return err
	}
	if !slices.Contains(one, m.Absorbed) {
		r.Report.Refused = "the two were parted meanwhile"
		return nil
	}
	return d.each(r, func(h thimble.Holder) (thimble.Erasure, error) { return thimble.Erasure{}, h.Merge(ctx, m) })
}

// unmerge tells the holders of a link that is cut: the derived ones once, the others
// of all who were one person by it.
func (d *Desk) unmerge(ctx context.Context, r *Request) error {
	m, err := r.link()
	if err != nil {
		return err
	}
	if m.Survivor.IsZero() && m.Absorbed.IsZero() {
		r.Report.Refused = "all whom it concerned were erased meanwhile"
		return nil
	}
	return d.each(r, func(h thimble.Holder) (e thimble.Erasure, err error) {
		if err = h.Unmerge(ctx, m); err != nil {
			return e, err
		}
		if _, derived := h.(Derived); derived || len(r.Others) < 2 {
			return e, nil
		}
		for _, who := range r.Others[1:] {
			pair := m
			pair.Absorbed = who
			if err = h.Unmerge(ctx, pair); err != nil {
				return e, err
			}
		}
		return e, nil
	})
}
