package opendsr

import (
	"encoding/json"

	"thimble"
)

// A Fault is what is wrong with what came in. It repeats nothing of it.
type Fault struct {
	Field  string
	Rule   string
	Reason string // a word for programs
}

// Error implements error.
func (f *Fault) Error() string { return "opendsr: " + f.Field + ": " + f.Rule }

// Is makes it an error of kind thimble.ErrInvalid.
func (f *Fault) Is(target error) bool { return target == thimble.ErrInvalid }

func wrong(field, rule string) error { return &Fault{field, rule, "IllegalArgumentException"} }

// A Problem is the body of an answer that refuses (section 7.6).
type Problem struct {
	Error struct {
		Code    int      `json:"code"`
		Message string   `json:"message"`
		Errors  []Detail `json:"errors"`
	} `json:"error"`
}

// A Detail is one thing that is wrong.
type Detail struct {
	Domain  string `json:"domain"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// ProblemOf writes a problem: of a status, with what is wrong.
func ProblemOf(code int, d Detail) []byte {
	var p Problem
	p.Error.Code, p.Error.Message, p.Error.Errors = code, d.Message, []Detail{d}
	b, err := json.Marshal(p)
	if err != nil {
		return []byte(`{}`) // it is made of strings and a number
	}
	return b
}

// DetailOf says what a fault is.
func DetailOf(f *Fault) Detail {
	return Detail{Domain: "Validation", Reason: f.Reason, Message: f.Field + ": " + f.Rule}
}
