package gate

import (
	"errors"
	"testing"

	"thimble"
)

func TestDenialOfASilentLedgerOrALostLeaseIsForNow(t *testing.T) {
	for why, wantLater := range map[string]bool{silent: true, whyLapsed: true, "the consent was withdrawn": false} {
		err := error(&Denial{Verdict: Verdict{Why: why}})
		if later := errors.Is(err, thimble.ErrUnavailable); later != wantLater || !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%q: %v, unavailable %v; want denied, and unavailable %v", why, err, later, wantLater)
		}
	}
}
