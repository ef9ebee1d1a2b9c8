package recommend

import (
	"context"
	"fmt"
	"slices"

	"thimble"
)

// A Change is a person's new history; one without items means that the person is to
// be forgotten.
type Change struct {
	Person thimble.SubjectID
	History
}

// Forget removes a person from d and returns the model without them, and how
// many columns had to be solved again. Its bytes equal those of Train on what
// is left, under the same recipe. m itself does not change.
//
// The person leaves d before anything is solved: after an error, such as a
// cancelled context, they stay forgotten there and only Train gives the model.
// Forgetting someone unknown returns m.
func (m *Model) Forget(ctx context.Context, d *Dataset, person thimble.SubjectID) (*Model, int, error) {
	return m.Update(ctx, d, []Change{{Person: person}})
}

// Update puts changed histories into d and returns the model that Train would
// give, and how many columns were solved again. d must be the data set that m
// was trained on, or the error is of kind ErrConflict. It obeys the same rules
// as Forget. When most columns are stale it solves all of them.
func (m *Model) Update(ctx context.Context, d *Dataset, changes []Change) (*Model, int, error) {
	if err := m.fits(d); err != nil {
		return nil, 0, err
	}
	for _, c := range changes {
		if c.Person.IsZero() {
			return nil, 0, fmt.Errorf("recommend: updating: the zero subject is nobody: %w", thimble.ErrInvalid)
		}
	}
	q := d.quick.of(m.recipe)
	if q == nil {
		d.quick.outdated()
	}
	t := d.apply(m.recipe, changes)
	stale, light := m.stale(d, t)
	if len(stale) == 0 && m.fits(d) == nil {
		return m, 0, nil
	}
	if pastBreakEven(len(stale), len(d.table.ids)) {
		fresh, err := Train(ctx, m.recipe, d, nil)
		return fresh, len(d.table.ids), err
	}
	solved, err := m.again(ctx, d, q, stale, light, t)
	if err != nil {
		d.quick.outdated()
		return nil, 0, err
	}
	return newModel(m.recipe, d, m, solved), len(stale), nil
}

// again solves stale columns, the light ones of them from the sums that are kept.
func (m *Model) again(ctx context.Context, d *Dataset, q *quick, stale []int32, light []bool, t trail) (solvedColumns, error) {
	if err := d.index.check(); err != nil {
		return solvedColumns{}, err
	}
	return solveColumns(ctx, m.recipe, d.index, popularityOf(m.recipe, d.index), task{items: stale, light: light, before: m, trail: t, quick: q}, nil)
}

// Stale returns the items whose columns the changes would make stale. Nothing
// changes; a service that updates in the background excludes them meanwhile.
func (m *Model) Stale(d *Dataset, changes []Change) ([]thimble.ItemID, error) {
	if err := m.fits(d); err != nil {
		return nil, err
	}
	undo := make([]Change, 0, len(changes))
	for _, c := range changes {
		undo = append(undo, Change{c.Person, d.history(c.Person)})
	}
	stale, _ := m.stale(d, d.apply(m.recipe, changes))
	slices.Reverse(undo)
	d.apply(m.recipe, undo)
	out := make([]thimble.ItemID, len(stale))
	for k, j := range stale {
		out[k] = d.table.ids[j]
	}
	return out, nil
}

// history returns what the data set has of a person.
func (d *Dataset) history(person thimble.SubjectID) History {
	slot, ok := d.slots[person]
	if !ok {
		return History{}
	}
	h := d.marks[slot].history()
	for _, i := range d.histories[slot] {
		h.Items = append(h.Items, d.table.ids[i])
	}
	return h
}
