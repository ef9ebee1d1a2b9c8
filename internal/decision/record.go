package decision

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A Record is one automated decision about a person.
type Record struct {
	V          int               `json:"v"`
	Capability string            `json:"capability"`
	Placement  string            `json:"placement"` // where the result was shown
	Subject    thimble.SubjectID `json:"subject"`
	At         time.Time         `json:"at"`
	Model      Model             `json:"model"`
	Inputs     []Input           `json:"inputs"`
	Guards     []string          `json:"guards"` // rules that took something out, in plain words
	Results    []Result          `json:"results"`
	Packs      []string          `json:"packs"`
}

// A Model names the version that decided.
type Model struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
	SHA256  string `json:"sha256"`
}

// Digest returns the first eight bytes of the model's hash, as leaves carry it.
func (m Model) Digest() (d [8]byte) {
	if b, err := hex.DecodeString(m.SHA256); err == nil {
		copy(d[:], b)
	}
	return d
}

// An Input is a kind of data that went in.
type Input struct {
	Category thimble.Category `json:"category"`
	Purpose  thimble.Purpose  `json:"purpose"`
	Basis    string           `json:"basis"`
	Cite     string           `json:"cite"`
	Count    int              `json:"count"`
}

// A Result is one thing that was chosen, with its score and the terms of it.
type Result struct {
	Item  thimble.ItemID `json:"item"`
	Score int64          `json:"score"`
	Terms []Term         `json:"terms"`
}

// A Term is the share that one input has in a score.
type Term struct {
	Because thimble.ItemID `json:"because"`
	Share   int64          `json:"share"`
}

// Check proves that the record adds up: terms sum to the score, and better scores
// come first.
func (r Record) Check() error {
	if r.V != 1 || r.Capability == "" || r.Subject.IsZero() || len(r.Inputs) == 0 {
		return fmt.Errorf("decision: form, capability, subject and inputs are needed: %w", thimble.ErrInvalid)
	}
	for i, res := range r.Results {
		var sum int64
		for _, t := range res.Terms {
			sum += t.Share
		}
		if sum != res.Score {
			return fmt.Errorf("decision: result %d: the terms sum to %d, the score is %d: %w", i+1, sum, res.Score, thimble.ErrInvalid)
		}
		if i > 0 && res.Score > r.Results[i-1].Score {
			return fmt.Errorf("decision: result %d stands below a lower score: %w", i+1, thimble.ErrInvalid)
		}
	}
	return nil
}

// Marshal returns the canonical form, to which the ledger's leaf commits.
func (r Record) Marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("decision: writing a record: %w", err)
	}
	return b, nil
}

// Unmarshal reads the canonical form and checks it.
func Unmarshal(b []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return Record{}, fmt.Errorf("decision: reading a record: %w: %w", err, thimble.ErrInvalid)
	}
	return r, r.Check()
}

// TokenPrefix is the prefix of a decision's id in text.
const TokenPrefix = "dec"
