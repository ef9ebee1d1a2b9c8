package decision

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// The forms of a record. Form 1 says what summed to each score; form 2 holds all that
// is needed to do the whole decision again. Both stay readable: receipts of either
// keep what they prove.
const (
	Form1 = 1
	Form2 = 2
)

// A Record is one automated decision. New ones are of [Form2]; what only that form
// has is absent in the other.
type Record struct {
	V          int               `json:"v"`
	Capability string            `json:"capability"`
	Placement  string            `json:"placement"` // where the result was shown
	Subject    thimble.SubjectID `json:"subject"`   // whose key seals it; zero when nobody is concerned
	At         time.Time         `json:"at"`
	Model      Model             `json:"model"`
	Inputs     []Input           `json:"inputs"`
	Guards     []string          `json:"guards"` // form 1: rules that took something out, in plain words
	Results    []Result          `json:"results"`
	Packs      []string          `json:"packs"`

	About      *About          `json:"about,omitempty"` // nil: about the subject
	Scale      Scale           `json:"scale,omitzero"`
	Features   []Feature       `json:"features,omitempty"`
	Rails      []Rail          `json:"rails,omitempty"`
	Boosting   *Boosting       `json:"boosting,omitempty"` // of a list whose scores a shop's rules move
	Bands      []Band          `json:"bands,omitempty"`
	Propensity *Propensity     `json:"propensity,omitempty"`
	Human      *Human          `json:"human,omitempty"`
	Counter    *Counterfactual `json:"counterfactual,omitempty"`
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

// An Input is a kind of data that went in. Consent names the choice that permitted it,
// as "purpose#number of the choice"; empty when the basis is another.
type Input struct {
	Category thimble.Category `json:"category"`
	Purpose  thimble.Purpose  `json:"purpose"`
	Basis    string           `json:"basis"`
	Cite     string           `json:"cite"`
	Count    int              `json:"count"`
	Consent  string           `json:"consent,omitempty"`
}

// A Result is one thing that was chosen, with its score and the terms of it. Base is
// what the model adds for everybody; Moved is what rails and boosts added to the score;
// Outcome is the band it fell into, when the record has bands. Held says in words what
// holds the place, which no score wins then.
type Result struct {
	Item    thimble.ItemID `json:"item"`
	Score   int64          `json:"score"`
	Terms   []Term         `json:"terms"`
	Base    int64          `json:"base,omitempty"`
	Moved   int64          `json:"moved,omitempty"`
	Shown   *int64         `json:"shown,omitempty"` // on the scale of the calibration table
	Outcome string         `json:"outcome,omitempty"`
	Boosts  []Boosted      `json:"boosts,omitempty"` // the part of Moved that each boost has
	Held    string         `json:"held,omitempty"`
}

// A Term is the share that one input has in a score: in form 2, weight times value.
// Because is an item the person had, or the key of a feature.
type Term struct {
	Because thimble.ItemID `json:"because"`
	Share   int64          `json:"share"`
	Weight  int64          `json:"weight,omitempty"`
	Value   int64          `json:"value,omitempty"`
}

// Check proves that the record adds up: terms sum to the score, and better scores
// come first. A record of form 2 is done again in full: see [Record.Replay].
func (r Record) Check() error {
	switch {
	case r.V != Form1 && r.V != Form2:
		return invalid("v: the form %d is unknown", r.V)
	case r.Capability == "" || len(r.Inputs) == 0:
		return invalid("capability and inputs are needed")
	case r.Subject.IsZero() && !r.Impersonal():
		return invalid("subject: a decision about a person, or an order, names whose it is")
	}
	if r.V == Form2 {
		return r.Replay()
	}
	if r.later() {
		return invalid("v: form 1 has no such fields; form 2 has")
	}
	for i, res := range r.Results {
		var sum int64
		for _, t := range res.Terms {
			sum += t.Share
		}
		if sum != res.Score {
			return invalid("result %d: the terms sum to %d, the score is %d", i+1, sum, res.Score)
		}
		if i > 0 && res.Score > r.Results[i-1].Score {
			return invalid("result %d stands below a lower score", i+1)
		}
	}
	return nil
}

// later reports whether a record has what form 1 did not know.
func (r Record) later() bool {
	return r.About != nil || r.Scale.Link != "" || len(r.Features)+len(r.Rails)+len(r.Bands) > 0 || r.Boosting != nil || r.Propensity != nil || r.Human != nil || r.Counter != nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("decision: "+format+": %w", append(args, thimble.ErrInvalid)...)
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
	r, err := Read(b)
	if err != nil {
		return Record{}, err
	}
	return r, r.Check()
}

// Read reads the canonical form without believing it, for whoever shows what is wrong
// with it.
func Read(b []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return Record{}, fmt.Errorf("decision: reading a record: %w: %w", err, thimble.ErrInvalid)
	}
	return r, nil
}

// TokenPrefix is the prefix of a decision's id in text.
const TokenPrefix = "dec"

// Rules are the rules that took part, in plain words, whatever the form.
func (r Record) Rules() (all []string) {
	all = append(all, r.Guards...)
	for _, rail := range r.Rails {
		if rail.Fired {
			all = append(all, rail.Words)
		}
	}
	return all
}
