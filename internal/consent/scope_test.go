package consent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func anyScope(t *rapid.T, name string) Scope {
	word := func(field string, words ...string) string { return rapid.SampledFrom(words).Draw(t, name+" "+field) }
	return Scope{Brand: word("brand", "", "a", "b"), Channel: word("channel", "", "web", "email"),
		Feature: word("feature", "", "lists"), Signal: word("signal", "", "orders", "returns")}
}

// said draws a history of one purpose, one standing for each scope.
func said(t *rapid.T) (all []Standing) {
	for seq := range rapid.IntRange(0, 8).Draw(t, "choices") {
		s := Standing{Purpose: thimble.PersonalizeContent, Scope: anyScope(t, "scope"), Seq: int64(seq + 1), At: noon,
			State: rapid.SampledFrom([]State{Given, Renewed, Refused, Withdrawn, Deferred, Invalidated}).Draw(t, "state")}
		if s.State.Permits() && rapid.Bool().Draw(t, "runs out") {
			s.Expires = noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "in hours")) * time.Hour)
		}
		all = append(slices.DeleteFunc(all, func(o Standing) bool { return o.Scope == s.Scope }), s)
	}
	return all
}

func with(all []Standing, s Standing) []Standing {
	s.Seq = 100
	return append(slices.DeleteFunc(slices.Clone(all), func(o Standing) bool { return o.Scope == s.Scope }), s)
}

func permits(all []Standing, q Scope) bool { return Decide(all, q, noon).Now(noon).Permits() }

func TestANewNoNeverAllowsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, q := said(t), anyScope(t, "use")
		no := Standing{Scope: anyScope(t, "no"), State: rapid.SampledFrom([]State{Refused, Withdrawn, Invalidated}).Draw(t, "no")}
		if !permits(all, q) && permits(with(all, no), q) {
			t.Fatalf("a no to %q allowed %q", no.Scope, q)
		}
		if permits(with(all, no), q) && no.Scope.Covers(q) {
			t.Fatalf("a no to %q did not reach %q", no.Scope, q)
		}
	})
}

func TestANewYesAllowsOnlyWhatItCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, q := said(t), anyScope(t, "use")
		yes := Standing{Scope: anyScope(t, "yes"), State: Given}
		before, after := permits(all, q), permits(with(all, yes), q)
		if !before && after && !yes.Scope.Covers(q) {
			t.Fatalf("a yes to %q allowed %q", yes.Scope, q)
		}
	})
}

func TestNothingIsAllowedWithoutAYesThatCoversIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, q := said(t), anyScope(t, "use")
		got := Decide(rapid.Permutation(all).Draw(t, "order"), q, noon)
		if got != Decide(all, q, noon) {
			t.Fatal("the order of the standings counts")
		}
		if got.Now(noon).Permits() && !got.Scope.Covers(q) {
			t.Fatalf("%q is allowed by a yes to %q", q, got.Scope)
		}
	})
}

func TestChoicesOfDifferentReach(t *testing.T) {
	returns, web := Scope{Signal: "returns"}, Scope{Channel: "web"}
	for _, c := range []struct {
		name string
		said []Standing
		use  Scope
		want State
	}{
		{"a yes to everything", []Standing{{State: Given, Seq: 1}}, returns, Given},
		{"but not my returns", []Standing{{State: Given, Seq: 1}, {Scope: returns, State: Refused, Seq: 2}}, returns, Refused},
		{"the rest stays allowed", []Standing{{State: Given, Seq: 1}, {Scope: returns, State: Refused, Seq: 2}}, Scope{Signal: "orders"}, Given},
		{"renewing everything keeps the exception", []Standing{{State: Renewed, Seq: 3}, {Scope: returns, State: Refused, Seq: 2}}, returns, Refused},
		{"a later yes to one channel", []Standing{{State: Refused, Seq: 1}, {Scope: web, State: Given, Seq: 2}}, web, Given},
		{"leaves the other channels", []Standing{{State: Refused, Seq: 1}, {Scope: web, State: Given, Seq: 2}}, Scope{Channel: "email"}, Refused},
		{"and a use that names no channel", []Standing{{State: Refused, Seq: 1}, {Scope: web, State: Given, Seq: 2}}, Scope{}, Refused},
		{"withdrawing everything ends it", []Standing{{State: Withdrawn, Seq: 3}, {Scope: web, State: Given, Seq: 2}}, web, Withdrawn},
		{"one brand's no and a use that names none", []Standing{{State: Given, Seq: 1}, {Scope: Scope{Brand: "a"}, State: Refused, Seq: 2}}, Scope{}, Refused},
		{"one brand's yes is not another's", []Standing{{Scope: Scope{Brand: "a"}, State: Given, Seq: 1}}, Scope{Brand: "b"}, ""},
		{"put off is silence", []Standing{{State: Deferred, Seq: 1}}, Scope{}, Deferred},
		{"silence does not undo a yes", []Standing{{State: Given, Seq: 1}, {Scope: web, State: Deferred, Seq: 2}}, web, Given},
		{"run out", []Standing{{State: Given, Seq: 1, Expires: noon}}, Scope{}, Expired},
	} {
		if got := Decide(c.said, c.use, noon).Now(noon); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAScopeIsItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScope(t, "scope")
		if got, err := ParseScope(s.String()); err != nil || got != s {
			t.Fatalf("%q becomes %q, %v", s, got, err)
		}
	})
	for _, bad := range []string{"brand", "brand=", "size=m", "channel=web;brand=a", "brand=a;brand=a", "brand=A", "brand=a;", "brand=a b"} {
		if _, err := ParseScope(bad); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q: %v, want invalid", bad, err)
		}
	}
}

func TestNobodyIsAskedAgainBeforeTheirRestIsOver(t *testing.T) {
	for _, c := range []struct {
		name   string
		said   Standing
		months int
		grew   bool
		want   bool
	}{
		{"never asked", Standing{}, 6, false, true},
		{"refused five months ago", Standing{State: Refused, At: noon.AddDate(0, -5, 0)}, 6, false, false},
		{"refused six months ago", Standing{State: Refused, At: noon.AddDate(0, -6, 0)}, 6, false, true},
		{"refused six months ago in California", Standing{State: Refused, At: noon.AddDate(0, -6, 0)}, Rest("US-CA"), false, false},
		{"withdrawn, and the notice has grown", Standing{State: Withdrawn, At: noon.AddDate(0, -1, 0)}, 6, true, false},
		{"put off yesterday", Standing{State: Deferred, At: noon.AddDate(0, 0, -1)}, 6, false, false},
		{"said yes", Standing{State: Given, At: noon, Expires: noon.Add(Lives)}, 6, false, false},
		{"said yes to less", Standing{State: Given, At: noon, Expires: noon.Add(Lives)}, 6, true, true},
		{"a yes that ends this week", Standing{State: Given, At: noon, Expires: noon.AddDate(0, 0, 6)}, 6, false, true},
		{"a yes that ran out", Standing{State: Given, At: noon, Expires: noon}, 6, false, true},
	} {
		if got, _ := MayAsk(c.said, noon, c.months, c.grew); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

func TestAChildsYesNeedsAGuardianAndEndsWithChildhood(t *testing.T) {
	yes, no := Choice{Purpose: thimble.PersonalizeContent, State: Given}, Choice{Purpose: thimble.PersonalizeContent, State: Withdrawn}
	guardian, self := By{Actor: "guardian", Guardian: thimble.SubjectID{9}}, By{Actor: "subject"}
	child, adult, unknown := Age{Known: true, Of: noon.AddDate(0, 3, 0)}, Age{Known: true, Adult: true}, Age{}
	for _, c := range []struct {
		name   string
		age    Age
		choice Choice
		by     By
		want   bool
	}{
		{"a child says yes", child, yes, self, false},
		{"a child says no", child, no, self, true},
		{"a guardian says yes", child, yes, guardian, true},
		{"a guardian nobody named", child, yes, By{Actor: "guardian"}, false},
		{"a guardian of an adult", adult, yes, guardian, false},
		{"an adult", adult, yes, self, true},
		{"somebody of unknown age", unknown, yes, self, true},
	} {
		if err := c.age.Allows(c.choice, c.by, true); (err == nil) != c.want || err != nil && !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%s: %v, want allowed %t", c.name, err, c.want)
		}
	}
	if got := child.Until(noon, guardian); !got.Equal(child.Of) {
		t.Errorf("a guardian's yes lasts until %s, want %s", got, child.Of)
	}
	if got := adult.Until(noon, self); !got.Equal(noon.Add(Lives)) {
		t.Errorf("a yes lasts until %s, want %s", got, noon.Add(Lives))
	}
}
