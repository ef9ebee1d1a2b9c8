package subject

import (
	"strings"
	"testing"
)

func TestAMaskShowsEnoughToKnowAValueAgainAndNoMore(t *testing.T) {
	for _, tc := range []struct {
		kind        Kind
		value, want string
	}{
		{Email, "ada.lovelace@example.org", "a•••@e•••.org"}, {Email, "a@b.co.uk", "a•••@b•••.uk"}, {Email, "broken", "•••"}, {Email, "ü@x.de", "ü•••@x•••.de"},
		{Account, "17850", "•••50"}, {Account, "1234", "•••"}, {Account, "", "•••"}, {Phone, "+441632960961", "•••61"}, {Device, "d7f0-11", "•••11"},
	} {
		if got := Mask(tc.kind, tc.value); got != tc.want {
			t.Errorf("Mask(%s, %q) = %q, want %q", tc.kind, tc.value, got, tc.want)
		}
		if len(tc.value) > 6 && strings.Contains(Mask(tc.kind, tc.value), tc.value[1:5]) {
			t.Errorf("the middle of %q is shown", tc.value)
		}
	}
}
