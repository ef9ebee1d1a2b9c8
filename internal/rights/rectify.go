package rights

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/certificate"
)

// A Relearner is a derived holder that takes out of what it made, exactly, what is no more
// so about some people.
type Relearner interface {
	thimble.Holder
	Relearn(ctx context.Context, who ...thimble.SubjectID) error
}

// Corrections know what a case asks to put right; *casesdb.Store does.
type Corrections interface {
	Correction(ctx context.Context, ofCase string) (thimble.Correction, error)
}

// Decisions know what was decided from which data, and make it anew. They may be asked
// again for the same request.
type Decisions interface {
	// Redo finds what was decided about members with data of a category since an instant
	// and before another, by which everything was right. What has an effect still is made
	// anew with the data as it is now; the others count no more.
	Redo(ctx context.Context, request thimble.ID, members []thimble.SubjectID, c thimble.Category, since, until time.Time) (Rescored, error)
}

// Recipients tell who has data of a category about a person's subjects that it was corrected,
// and what is right to those who may have it (GDPR Art. 19); the request is the cause. The
// correction is zero when it is not known any more.
type Recipients interface {
	Corrected(ctx context.Context, members []thimble.SubjectID, c thimble.Category, what thimble.Correction) (told int, err error)
}

// Amends are what a correction reaches beside the holder of the value; nil parts are not
// reached.
type Amends struct {
	Corrections Corrections
	Decisions   Decisions
	Recipients  Recipients
}

// A Rescored says which decisions wrong data fed, and what became of each.
type Rescored struct {
	Fed   int         `json:"fed"`             // how many it went into, or may have
	Ended int         `json:"ended,omitempty"` // of those, how many count no more without one in their place
	Anew  []AnewMade  `json:"anew,omitempty"`  // those that had an effect still
	Not   []NotRemade `json:"not_made_anew,omitempty"`
	// SHA256 is over the tokens of all of them, sorted, a line each.
	SHA256 string `json:"sha256"`
}

// An AnewMade is a decision that was made anew.
type AnewMade struct {
	Was     string `json:"was"`
	Now     string `json:"now"`
	Changed bool   `json:"changed"` // it comes out otherwise
}

// A NotRemade is one that could not be, and why. It counts no more.
type NotRemade struct {
	Was string `json:"was"`
	Why string `json:"why"`
}

// rectify puts a value right, has what learned from it forget it, makes anew what was
// decided by it, and tells who has it.
func (d *Desk) rectify(ctx context.Context, r *Request) error {
	if r.Report.Models == nil { // what served before could not be known afterwards
		r.Report.Models = &Models{Before: d.serving()}
		if err := d.store.Note(ctx, *r); err != nil {
			return err
		}
	} else {
		r.Report.Resumed = true
	}
	done, err := d.correct(ctx, r)
	if refusal := refusing(err); refusal != "" {
		r.Report.Refused, r.Report.Models = refusal, nil
		return nil
	}
	if err != nil {
		return err
	}
	if done.Changed > 0 || len(r.Report.Holders) == 0 {
		r.Report.Holders = []HolderLine{{Holder: r.Report.Holder, Count: done.Changed, Kept: done.Kept}}
		if err := d.store.Note(ctx, *r); err != nil {
			return err
		}
	}
	if err := d.relearn(ctx, r); err != nil {
		return err
	}
	members := r.concerned()
	if a := d.cfg.Amends.Decisions; a != nil {
		if r.Report.Until.IsZero() {
			// From here on nothing is decided by what was wrong. It is durable before anything
			// is decided anew: after a crash that would count as wrong too.
			r.Report.Until = d.cfg.Now().UTC().Truncate(time.Microsecond)
			if err := d.store.Note(ctx, *r); err != nil {
				return err
			}
		}
		made, err := a.Redo(ctx, r.ID, members, r.Report.Category, r.Report.Since, r.Report.Until)
		if err != nil {
			return fmt.Errorf("decisions: %w", err)
		}
		r.Report.Decisions = &made
	}
	return d.tell(thimble.WithCause(ctx, r.ID), r, members)
}

// serving is the hash of the model that serves; "" for none.
func (d *Desk) serving() string {
	if d.model == nil {
		return ""
	}
	return d.model()
}

func (d *Desk) correct(ctx context.Context, r *Request) (thimble.Corrected, error) {
	h, err := d.named(r.Report.Holder)
	if err != nil {
		return thimble.Corrected{}, err
	}
	holder, ok := h.(thimble.Corrector)
	if !ok || d.cfg.Amends.Corrections == nil {
		return thimble.Corrected{}, fmt.Errorf("%s corrects nothing: %w", r.Report.Holder, thimble.ErrInvalid)
	}
	c, err := d.cfg.Amends.Corrections.Correction(ctx, r.Report.Case)
	if err != nil {
		return thimble.Corrected{}, err
	}
	return holder.Correct(thimble.WithCause(ctx, r.ID), c)
}

// refusing says why a correction cannot be made; "" when it can, or may be later.
func refusing(err error) string {
	switch {
	case err == nil || errors.Is(err, thimble.ErrUnavailable):
		return ""
	case errors.Is(err, thimble.ErrConflict):
		return "the value that was given cannot be taken: somebody else has it, or there is no room for it"
	case errors.Is(err, thimble.ErrNotFound):
		return "what was to be corrected is not held any more"
	case errors.Is(err, thimble.ErrInvalid):
		return "the value that was given is none of its kind"
	}
	return ""
}

// relearn has each derived holder forget what is no more so.
func (d *Desk) relearn(ctx context.Context, r *Request) error {
	for _, h := range d.holders {
		l, ok := h.(Relearner)
		if !ok {
			continue
		}
		if err := l.Relearn(ctx, r.concerned()...); err != nil {
			return fmt.Errorf("%s: %w", h.HolderName(), err)
		}
	}
	r.Report.Models.After = d.serving()
	return nil
}

func (d *Desk) tell(ctx context.Context, r *Request, members []thimble.SubjectID) error {
	if d.cfg.Amends.Recipients == nil || d.cfg.Amends.Corrections == nil {
		return nil
	}
	what, err := d.cfg.Amends.Corrections.Correction(ctx, r.Report.Case)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) {
		return err
	}
	if _, err := d.cfg.Amends.Recipients.Corrected(ctx, members, r.Report.Category, what); err != nil {
		return err
	}
	if d.cfg.Surroundings == nil {
		return nil
	}
	all, err := d.cfg.Surroundings.Notices(ctx, r.ID)
	if err != nil {
		return err
	}
	r.Report.Told = make([]certificate.Recipient, 0, len(all))
	r.Report.Told = append(r.Report.Told, all...)
	return nil
}

// A Held is one value that is held about a person, and how it can be put right.
type Held struct {
	Subject thimble.SubjectID // whose, of the person's subjects
	Datum   thimble.Datum
	Remedy  thimble.Remedy
}

// Correctable returns the value that a holder exports under a name, or a part of it, and how
// it can be put right. The error is of kind ErrNotFound when there is none, or nothing can be.
func (d *Desk) Correctable(ctx context.Context, who thimble.SubjectID, holder, name, ref string) (Held, error) {
	h, err := d.named(holder)
	if err != nil {
		return Held{}, err
	}
	members, err := d.members(ctx, who)
	if err != nil {
		return Held{}, err
	}
	corrector, ok := h.(thimble.Corrector)
	for _, m := range members {
		if !ok {
			break
		}
		for datum, err := range h.Export(ctx, m) {
			if err != nil {
				return Held{}, fmt.Errorf("rights: looking for what is to be corrected: %w", err)
			}
			whole, _, part := strings.Cut(ref, "/")
			if datum.Name != name || datum.Ref != whole {
				continue
			}
			if part {
				datum.Ref = ref
			}
			if remedy, can := corrector.Remedy(datum); can {
				return Held{m, datum, remedy}, nil
			}
		}
	}
	return Held{}, fmt.Errorf("rights: nothing of that name can be corrected: %w", thimble.ErrNotFound)
}

// Accepts asks the holder whether a correction can be meant; see [thimble.Corrector].
func (d *Desk) Accepts(holder string, c thimble.Correction) error {
	h, err := d.named(holder)
	if err != nil {
		return err
	}
	corrector, ok := h.(thimble.Corrector)
	if !ok {
		return fmt.Errorf("rights: %s corrects nothing: %w", holder, thimble.ErrInvalid)
	}
	return corrector.Accepts(c)
}

// Corrects reports whether a datum of an archive can be put right.
func (d *Desk) Corrects(datum thimble.Datum) bool {
	h, err := d.named(datum.Holder)
	if err != nil {
		return false
	}
	corrector, ok := h.(thimble.Corrector)
	if !ok {
		return false
	}
	_, can := corrector.Remedy(datum)
	return can
}
