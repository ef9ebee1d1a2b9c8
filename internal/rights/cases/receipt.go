package cases

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/policy"
)

// A Receipt is the duty to tell who asked that the request came, and when that was done.
type Receipt struct {
	By   time.Time // the first instant that is too late; zero where no law asks for it
	At   time.Time // when they were told; zero until then
	Rule string    // which law asks for it
}

// Confirms says by when somebody is to be told that a request came, by the laws that they
// came under at that instant: the earliest counts. Where none has a time for the right
// itself, that of the right it is a part of counts, as for the answer ([Deadlines]). It is
// zero where no law asks for it.
func Confirms(law *policy.Law, k Kind, at time.Time) (Receipt, error) {
	for _, right := range append([]Kind{k}, k.nature().Next...) {
		all, err := law.Due(string(right)+"/acknowledge", at, policy.History{})
		if errors.Is(err, thimble.ErrNotFound) {
			continue
		}
		if err != nil {
			return Receipt{}, err
		}
		o := all[0].Clock.Origin
		return Receipt{By: all[0].By.UTC().Truncate(time.Microsecond), Rule: fmt.Sprintf("%s, %s: %s", o.Pack, o.Cite, all[0].Clock.Within)}, nil
	}
	return Receipt{}, nil
}

// Confirmed returns the duty as it stands once a request has come: who asks in the privacy
// centre has read it on the page, and an agent or a firm that passes it on has it in the
// answer. A confirmation may be given in the way in which the request came (11 CCR
// 7021(a)). What a system of the shop is answered is the shop telling itself.
func (r Receipt) Confirmed(v Via, at time.Time) Receipt {
	if slices.Contains([]Via{Centre, Guardian}, v) || v.Unseen() && v != System {
		r.At = at
	}
	return r
}

// Unconfirmed reports whether a law has somebody told by now that their request came, and
// nobody has told them. Who a system of the shop named, and nobody knows, cannot be told.
func (c Case) Unconfirmed(at time.Time) bool {
	if c.Via == System && c.Subject.IsZero() {
		return false
	}
	return !c.State.Final() && !c.Receipt.By.IsZero() && c.Receipt.At.IsZero() && !at.Before(c.Receipt.By)
}
