package gate

import (
	"fmt"
	"slices"
	"time"
)

// An AlarmKind says what was noticed.
type AlarmKind string

// The alarms.
const (
	// BulkRead is one actor opening very many people within an hour.
	BulkRead AlarmKind = "bulk"
	// OddRead is an actor reading unlike itself: far more people, or at an hour at
	// which it never reads.
	OddRead AlarmKind = "pattern"
	// CanaryRead is the opening of a person who is nobody.
	CanaryRead AlarmKind = "canary"
)

// An Hour sums up what one actor read within one hour.
type Hour struct {
	Kind   Kind
	Actor  string
	At     time.Time // the hour's beginning, UTC
	People int       // different people
	Reads  int64
}

// An Alarm is a reading that somebody should look at. It names no customer.
type Alarm struct {
	Kind AlarmKind
	Hour Hour
	Why  string // one sentence
}

// Limits say when reading becomes an alarm. The zero value works.
type Limits struct {
	// Bulk is how many people an actor of a kind may open within an hour: 60 for
	// staff and 2,000 for the shop's systems. Capabilities work through everybody,
	// and the person's own reads are their own: neither is watched.
	Bulk map[Kind]int
	// Factor is how many times its own busy hour an actor may read; 0 means 3.
	Factor int
	// Few is below how many people nothing is out of pattern; 0 means 10.
	Few int
}

func (l Limits) bulk(k Kind) int {
	if n, ok := l.Bulk[k]; ok {
		return n
	}
	switch k {
	case Staff:
		return 60
	case Client:
		return 2000
	}
	return 0
}

// enough is how many earlier hours there must be before they are a pattern.
const enough = 20

// Watch judges one hour of one actor against its earlier hours, in any order.
func (l Limits) Watch(now Hour, past []Hour) (all []Alarm) {
	bulk := l.bulk(now.Kind)
	if bulk == 0 {
		return nil
	}
	if now.People > bulk {
		all = append(all, Alarm{BulkRead, now, fmt.Sprintf("%d people were opened within an hour; more than %d is a bulk read", now.People, bulk)})
	}
	few, factor := max(l.Few, 0), l.Factor
	if few == 0 {
		few = 10
	}
	if factor == 0 {
		factor = 3
	}
	if now.People < few || len(past) < enough {
		return all
	}
	if busy := busyHour(past); now.People > factor*busy {
		return append(all, Alarm{OddRead, now, fmt.Sprintf("%d people were opened within an hour; in its busy hours this actor opens %d", now.People, busy)})
	}
	if !slices.ContainsFunc(past, func(h Hour) bool { return near(h.At.Hour(), now.At.Hour()) }) {
		all = append(all, Alarm{OddRead, now, fmt.Sprintf("%d people were opened in the hour of %02d:00 UTC, at which this actor never reads", now.People, now.At.Hour())})
	}
	return all
}

// busyHour is the 95th percentile of the people opened in the hours with any read.
func busyHour(past []Hour) int {
	people := make([]int, len(past))
	for i, h := range past {
		people[i] = h.People
	}
	slices.Sort(people)
	return people[(len(people)*95+99)/100-1]
}

// near reports whether two hours of the day are at most one apart.
func near(a, b int) bool {
	d := (a - b + 24) % 24
	return d <= 1 || d == 23
}
