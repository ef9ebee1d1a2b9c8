package gate

import (
	"testing"
	"time"
)

func hours(n, people int) (past []Hour) {
	for i := range n {
		past = append(past, Hour{Kind: Staff, Actor: "owner", At: time.Date(2026, 11, 1+i/4, 9+i%4, 0, 0, 0, time.UTC), People: people})
	}
	return past
}

func TestReadingThatSomebodyShouldLookAt(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name string
		now  Hour
		past []Hour
		want AlarmKind
	}{
		{"a usual hour", Hour{Kind: Staff, At: at(10), People: 12}, hours(40, 8), ""},
		{"sixty people", Hour{Kind: Staff, At: at(10), People: 60}, hours(40, 30), ""},
		{"sixty-one people", Hour{Kind: Staff, At: at(10), People: 61}, hours(40, 30), BulkRead},
		{"sixty-one people on the first day", Hour{Kind: Staff, At: at(10), People: 61}, nil, BulkRead},
		{"four times the busy hour", Hour{Kind: Staff, At: at(10), People: 32}, hours(40, 8), OddRead},
		{"three times the busy hour", Hour{Kind: Staff, At: at(10), People: 24}, hours(40, 8), ""},
		{"at night", Hour{Kind: Staff, At: at(3), People: 12}, hours(40, 8), OddRead},
		{"at night, a few", Hour{Kind: Staff, At: at(3), People: 9}, hours(40, 8), ""},
		{"too little is known", Hour{Kind: Staff, At: at(3), People: 50}, hours(19, 8), ""},
		{"a busy system", Hour{Kind: Client, At: at(10), People: 1500}, hours(40, 800), ""},
		{"a system that reads everybody", Hour{Kind: Client, At: at(10), People: 2001}, hours(40, 800), BulkRead},
		{"a capability at work", Hour{Kind: Machine, At: at(10), People: 1 << 20}, hours(40, 8), ""},
		{"a customer", Hour{Kind: Customer, At: at(10), People: 1}, nil, ""},
	} {
		got := Limits{}.Watch(c.now, c.past)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Kind != c.want || got[0].Why == "") {
			t.Errorf("%s: %+v, want %q", c.name, got, c.want)
		}
	}
	if got := (Limits{Bulk: map[Kind]int{Staff: 5}}).Watch(Hour{Kind: Staff, At: at(10), People: 6}, nil); len(got) != 1 {
		t.Errorf("a limit of five and six people: %v", got)
	}
}
