package receipts

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	stdjson "encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"thimble"
	"thimble/internal/consent/till"
	"thimble/internal/subject"
)

// Form is the version of the format.
const Form = "sales-batch/v1"

// Limits of a batch.
const (
	MaxReceipts = 5000
	MaxBytes    = 8 << 20
	maxLine     = 64 << 10
	// skew is how far the till's clock may be ahead.
	skew = 5 * time.Minute
)

// A Header opens a batch.
type Header struct {
	Form     string    `json:"thimble"`
	Till     string    `json:"till"`
	Key      string    `json:"key"`      // the id of the key, by till.KeyID
	Sequence int64     `json:"sequence"` // 1, 2, … per till, each once; apart from those of choices
	Created  time.Time `json:"created_at"`
	Receipts int       `json:"receipts"`
}

// A Receipt is one sale, or what came back of one.
type Receipt struct {
	Number   string    `json:"number"` // the till's own
	At       time.Time `json:"at"`
	Currency string    `json:"currency"`
	Country  string    `json:"country,omitempty"` // of the store
	// Kind and Value are who bought, if they said so: an account or an e-mail address.
	Kind  subject.Kind `json:"kind,omitempty"`
	Value string       `json:"value,omitempty"`
	Back  bool         `json:"back,omitempty"` // the goods came back
	Lines []Line       `json:"lines"`
}

// A Line is one item of a receipt.
type Line struct {
	Item       string `json:"item"`
	Name       string `json:"name,omitempty"`
	Units      int64  `json:"units"`
	PriceMinor int64  `json:"price_minor"` // of one unit
}

type closing struct {
	Signature string `json:"signature"` // Ed25519, in standard base64
}

// A Batch is what was read.
type Batch struct {
	Header
	All       []Receipt
	signature []byte
}

func broken(line int, rule string) error {
	return fmt.Errorf("receipts: line %d: %s: %w", line, rule, thimble.ErrInvalid)
}

// Read reads a batch; it does not verify it.
func Read(r io.Reader) (*Batch, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("receipts: reading: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("receipts: the file has more than %d bytes; close the batch earlier: %w", MaxBytes, thimble.ErrInvalid)
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if len(lines) < 3 {
		return nil, fmt.Errorf("receipts: a header, receipts and a signature were expected, a line each: %w", thimble.ErrInvalid)
	}
	b := &Batch{}
	if rule := strict(lines[0], &b.Header); rule != "" {
		return nil, broken(1, "the header: "+rule)
	}
	last := len(lines) - 1
	if err := b.check(last - 1); err != nil {
		return nil, err
	}
	b.All = make([]Receipt, last-1)
	for i := range b.All {
		if rule := strict(lines[i+1], &b.All[i]); rule != "" {
			return nil, broken(i+2, "a receipt: "+rule)
		}
	}
	var c closing
	if rule := strict(lines[last], &c); rule != "" {
		return nil, broken(last+1, "the signature: "+rule)
	}
	b.signature, err = base64.StdEncoding.Strict().DecodeString(c.Signature)
	if err != nil || len(b.signature) != ed25519.SignatureSize {
		return nil, broken(last+1, "the signature: 64 bytes in base64 were expected")
	}
	return b, nil
}

func (b *Batch) check(receipts int) error {
	switch {
	case b.Form != Form:
		return broken(1, "thimble: "+Form+" was expected")
	case till.CheckName(b.Till) != nil:
		return broken(1, "till: a name of small letters, digits and hyphens was expected")
	case b.Sequence < 1:
		return broken(1, "sequence: a number from 1 on was expected")
	case b.Created.IsZero():
		return broken(1, "created_at: a time was expected")
	case b.Receipts != receipts:
		return broken(1, fmt.Sprintf("receipts: the header says %d, there are %d", b.Receipts, receipts))
	case receipts < 1 || receipts > MaxReceipts:
		return broken(1, fmt.Sprintf("receipts: 1 to %d were expected", MaxReceipts))
	}
	return nil
}

// strict reads one object without unknown or repeated keys. Its rules quote nothing.
func strict(line []byte, to any) (rule string) {
	switch {
	case len(line) > maxLine:
		return "the line is too long"
	case len(bytes.TrimSpace(line)) == 0 || bytes.TrimSpace(line)[0] != '{':
		return "one JSON object was expected"
	case json.Unmarshal(line, to, json.RejectUnknownMembers(true)) != nil:
		return "one JSON object of the known keys, each once, was expected"
	}
	return ""
}

// domain keeps a signature of a batch from being one of anything else.
const domain = "thimble.sales-batch.v1\n"

// Canonical returns what is signed: a word for what it is, then header and receipts as
// JSON without blanks, keys in the order of the types here, times in UTC, a line each.
func (b *Batch) Canonical() ([]byte, error) {
	out := bytes.NewBufferString(domain)
	e := stdjson.NewEncoder(out)
	e.SetEscapeHTML(false)
	h := b.Header
	h.Created = h.Created.UTC()
	if err := e.Encode(h); err != nil {
		return nil, fmt.Errorf("receipts: writing the header: %w", err)
	}
	for _, one := range b.All {
		one.At = one.At.UTC()
		if err := e.Encode(one); err != nil {
			return nil, fmt.Errorf("receipts: writing a receipt: %w", err)
		}
	}
	return out.Bytes(), nil
}

// Digest is the SHA-256 of what is signed.
func (b *Batch) Digest() ([]byte, error) {
	text, err := b.Canonical()
	sum := sha256.Sum256(text)
	return sum[:], err
}

// Sign closes a batch and writes it, as a till does.
func Sign(w io.Writer, h Header, all []Receipt, key ed25519.PrivateKey) error {
	public, _ := key.Public().(ed25519.PublicKey) // as the type promises
	h.Form, h.Key, h.Receipts = Form, till.KeyID(public), len(all)
	b := &Batch{Header: h, All: slices.Clone(all)}
	if err := b.check(len(all)); err != nil {
		return err
	}
	text, err := b.Canonical()
	if err != nil {
		return err
	}
	line, err := stdjson.Marshal(closing{base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))})
	if err == nil {
		_, err = w.Write(slices.Concat(text[len(domain):], line, []byte("\n")))
	}
	return err
}

// Known is what a batch is held against.
type Known struct {
	Now  time.Time
	Key  ed25519.PublicKey // the till's of the batch's id; nil for none and for a revoked one
	Used bool              // the till's number was recorded before
}

// Verify returns an error when nothing of the batch counts: of kind ErrDenied when the
// origin is in doubt, ErrConflict when the till's number was used before, ErrInvalid else.
func (b *Batch) Verify(k Known) error {
	if len(k.Key) != ed25519.PublicKeySize || till.KeyID(k.Key) != b.Key {
		return fmt.Errorf("receipts: key: it is unknown or revoked for %s; `thimble consent keys list` lists those that count: %w", b.Till, thimble.ErrDenied)
	}
	text, err := b.Canonical()
	if err != nil {
		return err
	}
	switch {
	case !ed25519.Verify(k.Key, text, b.signature):
		return fmt.Errorf("receipts: signature: it is not that of %s over this batch; have the till write the batch anew: %w", b.Till, thimble.ErrDenied)
	case k.Used:
		return fmt.Errorf("receipts: sequence: batch %d of %s was recorded before: %w", b.Sequence, b.Till, thimble.ErrConflict)
	case b.Created.After(k.Now.Add(skew)):
		return fmt.Errorf("receipts: created_at: the batch is from the future; set the clock of %s: %w", b.Till, thimble.ErrInvalid)
	}
	return nil
}
