package intake_test

import (
	"slices"
	"testing"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/consent"
	"thimble/internal/subject"
)

// Whom an event is about is there, whatever may be kept of it: by an account's number that a
// server says, and by a browser's device that is an account's. Nobody else is.
func TestWhomAnEventIsAboutIsThereWhateverIsKept(t *testing.T) {
	each(t, func(s *shop) {
		var here []thimble.SubjectID
		s.deps.Here = func(who ...thimble.SubjectID) { here = append(here, who...) }
		var err error
		if s.in, err = intake.New(s.deps); err != nil {
			t.Fatal(err)
		}
		heard := func() []thimble.SubjectID {
			all := here
			here = nil
			return all
		}
		s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"phone"`))), 1)
		ada := s.find(subject.Account, "A-1")
		if got := heard(); !slices.Equal(got, []thimble.SubjectID{ada}) {
			t.Errorf("of what was kept: %v", got)
		}
		s.says(ada, consent.Refused, thimble.PersonalizeContent)
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"phone"`, "Product Viewed", viewed))), 0, intake.Denied, 1)
		if got := heard(); !slices.Equal(got, []thimble.SubjectID{ada}) {
			t.Errorf("of what was refused, by their device: %v", got)
		}
		s.want(s.sends(browser, batch(s.track(`"userId":"A-1","anonymousId":"other"`, "Product Viewed", viewed))), 0, intake.Nobody, 1)
		if got := heard(); len(got) != 0 {
			t.Errorf("a browser says of somebody that they are there: %v", got)
		}
		if _, err := s.take(browser, `{"batch":`); err == nil {
			t.Fatal("half a body was taken")
		}
		if got := heard(); len(got) != 0 {
			t.Errorf("of half a body: %v", got)
		}
	})
}
