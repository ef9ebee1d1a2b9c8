package systems

import (
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
)

// A Named is one way in which a system knows the person. A person who was joined from
// several accounts has several.
type Named struct {
	Kind  Names  `json:"type"`
	Value string `json:"value"`
}

// Identifiers are what a task keeps of the person, sealed, until it ends.
type Identifiers struct {
	Named []Named `json:"named"`
	// Chain is the token of the firm that the person asked first, when a request came by the
	// IAB's framework; "" for others.
	Chain string `json:"chain,omitempty"`
}

// NoticeType is the type of the message that asks a system for its part.
const NoticeType = "rights.task"

// A Notice is what a system is sent, as JSON.
type Notice struct {
	Type        string            `json:"type"` // [NoticeType]
	Task        string            `json:"task"`
	Request     cases.Kind        `json:"request"`
	Purposes    []thimble.Purpose `json:"purposes,omitempty"` // of an objection or a withdrawal
	Identifiers []Named           `json:"identifiers"`
	Asked       time.Time         `json:"asked_at"`
	Due         time.Time         `json:"due_at"`
	Answer      string            `json:"answer_to,omitempty"` // where it answers, signed
	Chain       string            `json:"-"`                   // of [Identifiers]
}

// An Answer is what a system says about a task, as JSON.
type Answer struct {
	Task   string `json:"task"`
	State  State  `json:"state"` // acknowledged, done or refused
	Reason Reason `json:"reason,omitempty"`
}

// MaxAnswer bounds an answer, in bytes.
const MaxAnswer = 16 << 10

// ParseAnswer reads an answer. Fields that are not known are left alone; the errors repeat
// nothing of it.
func ParseAnswer(b []byte) (a Answer, id thimble.ID, what What, err error) {
	if json.Unmarshal(b, &a) != nil {
		return a, id, "", fmt.Errorf("systems: an answer: JSON with task and state was expected: %w", thimble.ErrInvalid)
	}
	if id, err = thimble.ParseID(TaskPrefix, a.Task); err != nil {
		return a, id, "", wrong("task", "the id of the task that was told")
	}
	whats := map[State]What{Acknowledged: HasAcknowledged, Done: HasDone, Refused: HasRefused}
	if what = whats[a.State]; what == "" {
		return a, id, "", wrong("state", "acknowledged, done or refused")
	}
	if _, ok := Reasons()[a.Reason]; ok != (what == HasRefused) {
		return a, id, "", wrong("reason", "one of those listed, of a refusal")
	}
	return a, id, what, nil
}
