package consent

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/subject"
)

// OfPerson returns where a person stands, from what each of their subjects says.
func OfPerson(ctx context.Context, who subject.Person, p thimble.Purpose, standing func(context.Context, thimble.SubjectID, thimble.Purpose) (Standing, error)) (Standing, error) {
	if len(who.Members) == 0 {
		return Standing{Purpose: p}, nil
	}
	canonical, err := standing(ctx, who.ID(), p)
	if err != nil {
		return canonical, err
	}
	others := make([]Joined, 0, len(who.Members)-1)
	for _, m := range who.Members[1:] {
		st, err := standing(ctx, m.ID, p)
		if err != nil {
			return canonical, err
		}
		others = append(others, Joined{Standing: st, Since: m.Joined})
	}
	return Join(canonical, others...), nil
}

// A Joined standing is that of a subject which a merge joined to another.
type Joined struct {
	Standing Standing
	Since    time.Time // when the merge was made
}

// Join returns where a person stands on a purpose who has several subjects, from the
// standing of the canonical one and those of the others. The strictest counts, and
// an answer that was never given is no yes, so that a merge loosens nothing. What
// the person decides after the merge is recorded under the canonical subject and
// counts for all; what another subject said later than that counts again, if it is
// stricter. All standings are of one purpose. The order of the others does not matter.
func Join(canonical Standing, others ...Joined) Standing {
	person := canonical
	for _, o := range others {
		decided := canonical.At.After(o.Since) && !canonical.At.Before(o.Standing.At)
		if !decided {
			person = stricter(person, o.Standing)
		}
	}
	return person
}

// strictness orders states; a yes is loosest. That a yes has run out is told by its
// time, not by its state.
func strictness(s State) int {
	switch s {
	case Withdrawn:
		return 3
	case Refused:
		return 2
	case Given:
		return 0
	}
	return 1
}

func stricter(a, b Standing) Standing {
	sa, sb := strictness(a.State), strictness(b.State)
	switch {
	case sa != sb:
		if sa > sb {
			return a
		}
		return b
	case sa == 0:
		// Of two that were given, the one that ends first.
		if ends(b).Before(ends(a)) || ends(b).Equal(ends(a)) && newer(b, a) {
			return b
		}
		return a
	case newer(b, a):
		return b
	}
	return a
}

func newer(a, b Standing) bool { return a.At.After(b.At) || a.At.Equal(b.At) && a.Seq > b.Seq }

// ends returns when a yes ends by itself; one that does not, at the end of time.
func ends(s Standing) time.Time {
	if s.Expires.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return s.Expires
}
