package backup

import (
	"fmt"
	"slices"
	"time"

	"thimble"
)

// A Choice is what an instant is put back from: core as of one backup, and the log and the keys
// of it or of the next one.
type Choice struct {
	Core, Rest *Manifest
	// Least and Before say which frames of Rest's log are wanted: those that were there when
	// core was copied, and those that came in until the instant. A zero Before means all.
	Least  int64
	Before time.Time
}

// Choose returns what the instant is put back from; a zero one means the newest. What happened in
// core after its copy is in no backup before the next: of that the log alone has something.
func Choose(all []*Manifest, at time.Time) (c Choice, err error) {
	if len(all) == 0 {
		return c, fmt.Errorf("backup: the set has no backup: %w", thimble.ErrNotFound)
	}
	if at.IsZero() {
		m := all[len(all)-1]
		return Choice{Core: m, Rest: m}, nil
	}
	next := slices.IndexFunc(all, func(m *Manifest) bool { return m.Taken().After(at) })
	switch next {
	case 0:
		return c, fmt.Errorf("backup: the oldest backup is of %s: %w", all[0].Taken().Format(time.RFC3339), thimble.ErrNotFound)
	case -1:
		m := all[len(all)-1]
		return Choice{Core: m, Rest: m}, nil
	}
	m, rest := all[next-1], all[next]
	if !rest.Covers(m) || rest.Epoch != m.Epoch { // what was put back in between has another history
		return Choice{Core: m, Rest: m}, nil
	}
	return Choice{Core: m, Rest: rest, Least: m.Log.Last, Before: at}, nil
}

// Covers reports whether m's core can be opened with the keys of r: the keys of its indexes were not
// replaced meanwhile.
func (m *Manifest) Covers(r *Manifest) bool {
	return !slices.ContainsFunc(r.Indexes, func(name string) bool { return !slices.Contains(m.Indexes, name) })
}
