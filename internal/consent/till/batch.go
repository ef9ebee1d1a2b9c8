package till

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/subject"
)

// Form is the version of the format.
const Form = "consent-batch/v1"

// Limits of a batch.
const (
	MaxEntries = 500
	MaxBytes   = 1 << 20
	maxLine    = 4 << 10
	// skew is how far the till's clock may be ahead.
	skew = 5 * time.Minute
)

// A Header opens a batch.
type Header struct {
	Form     string    `json:"thimble"`
	Till     string    `json:"till"`
	Key      string    `json:"key"`      // the id of the key, by KeyID
	Notice   string    `json:"notice"`   // SHA-256 of the text that the till shows, in hex
	Sequence int64     `json:"sequence"` // 1, 2, … per till, each once
	Created  time.Time `json:"created_at"`
	Entries  int       `json:"entries"`
}

// An Entry is one choice of one person.
type Entry struct {
	Kind     subject.Kind      `json:"kind"`  // of the identifier
	Value    string            `json:"value"` // the identifier
	Purposes []thimble.Purpose `json:"purposes"`
	Choice   consent.State     `json:"choice"`
	At       time.Time         `json:"at"`
	Notice   string            `json:"notice"` // the text that was shown
}

type closing struct {
	Signature string `json:"signature"` // Ed25519, in standard base64
}

// A Batch is what was read.
type Batch struct {
	Header
	Entries   []Entry
	signature []byte
}

// KeyID returns the id of a till's key.
func KeyID(k ed25519.PublicKey) string {
	h := sha256.Sum256(k)
	return hex.EncodeToString(h[:8])
}

var tillForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// CheckName refuses a till's name of another form.
func CheckName(name string) error {
	if !tillForm.MatchString(name) {
		return fmt.Errorf("till: name: up to 63 small letters, digits and hyphens were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// ParseKey reads a public key in standard base64.
func ParseKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("till: key: %d bytes in base64 were expected, the till's Ed25519 public key: %w", ed25519.PublicKeySize, thimble.ErrInvalid)
	}
	return b, nil
}

func broken(line int, rule string) error {
	return fmt.Errorf("till: line %d: %s: %w", line, rule, thimble.ErrInvalid)
}

// Read reads a batch; it does not verify it.
func Read(r io.Reader) (*Batch, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("till: reading: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("till: the file has more than %d bytes; close the batch earlier: %w", MaxBytes, thimble.ErrInvalid)
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if len(lines) < 2 {
		return nil, fmt.Errorf("till: a header, entries and a signature were expected, a line each: %w", thimble.ErrInvalid)
	}
	b := &Batch{}
	if err := strict(lines[0], &b.Header); err != nil {
		return nil, broken(1, "the header: "+err.Error())
	}
	last := len(lines) - 1
	if err := b.check(last - 1); err != nil {
		return nil, err
	}
	b.Entries = make([]Entry, last-1)
	for i := range b.Entries {
		if err := strict(lines[i+1], &b.Entries[i]); err != nil {
			return nil, broken(i+2, "an entry: "+err.Error())
		}
	}
	var c closing
	if err := strict(lines[last], &c); err != nil {
		return nil, broken(last+1, "the signature: "+err.Error())
	}
	b.signature, err = base64.StdEncoding.Strict().DecodeString(c.Signature)
	if err != nil || len(b.signature) != ed25519.SignatureSize {
		return nil, broken(last+1, "the signature: 64 bytes in base64 were expected")
	}
	return b, nil
}

func (b *Batch) check(entries int) error {
	switch {
	case b.Form != Form:
		return broken(1, "thimble: "+Form+" was expected")
	case CheckName(b.Till) != nil:
		return broken(1, "till: a name of small letters, digits and hyphens was expected")
	case b.Sequence < 1:
		return broken(1, "sequence: a number from 1 on was expected")
	case b.Created.IsZero():
		return broken(1, "created_at: a time was expected")
	case b.Header.Entries != entries:
		return broken(1, fmt.Sprintf("entries: the header says %d, there are %d", b.Header.Entries, entries))
	case entries < 1 || entries > MaxEntries:
		return broken(1, fmt.Sprintf("entries: 1 to %d were expected", MaxEntries))
	}
	return nil
}

var (
	errForm  = errors.New("one JSON object was expected")
	errTwice = errors.New("a key comes twice")
	errKey   = errors.New("an unknown key or a value of the wrong kind")
	errLong  = errors.New("the line is too long")
)

// strict reads one object without unknown or repeated keys. Its errors quote nothing.
func strict(line []byte, to any) error {
	if len(line) > maxLine {
		return errLong
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errForm
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		var skip json.RawMessage
		if err != nil || !ok || d.Decode(&skip) != nil {
			return errForm
		}
		if seen[name] {
			return errTwice
		}
		seen[name] = true
	}
	if _, err := d.Token(); err != nil {
		return errForm
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errForm
	}
	d = json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(to) != nil {
		return errKey
	}
	return nil
}

// domain keeps a signature of a batch from being one of anything else.
const domain = "thimble.consent-batch.v1\n"

// Canonical returns what is signed: a word for what it is, then header and entries as
// JSON without blanks, keys in the order of the types here, times in UTC, a line each.
func (b *Batch) Canonical() ([]byte, error) {
	out := bytes.NewBufferString(domain)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	h := b.Header
	h.Created = h.Created.UTC()
	if err := e.Encode(h); err != nil {
		return nil, fmt.Errorf("till: writing the header: %w", err)
	}
	for _, one := range b.Entries {
		one.At = one.At.UTC()
		if err := e.Encode(one); err != nil {
			return nil, fmt.Errorf("till: writing an entry: %w", err)
		}
	}
	return out.Bytes(), nil
}

// Sign closes a batch and writes it, as a till does.
func Sign(w io.Writer, h Header, entries []Entry, key ed25519.PrivateKey) error {
	public, _ := key.Public().(ed25519.PublicKey) // as the type promises
	h.Form, h.Key, h.Entries = Form, KeyID(public), len(entries)
	b := &Batch{Header: h, Entries: slices.Clone(entries)}
	if err := b.check(len(entries)); err != nil {
		return err
	}
	text, err := b.Canonical()
	if err != nil {
		return err
	}
	line, err := json.Marshal(closing{base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))})
	if err == nil {
		_, err = w.Write(slices.Concat(text[len(domain):], line, []byte("\n")))
	}
	return err
}
