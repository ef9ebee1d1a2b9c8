package consent_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent"
)

func TestJoinNeverLoosensUntilThePersonDecidesAgain(t *testing.T) {
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) consent.Standing {
			s := consent.Standing{
				Purpose: thimble.TrainAISystem,
				State:   rapid.SampledFrom([]consent.State{"", consent.Given, consent.Refused, consent.Withdrawn}).Draw(t, label),
			}
			if s.State != "" {
				s.At, s.Seq = hour(rapid.IntRange(0, 9).Draw(t, label+" at")), rapid.Int64Range(1, 3).Draw(t, label+" seq")
			}
			if s.State == consent.Given && rapid.Bool().Draw(t, label+" ends") {
				s.Expires = s.At.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, label+" lives")) * time.Hour)
			}
			return s
		}
		canonical := draw("canonical")
		var others []consent.Joined
		for range rapid.IntRange(0, 4).Draw(t, "others") {
			others = append(others, consent.Joined{Standing: draw("other"), Since: hour(rapid.IntRange(0, 9).Draw(t, "since"))})
		}

		person := consent.Join(canonical, others...)

		at := hour(rapid.IntRange(0, 20).Draw(t, "now"))
		permits := canonical.Now(at).Permits()
		for _, o := range others {
			superseded := canonical.At.After(o.Since) && !canonical.At.Before(o.Standing.At)
			permits = permits && (superseded || o.Standing.Now(at).Permits())
		}
		if got := person.Now(at).Permits(); got != permits {
			t.Fatalf("permits = %t, want %t: %+v with %+v", got, permits, canonical, others)
		}
		if again := consent.Join(canonical, rapid.Permutation(others).Draw(t, "order")...); again != person {
			t.Fatalf("in another order: %+v, want %+v", again, person)
		}
	})
}

func TestOfTwoAccountsTheStricterChoiceCountsUntilThePersonDecidesAgain(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 11, 22, h, 0, 0, 0, time.UTC) }
	said := func(s consent.State, h int) consent.Standing {
		return consent.Standing{Purpose: thimble.TrainAISystem, State: s, At: at(h), Seq: 1}
	}
	for _, c := range []struct {
		name      string
		canonical consent.Standing
		other     consent.Standing // joined at 10
		want      consent.State
	}{
		{"one withdrew, one allowed", said(consent.Given, 8), said(consent.Withdrawn, 9), consent.Withdrawn},
		{"one allowed, one was never asked", said(consent.Given, 8), consent.Standing{Purpose: thimble.TrainAISystem}, ""},
		{"both allowed", said(consent.Given, 8), said(consent.Given, 9), consent.Given},
		{"decided after the merge", said(consent.Given, 11), said(consent.Withdrawn, 9), consent.Given},
		{"the other said no after that", said(consent.Given, 11), said(consent.Withdrawn, 12), consent.Withdrawn},
		{"the other said yes after a no", said(consent.Withdrawn, 11), said(consent.Given, 12), consent.Withdrawn},
		{"decided at the very moment of the merge", said(consent.Given, 10), said(consent.Withdrawn, 9), consent.Withdrawn},
	} {
		if got := consent.Join(c.canonical, consent.Joined{Standing: c.other, Since: at(10)}); got.State != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.State, c.want)
		}
	}
}
