package policy

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/policy/calendar"
)

func groups(all ...Group) iter.Seq2[Group, error] {
	return func(yield func(Group, error) bool) {
		for _, g := range all {
			if !yield(g, nil) {
				return
			}
		}
	}
}

func shippedFile(t testing.TB, id string, edit ...string) File {
	t.Helper()
	name := "packs/" + id + ".yaml"
	return File{Name: name, Text: []byte(strings.NewReplacer(edit...).Replace(string(readFile(t, name))))}
}

var onFile = []Group{
	{Places: []string{"DE"}, Age: -1, People: 1000, Permits: []thimble.Purpose{"personalize.content.profiled"}},
	{Places: []string{"FR"}, Age: 30, People: 500},
	{Places: []string{"US-VA"}, Age: 40, People: 300},
	{Places: []string{"US-VA"}, Age: 40, People: 7, Objects: []thimble.Purpose{"personalize"}},
	{Age: 50, People: 20},
}

var someFlows = []Flow{{"lists", "personalize.content.profiled", []thimble.Category{thimble.PurchaseHistory}}, {"orders", "essential.service", nil}}

func simulate(t *testing.T, f File, people ...Group) Simulation {
	t.Helper()
	before, after, _, err := library(t).Try(f)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Simulate(before, after, groups(people...), Trial{On: calendar.Date{Year: 2027, Month: 6, Day: 1}, Flows: someFlows})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAProposalIsTriedOnThePeopleOnFile lists exactly what the Digital Omnibus
// would change, and for whom.
func TestAProposalIsTriedOnThePeopleOnFile(t *testing.T) {
	s := simulate(t, shippedFile(t, "eu.gdpr.omnibus2025"), onFile...)
	if s.People != 1827 || s.Touched != 1500 || len(s.Flows) != 0 || s.Waits != 1 {
		t.Errorf("%d people, %d touched, %d flows, %d wait", s.People, s.Touched, len(s.Flows), s.Waits)
	}
	var got []string
	for _, c := range s.Changes {
		got = append(got, fmt.Sprintf("%s: %s to %s, %d in %v", c.Name(), c.From, c.To, c.People, c.Places))
	}
	want := []string{
		"signal/machine_readable/analytics:  to objects, 1500 in [DE FR]",
		"signal/machine_readable/marketing:  to objects, 1500 in [DE FR]",
		"signal/machine_readable/third_party_sharing:  to objects, 1500 in [DE FR]",
		"breach/authority: 72h awareness unless risk is unlikely, may stand still once for identity_doubt to 96h awareness high risk, may stand still once for identity_doubt, 1500 in [DE FR]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAnEditedPackShowsWhoGainsAndLoses turns personal lists in Virginia from
// notice to opt-in, and back.
func TestAnEditedPackShowsWhoGainsAndLoses(t *testing.T) {
	stricter := shippedFile(t, "us.base", "use: personalize, mode: notice", "use: personalize, mode: opt_in")
	s := simulate(t, stricter, onFile...)
	want := []FlowChange{{Flow: "lists", From: "notice", To: "opt_in", People: 307, Lose: 307, Places: []string{"US-VA"}, ByPlace: map[string]int64{"US-VA": 307}}}
	if fmt.Sprint(s.Flows) != fmt.Sprint(want) || s.Touched != 307 || s.Waits != 0 {
		t.Errorf("flows %+v, want %+v; %d touched, %d wait", s.Flows, want, s.Touched, s.Waits)
	}
	looser := shippedFile(t, "eu.gdpr", "use: personalize, mode: opt_in", "use: personalize, mode: opt_out")
	s = simulate(t, looser, onFile...)
	want = []FlowChange{{Flow: "lists", From: "opt_in", To: "opt_out", People: 1500, Gain: 500, Places: []string{"DE", "FR"}, ByPlace: map[string]int64{"DE": 1000, "FR": 500}}}
	if fmt.Sprint(s.Flows) != fmt.Sprint(want) || s.Waits != 1 {
		t.Errorf("flows %+v, want %+v; %d wait", s.Flows, want, s.Waits)
	}
}

func TestAFuturePackIsComparedWithALibraryWithoutIt(t *testing.T) {
	s := simulate(t, shippedFile(t, "in.dpdp.large"), Group{Places: []string{"IN"}, Age: 30, People: 9})
	var got []string
	for _, c := range s.Changes {
		got = append(got, c.Name())
	}
	if want := []string{"retention/*/last_interaction", "notice/erasure_warning@48h_before_erasure"}; !slices.Equal(got, want) || s.Touched != 9 {
		t.Errorf("changes %v, want %v", got, want)
	}
}

func TestAPackAsItIsChangesNothing(t *testing.T) {
	if s := simulate(t, shippedFile(t, "eu.gdpr"), onFile...); len(s.Changes) != 0 || s.Touched != 0 {
		t.Errorf("%+v", s)
	}
}

func TestOnlyPeopleOfAnAgeThatMattersAreTouched(t *testing.T) {
	f := shippedFile(t, "eu.gdpr.de", "under: 16", "under: 18")
	s := simulate(t, f,
		Group{Places: []string{"DE"}, Age: 15, People: 1}, Group{Places: []string{"DE"}, Age: 17, People: 10},
		Group{Places: []string{"DE"}, Age: 18, People: 100}, Group{Places: []string{"DE"}, Age: -1, People: 1000})
	if s.Touched != 1010 || len(s.Changes) != 1 || s.Changes[0].To != "below 18" {
		t.Errorf("%d touched by %+v; want those of 17 and those whose age is unknown", s.Touched, s.Changes)
	}
}

func TestASimulationStopsAtWhatItCannotRead(t *testing.T) {
	l := library(t)
	if _, _, _, err := l.Try(File{Name: "a.yaml", Text: []byte("x")}); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "a.yaml") {
		t.Errorf("a file that is no pack: %v", err)
	}
	on := calendar.Date{Year: 2027, Month: 6, Day: 1}
	if _, err := Simulate(l, l, groups(Group{Places: []string{"Germany"}}), Trial{On: on}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a place that is none: %v", err)
	}
	broken := func(yield func(Group, error) bool) { yield(Group{}, thimble.ErrUnavailable) }
	if _, err := Simulate(l, l, broken, Trial{On: on}); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("people that cannot be read: %v", err)
	}
}
