package taste

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"thimble"
)

// Most is how many choices of one subject stand at once.
const Most = 500

// A State is where a person stands: the choices that hold, in the order in which they
// were made. The zero State is that of somebody who has said nothing.
type State struct {
	Standing []Standing `json:"standing"`
}

// A Standing is a choice that holds.
type Standing struct {
	Choice
	Subject thimble.SubjectID `json:"subject"` // under which it was said
	Seq     int64             `json:"seq"`
	At      time.Time         `json:"at"`
}

// Fold returns where one or several subjects of a person stand at an instant. The order
// of the events does not matter.
func Fold(events []Event, at time.Time) State {
	type key struct {
		subject thimble.SubjectID
		choice  Choice
	}
	last := map[key]Event{}
	for _, e := range events {
		k := key{e.Subject, e.Choice}
		if old, ok := last[k]; !e.At.After(at) && (!ok || e.Seq > old.Seq) {
			last[k] = e
		}
	}
	var s State
	for _, e := range last {
		if !e.Undone {
			s.Standing = append(s.Standing, Standing{Choice: e.Choice, Subject: e.Subject, Seq: e.Seq, At: e.At})
		}
	}
	s.sort()
	return s
}

func (s *State) sort() {
	slices.SortFunc(s.Standing, func(a, b Standing) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(string(a.Subject[:]), string(b.Subject[:])), cmp.Compare(a.Seq, b.Seq))
	})
}

// With returns the state after one event more, the latest of its subject.
func (s State) With(e Event) State {
	same := func(st Standing) bool { return st.Choice == e.Choice && st.Subject == e.Subject }
	all := State{Standing: slices.DeleteFunc(slices.Clone(s.Standing), same)}
	if !e.Undone {
		all.Standing = append(all.Standing, Standing{Choice: e.Choice, Subject: e.Subject, Seq: e.Seq, At: e.At})
		all.sort()
	}
	return all
}

// Join returns what two subjects of one person say together: what either of them said.
func (s State) Join(o State) State {
	if o.Empty() {
		return s
	}
	all := State{Standing: slices.Concat(s.Standing, o.Standing)}
	all.sort()
	return all
}

// Empty reports whether nothing stands.
func (s State) Empty() bool { return len(s.Standing) == 0 }

// Holds returns the choice as it stands, of whichever subject said it first.
func (s State) Holds(c Choice) (Standing, bool) {
	i := slices.IndexFunc(s.Standing, func(st Standing) bool { return st.Choice == c })
	if i < 0 {
		return Standing{}, false
	}
	return s.Standing[i], true
}

func (s State) has(k Kind, item thimble.ItemID, category string) bool {
	_, ok := s.Holds(Choice{Kind: k, Item: item, Category: category})
	return ok
}

// Forgets reports whether an item of a category counts no more: it is in no history of
// which lists are made, and is not learned from. A category that is not known is "".
func (s State) Forgets(item thimble.ItemID, category string) bool {
	return s.has(Forget, item, "") || category != "" && s.has(Never, "", category)
}

// Hides reports whether an item of a category is left out of the person's own lists.
func (s State) Hides(item thimble.ItemID, category string) bool {
	return s.Forgets(item, category) || s.has(Less, item, "")
}

// Unwanted are the items that the person wants less of, in the order of saying so, each
// once.
func (s State) Unwanted() (all []thimble.ItemID) {
	for _, st := range s.Standing {
		if st.Kind == Less && st.Item != "" && !slices.Contains(all, st.Item) {
			all = append(all, st.Item)
		}
	}
	return all
}

// ByCategory reports whether the category of an item matters, so that whoever asks
// looks it up.
func (s State) ByCategory() bool {
	return slices.ContainsFunc(s.Standing, func(st Standing) bool { return st.Category != "" })
}

// Learned reports whether anything stands that changes what is learned from the person.
func (s State) Learned() bool {
	return slices.ContainsFunc(s.Standing, func(st Standing) bool { return st.Learned() })
}

// Marshal writes the state: equal states have equal bytes.
func (s State) Marshal() ([]byte, error) { return json.Marshal(s) }

// ReadState reads what Marshal wrote. The error is of kind ErrInvalid.
func ReadState(b []byte) (s State, err error) {
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, invalid("a state that Marshal wrote was expected")
	}
	return s, nil
}
