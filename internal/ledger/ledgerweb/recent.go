package ledgerweb

import (
	"context"
	"slices"

	"thimble"
)

// Recent offers the newest receipts of somebody to be checked where they stand, at most
// the given number.
func Recent(log ReceiptLog, most int, sources ...Source) func(ctx context.Context, who thimble.SubjectID) ([]Check, error) {
	return func(ctx context.Context, who thimble.SubjectID) (all []Check, err error) {
		var rows []sourced
		for _, s := range sources {
			listed, err := s.List(ctx, who)
			if err != nil {
				return nil, err
			}
			for _, l := range listed[:min(most, len(listed))] { // each lists the newest first
				rows = append(rows, sourced{s.Kind, l})
			}
		}
		slices.SortStableFunc(rows, func(a, b sourced) int { return b.At.Compare(a.At) })
		for _, l := range rows[:min(most, len(rows))] {
			title := l.Title
			if l.Text != "" {
				title += ": " + l.Text
			}
			all = append(all, CheckOf(log, l.kind, l.Key, title))
		}
		return all, nil
	}
}
