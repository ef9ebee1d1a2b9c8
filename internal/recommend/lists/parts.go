package lists

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/consent"
)

const withoutLists = "Not personal, because you do not want lists made for you. Nothing about you was used."

// permits reports whether a person who permits a purpose permits a part of it. It is
// asked after the grant was given: what changes later ends the grant.
func (s *Shop) permits(ctx context.Context, who thimble.SubjectID, p thimble.Purpose, part consent.Scope) (bool, error) {
	st, err := s.Choices.StandingFor(ctx, who, p, part)
	if err != nil {
		return false, fmt.Errorf("recommend: asking about a part: %w", err)
	}
	return st.Now(s.Now()).Permits(), nil
}

// returnsOf reports whether a person's returns may be opened for a list. A list is the
// feature, so that a no to the signal within it counts too.
func (s *Shop) returnsOf(ctx context.Context, who thimble.SubjectID) (bool, error) {
	return s.permits(ctx, who, thimble.PersonalizeContent, consent.Scope{Feature: consent.Recommendations, Signal: consent.Returns})
}
