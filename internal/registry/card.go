package registry

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"thimble"
)

// Format is the version of cards and lineages.
const Format = 1

// A Card says what a model is for, from how much it was made, and how well it does. It
// is public: it holds counts and names nobody.
type Card struct {
	Format  int    `json:"format"`
	Model   string `json:"model"`   // its name, the same for all versions
	Version int64  `json:"version"` // grows with each version, and is never given twice
	Title   string `json:"title"`
	About   string `json:"about"` // one sentence
	// Uses and Limits are what it is made for, and what it is not or cannot do.
	Uses     []string `json:"uses"`
	Limits   []string `json:"limits"`
	Explains string   `json:"explains"` // how one of its answers is explained
	Data     Data     `json:"data"`
	// Metrics are what was measured; Unmeasured is why nothing was. One of the two.
	Metrics    []Metric `json:"metrics,omitempty"`
	Unmeasured string   `json:"unmeasured,omitempty"`
	// Audit is the audit of fairness; Unaudited is why there is none. One of the two.
	Audit     *Audit `json:"audit,omitempty"`
	Unaudited string `json:"unaudited,omitempty"`
}

// Data says how much a model was made from.
type Data struct {
	People       int    `json:"people"`
	Items        int    `json:"items"`
	Interactions int    `json:"interactions"`
	Weights      int    `json:"weights"` // that were kept
	From         string `json:"from"`    // first month, "2010-12"; "" for none
	To           string `json:"to"`      // last month
}

// A Metric is one measurement.
type Metric struct {
	Name  string  `json:"name"` // such as "recall@20"
	Value float64 `json:"value"`
	On    string  `json:"on"` // which data it was measured on
}

// An Audit is what somebody found out about a model's fairness.
type Audit struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Result string    `json:"result"`
	Report string    `json:"report_sha256"`
}

// Audited reports whether an audit was made; a model without one serves as "unaudited".
func (c Card) Audited() bool { return c.Audit != nil }

var (
	modelName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	month     = regexp.MustCompile(`^([0-9]{4}-(0[1-9]|1[0-2]))?$`)
)

// maxText bounds a card's and a lineage's texts, in bytes.
const maxText = 2000

// Check refuses a card that says too little or contradicts itself. The error is of kind
// ErrInvalid.
func (c Card) Check() error {
	wrong := func(field, rule string) error {
		return fmt.Errorf("registry: card: %s: %s: %w", field, rule, thimble.ErrInvalid)
	}
	switch {
	case c.Format != Format:
		return wrong("format", "is 1")
	case !modelName.MatchString(c.Model):
		return wrong("model", "is a lower-case word of at most 32 letters, digits and dashes")
	case c.Version < 1:
		return wrong("version", "is at least 1")
	case c.Title == "" || c.About == "" || c.Explains == "":
		return wrong("title, about, explains", "are not empty")
	case len(c.Uses) == 0 || len(c.Limits) == 0:
		return wrong("uses, limits", "have at least one line each")
	case min(c.Data.People, c.Data.Items, c.Data.Interactions, c.Data.Weights) < 0:
		return wrong("data", "counts are not negative")
	case !month.MatchString(c.Data.From) || !month.MatchString(c.Data.To) || c.Data.From > c.Data.To:
		return wrong("data", "from and to are months, in order")
	case (len(c.Metrics) == 0) == (c.Unmeasured == ""):
		return wrong("metrics, unmeasured", "exactly one is there")
	case (c.Audit == nil) == (c.Unaudited == ""):
		return wrong("audit, unaudited", "exactly one is there")
	case c.Audit != nil && !hexSum(c.Audit.Report):
		return wrong("audit", "report_sha256 has 64 lower-case hexadecimal digits")
	}
	return short("card", append(append([]string{c.Title, c.About, c.Explains, c.Unmeasured, c.Unaudited}, c.Uses...), c.Limits...)...)
}

func short(what string, texts ...string) error {
	for _, t := range texts {
		if len(t) > maxText {
			return fmt.Errorf("registry: %s: a text is longer than %d bytes: %w", what, maxText, thimble.ErrInvalid)
		}
	}
	return nil
}

func hexSum(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 32 && hex.EncodeToString(b) == text
}
