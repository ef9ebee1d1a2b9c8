package rights

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
)

// Merge says that two subjects are one person: the link is committed first, then
// every holder is told. It goes on when the caller goes away, and after a crash. The
// error of a link that is refused has the kind that the link's keeper gave it.
func (d *Desk) Merge(ctx context.Context, survivor, absorbed thimble.SubjectID, evidence string) (Report, error) {
	if survivor.IsZero() || absorbed.IsZero() || survivor == absorbed {
		return Report{}, fmt.Errorf("rights: merge: two different people were expected: %w", thimble.ErrInvalid)
	}
	return d.link(ctx, Request{Kind: Merge, Subject: survivor, Others: []thimble.SubjectID{absorbed}}, func(ctx context.Context) (thimble.Merge, error) {
		return d.cfg.Links.Merge(ctx, survivor, absorbed, evidence)
	})
}

// Unmerge says that two who were merged are two after all: the link is cut first,
// then every holder destroys what it made of both as one.
func (d *Desk) Unmerge(ctx context.Context, id thimble.ID) (Report, error) {
	if id.IsZero() {
		return Report{}, fmt.Errorf("rights: undoing a merge: its id was expected: %w", thimble.ErrInvalid)
	}
	r := Request{Kind: Unmerge, Report: Report{Link: id.Token(MergePrefix)}}
	return d.link(ctx, r, func(ctx context.Context) (thimble.Merge, error) { return d.cfg.Links.Unmerge(ctx, id) })
}

// link opens a request, makes or cuts the link, notes it, and executes the rest.
func (d *Desk) link(ctx context.Context, r Request, do func(context.Context) (thimble.Merge, error)) (Report, error) {
	if d.cfg.Links == nil {
		return Report{}, fmt.Errorf("rights: this installation merges nobody: %w", thimble.ErrUnavailable)
	}
	ctx, cancel := patiently(ctx)
	defer cancel()
	id, err := thimble.NewID(nil)
	if err != nil {
		return Report{}, err
	}
	// It is taken before it can be found: else Retry could judge, before the link is
	// made, that there is none.
	r.ID = id
	d.take(id)
	defer d.leave(id)
	if r, err = d.store.Begin(ctx, r); err != nil {
		return Report{}, fmt.Errorf("rights: opening a request: %w", err)
	}
	m, err := do(ctx)
	if refused(err) {
		r.Report.Refused = "the link was refused"
		return Report{}, errors.Join(fmt.Errorf("rights: %s: %w", r.Kind, err), d.store.Finish(ctx, r))
	}
	if err == nil {
		err = d.linked(ctx, &r, m)
	}
	if err != nil {
		return Report{}, fmt.Errorf("rights: %s %s: %w", r.Kind, r.ID.Token(TokenPrefix), err)
	}
	return d.taken(ctx, r)
}

// refused reports whether trying again would be refused again.
func refused(err error) bool {
	for _, kind := range []error{thimble.ErrInvalid, thimble.ErrNotFound, thimble.ErrConflict, thimble.ErrDenied} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// linked notes the merge in the request.
func (d *Desk) linked(ctx context.Context, r *Request, m thimble.Merge) error {
	if r.Kind == Unmerge && m.Until.IsZero() {
		m.Until = d.cfg.Now().UTC() // the link is cut: nothing was made of both later
	}
	r.Subject, r.Others = m.Survivor, []thimble.SubjectID{m.Absorbed}
	r.Report.Link, r.Report.Since, r.Report.Until = m.ID.Token(MergePrefix), m.At, m.Until
	return d.store.Note(ctx, *r)
}

// noted is the merge that linked has noted; none when it has not. Who was erased
// meanwhile is zero in it.
func noted(r Request) (m thimble.Merge, ok bool, err error) {
	if r.Report.Since.IsZero() {
		return m, false, nil
	}
	m = thimble.Merge{Survivor: r.Subject, At: r.Report.Since, Until: r.Report.Until}
	if len(r.Others) > 0 {
		m.Absorbed = r.Others[0]
	}
	m.ID, err = thimble.ParseID(MergePrefix, r.Report.Link)
	return m, true, err
}

var errErased = errors.New("one of the two was erased meanwhile")

// merge tells the holders of a link that stands.
func (d *Desk) merge(ctx context.Context, r *Request) error {
	m, ok, err := noted(*r)
	if err == nil && !ok {
		// It ended before the link was noted: whether it was made, the link's keeper knows.
		m, err = d.stands(ctx, *r)
		r.Report.Resumed = true
	}
	if err == nil && (m.Survivor.IsZero() || m.Absorbed.IsZero()) {
		err = errErased
	}
	if errors.Is(err, errErased) || errors.Is(err, errNoLink) {
		r.Report.Refused = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	return d.each(r, func(h thimble.Holder) (thimble.Erasure, error) { return thimble.Erasure{}, h.Merge(ctx, m) })
}

var errNoLink = errors.New("the link was never made")

// stands returns the merge of an interrupted request if its link was made. What is
// not known of it, its id and instant, are the request's: it began before the link.
func (d *Desk) stands(ctx context.Context, r Request) (m thimble.Merge, err error) {
	if len(r.Others) == 0 {
		return m, errErased
	}
	members, err := d.members(ctx, r.Subject)
	if err == nil && !slices.Contains(members, r.Others[0]) {
		err = errNoLink
	}
	return thimble.Merge{ID: r.ID, Survivor: r.Subject, Absorbed: r.Others[0], At: r.At}, err
}

// unmerge tells the holders of a link that is cut.
func (d *Desk) unmerge(ctx context.Context, r *Request) error {
	m, ok, err := noted(*r)
	if err == nil && !ok {
		r.Report.Resumed = true
		m, err = d.cut(ctx, r)
	}
	if errors.Is(err, errErased) {
		r.Report.Refused = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	// Whoever stood for the survivor meanwhile was taken for the absorbed as well.
	members := []thimble.SubjectID{m.Survivor}
	if !m.Survivor.IsZero() {
		if members, err = d.members(ctx, m.Survivor); err != nil {
			return err
		}
	}
	return d.each(r, func(h thimble.Holder) (thimble.Erasure, error) {
		for _, who := range members {
			pair := m
			pair.Survivor = who
			if err := h.Unmerge(ctx, pair); err != nil {
				return thimble.Erasure{}, err
			}
		}
		return thimble.Erasure{}, nil
	})
}

// cut cuts the link of an interrupted request, or learns that it is cut.
func (d *Desk) cut(ctx context.Context, r *Request) (m thimble.Merge, err error) {
	if d.cfg.Links == nil {
		return m, fmt.Errorf("this installation merges nobody: %w", thimble.ErrUnavailable)
	}
	id, err := thimble.ParseID(MergePrefix, r.Report.Link)
	if err != nil {
		return m, err
	}
	m, err = d.cfg.Links.Unmerge(ctx, id)
	if errors.Is(err, thimble.ErrNotFound) {
		return m, errErased
	}
	if err != nil {
		return m, err
	}
	if err := d.linked(ctx, r, m); err != nil {
		return m, err
	}
	m.Until = r.Report.Until
	return m, nil
}
