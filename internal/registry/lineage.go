package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A Lineage says from what a model was made, and how to make it again. It names nobody.
type Lineage struct {
	Format  int    `json:"format"`
	Model   string `json:"model"`
	Version int64  `json:"version"`
	// Weights is the SHA-256 of the weights, in hexadecimal. Who makes the model again
	// compares this: two versions of the same weights differ in card and signature only.
	Weights string `json:"weights_sha256"`
	// Recipe is everything besides the data that decides the weights, frozen, as
	// JSON; RecipeSum is the SHA-256 of it without blanks.
	Recipe    json.RawMessage `json:"recipe"`
	RecipeSum string          `json:"recipe_sha256"`
	// Chosen says who chose the recipe; nil for the one that ships.
	Chosen *Chosen `json:"recipe_chosen,omitempty"`
	Code   string  `json:"code"` // the version of the program that made it
	// Uses are the purposes that were asked of the gate for each person, and what data.
	Uses []LineageUse `json:"uses"`
	// Consent says whose data was used, in one sentence.
	Consent string `json:"consent"`
	// Until is when the data was gathered first. Through is the number of the last record
	// that was used: what came later was not, whatever its date. A version that is derived
	// anew without somebody keeps both.
	Until   time.Time `json:"until"`
	Through int64     `json:"through"`
	// Events is the last place in the log of events that was used; 0 when none was.
	Events int64 `json:"events_through,omitempty"`
	// DerivedFrom is the version that this one is, without those who left; 0 for none.
	DerivedFrom int64   `json:"derived_from,omitempty"`
	Reason      string  `json:"reason"` // why it was made
	Forgets     Forgets `json:"forgets"`
}

// Chosen says who had versions made by a recipe, and when. The choice is numbered, and a
// leaf of the ledger.
type Chosen struct {
	Choice int64     `json:"choice"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// A LineageUse is one use of data that made a model.
type LineageUse struct {
	Purpose  thimble.Purpose  `json:"purpose"`
	Category thimble.Category `json:"category"`
}

// Compact is a recipe without blanks, nil when it is not JSON.
func Compact(recipe json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, recipe) != nil {
		return nil
	}
	return b.Bytes()
}

// sumOf is the digest of a recipe however it is indented; "" when it is not JSON.
func sumOf(recipe json.RawMessage) string {
	c := Compact(recipe)
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c)
	return hex.EncodeToString(sum[:])
}

// Check refuses a lineage from which nobody could make the model again. The error is of
// kind ErrInvalid.
func (l Lineage) Check() error {
	wrong := func(field, rule string) error {
		return fmt.Errorf("registry: lineage: %s: %s: %w", field, rule, thimble.ErrInvalid)
	}
	switch {
	case l.Format != Format:
		return wrong("format", "is 1")
	case !modelName.MatchString(l.Model):
		return wrong("model", "is a lower-case word of at most 32 letters, digits and dashes")
	case l.Version < 1 || l.DerivedFrom < 0 || l.DerivedFrom >= l.Version:
		return wrong("version, derived_from", "are at least 1, and the second is smaller")
	case !hexSum(l.Weights):
		return wrong("weights_sha256", "has 64 lower-case hexadecimal digits")
	case l.RecipeSum == "" || l.RecipeSum != sumOf(l.Recipe):
		return wrong("recipe", "is JSON, and recipe_sha256 its digest")
	case l.Chosen != nil && (l.Chosen.Choice < 1 || l.Chosen.By == "" || len(l.Chosen.By) > 200 || l.Chosen.At.IsZero()):
		return wrong("recipe_chosen", "has a number, a name and a time")
	case l.Code == "" || l.Consent == "" || l.Reason == "" || len(l.Uses) == 0:
		return wrong("code, consent, reason, uses", "are not empty")
	case l.Until.IsZero() || l.Through < 0 || l.Events < 0:
		return wrong("until, through, events_through", "are when the data ends, and its last records")
	}
	for _, u := range l.Uses {
		if u.Purpose == "" || u.Category == "" {
			return wrong("uses", "have a purpose and a category each")
		}
	}
	if err := l.Forgets.Check(); err != nil {
		return err
	}
	return short("lineage", l.Code, l.Consent, l.Reason)
}
