package consentweb

import (
	"slices"
	"testing"

	"thimble"
	"thimble/internal/consent"
)

// TestANoticeCoversWhatTheDataMapSays: a category or a recipient that the data map has
// for a purpose and the notice has not would be used without a yes that covers it. The
// pseudonym and the number by which things are found say nothing about anybody.
func TestANoticeCoversWhatTheDataMapSays(t *testing.T) {
	for _, a := range consent.Asked {
		h := handling(a.Purpose)
		h.Categories = slices.DeleteFunc(h.Categories, func(c thimble.Category) bool { return c == thimble.Pseudonym })
		for _, c := range h.Categories {
			if !consent.Current().Matrix.Covers(a.Purpose, c, "") {
				t.Errorf("%s uses %s, and the notice does not say so", a.Purpose, c)
			}
		}
		if !slices.Equal(h.Recipients, a.Recipients) && len(h.Recipients)+len(a.Recipients) > 0 {
			t.Errorf("%s goes to %q, and the notice says %q", a.Purpose, h.Recipients, a.Recipients)
		}
		if len(h.Categories) == 0 || h.Retention == "" {
			t.Errorf("%s: %+v", a.Purpose, h)
		}
	}
}
