package cases

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"thimble"
)

// Words are what somebody wrote at a step. They are sealed under the person's key, with
// the key of the hash that the step's leaf has: without both, nobody can tell from the
// leaf what was written.
type Words struct {
	Text string `json:"text"`
	Key  []byte `json:"key"`
	Fix  *Fix   `json:"fix,omitempty"`
}

// Hash is what the leaf says of the words.
func (w Words) Hash() string {
	h := hmac.New(sha256.New, w.Key)
	h.Write([]byte(w.Text))
	if w.Fix != nil {
		b, _ := json.Marshal(w.Fix) // of texts and a time: it cannot fail
		h.Write(append([]byte{0}, b...))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Bytes returns what is sealed.
func (w Words) Bytes() ([]byte, error) { return json.Marshal(w) }

// ParseWords reads it. Words that are not those of a step's record are of kind ErrInvalid.
func ParseWords(plain []byte, s Step) (w Words, err error) {
	// The cause may quote the words.
	if json.Unmarshal(plain, &w) != nil || w.Hash() != s.Words {
		return Words{}, fmt.Errorf("cases: the words of step %d of %s are not those of its leaf: %w", s.N, s.Case, thimble.ErrInvalid)
	}
	return w, nil
}
