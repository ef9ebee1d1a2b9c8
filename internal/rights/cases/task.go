package cases

import "slices"

// A Task is what a step says of one thing that a system outside was asked for.
type Task struct {
	Ref    string `json:"ref"`
	System string `json:"system"`          // its token
	State  string `json:"state"`           // after the step, a word of package systems
	Why    string `json:"why,omitempty"`   // a word of package systems
	Proof  string `json:"proof,omitempty"` // by what the answer was shown to be the system's
}

// A Standing is how far the systems outside are that take part in a case.
type Standing struct {
	Open int // have not done what they were asked
	Late int // of those, are not expected to: their date has passed, they refused or vanished
}

// A Part is why a case is fulfilled in part. It is a word and no text: of an erasure there
// is nobody any more under whose key a text could be kept.
type Part string

// The reasons.
const (
	NoAnswer      Part = "no_answer"
	SystemRefused Part = "system_refused"
	SystemGone    Part = "system_gone"
	OtherWay      Part = "told_another_way"
)

// Parts are all reasons with their words, in the order in which pages list them.
func Parts() []struct {
	Part  Part
	Words string
} {
	return []struct {
		Part  Part
		Words string
	}{
		{NoAnswer, "A system did not answer by its date"},
		{SystemRefused, "A system refused"},
		{SystemGone, "A system cannot be reached any more"},
		{OtherWay, "It was told in another way, and has not confirmed it"},
	}
}

// Words says why a case was fulfilled in part.
func (p Part) Words() string {
	for _, known := range Parts() {
		if known.Part == p {
			return known.Words
		}
	}
	return string(p)
}

// permitsAnswers is permits of what has to do with systems outside.
func (c Case) permitsAnswers(e Event) error {
	known := slices.ContainsFunc(Parts(), func(p struct {
		Part  Part
		Words string
	}) bool {
		return p.Part == e.Part
	})
	switch {
	case c.Tasks == 0:
		return conflict("no system outside takes part")
	case e.What == Heard && (len(e.Tasks) != 1 || e.Tasks[0].Ref == "" || e.Tasks[0].State == ""):
		return invalid("task: the one that something happened to was expected")
	case e.What == AllAnswered && e.Waits.Open > 0:
		return conflict("systems outside that have still to answer: %d of %d", e.Waits.Open, c.Tasks)
	case e.What == InPart && (e.Staff == "" || !known):
		return invalid("reason: one of those listed was expected, of a person")
	case e.What == InPart && (e.Waits.Open == 0 || e.Waits.Late < e.Waits.Open):
		return conflict("systems outside that may still answer in time: %d", e.Waits.Open-e.Waits.Late)
	}
	return nil
}
