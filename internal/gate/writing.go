package gate

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/subject"
)

// A Judged is somebody about whom something is about to be written, with the permission
// by which it was judged.
type Judged struct {
	Who        thimble.SubjectID
	Permission *Permission
}

// Write runs f, which writes something about people, while all the permissions hold, and
// reports whether it did. While f runs, a change of anybody's choices among them is not
// answered; if f takes longer than [Grace] then, its context is cancelled, and an error
// of f is one of kind thimble.ErrUnavailable. It is to be asked for after
// [Door.Ready]; who finds that a permission does not hold asks for all of it again.
func (d *Door) Write(ctx context.Context, all []Judged, f func(context.Context) error) (ran bool, err error) {
	m := d.gate.moves
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	// Marked before anybody is looked at: who moves later waits for the end of this.
	defer m.together(func() { abort(errMoving) }, func(who thimble.SubjectID) bool {
		return slices.ContainsFunc(all, func(j Judged) bool {
			return j.Who == who || slices.ContainsFunc(j.Permission.others, func(m subject.Member) bool { return m.ID == who })
		})
	})()
	m.pause("write")
	if m.lease != nil && !m.lease.Live(d.gate.now()) {
		return false, nil
	}
	for i := range all {
		if !d.Holds(all[i].Who, all[i].Permission) {
			return false, nil
		}
	}
	if err := f(ctx); err != nil {
		if context.Cause(ctx) == errMoving { //nolint:errorlint // it is the cause itself
			err = fmt.Errorf("%w (%w)", err, errMoving)
		}
		return true, err
	}
	return true, nil
}

var errMoving = fmt.Errorf("gate: somebody's choices changed while something was written about them: %w", thimble.ErrUnavailable)
