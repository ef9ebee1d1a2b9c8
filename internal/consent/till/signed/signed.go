package signed

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"thimble"
)

// Skew is how far a till's clock may be ahead.
const Skew = 5 * time.Minute

// A Form is one kind of file.
type Form struct {
	Package  string // before its errors
	Version  string // as the header says it
	Domain   string // before what is signed
	One      string // an entry, in words
	Many     string // entries, by the header's key
	Most     int    // entries
	MaxBytes int    // of a file
	MaxLine  int    // bytes
}

// An Opening is what every header says.
type Opening struct {
	Form     string
	Till     string
	Key      string // its id, by [KeyID]
	Sequence int64
	Created  time.Time
	Entries  int // that follow
}

// KeyID returns the id of a till's key.
func KeyID(k ed25519.PublicKey) string {
	h := sha256.Sum256(k)
	return hex.EncodeToString(h[:8])
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Name reports whether a till may be called so.
func Name(s string) bool { return nameForm.MatchString(s) }

// Broken is the error of a line; it repeats nothing of it.
func (f Form) Broken(line int, rule string) error {
	return fmt.Errorf("%s: line %d: %s: %w", f.Package, line, rule, thimble.ErrInvalid)
}

type closing struct {
	Signature string `json:"signature"` // Ed25519, in standard base64
}

// Read reads a file; it does not verify it. Open says what its header says.
func Read[H, E any](f Form, r io.Reader, open func(H) Opening) (h H, all []E, signature []byte, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(f.MaxBytes)+1))
	if err != nil {
		return h, nil, nil, fmt.Errorf("%s: reading: %w", f.Package, err)
	}
	if len(raw) > f.MaxBytes {
		return h, nil, nil, fmt.Errorf("%s: the file has more than %d bytes; close the batch earlier: %w", f.Package, f.MaxBytes, thimble.ErrInvalid)
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if len(lines) < 2 {
		return h, nil, nil, fmt.Errorf("%s: a header, %s and a signature were expected, a line each: %w", f.Package, f.Many, thimble.ErrInvalid)
	}
	if err := f.strict(lines, 0, "the header", &h); err != nil {
		return h, nil, nil, err
	}
	last := len(lines) - 1
	if err := f.Check(open(h), last-1); err != nil {
		return h, nil, nil, err
	}
	all = make([]E, last-1)
	for i := range all {
		if err := f.strict(lines, i+1, f.One, &all[i]); err != nil {
			return h, nil, nil, err
		}
	}
	var c closing
	if err := f.strict(lines, last, "the signature", &c); err != nil {
		return h, nil, nil, err
	}
	signature, err = base64.StdEncoding.Strict().DecodeString(c.Signature)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return h, nil, nil, f.Broken(last+1, "the signature: 64 bytes in base64 were expected")
	}
	return h, all, signature, nil
}

// Check holds a header against its rules and the number of entries that follow.
func (f Form) Check(o Opening, entries int) error {
	switch {
	case o.Form != f.Version:
		return f.Broken(1, "thimble: "+f.Version+" was expected")
	case !Name(o.Till):
		return f.Broken(1, "till: a name of small letters, digits and hyphens was expected")
	case o.Sequence < 1:
		return f.Broken(1, "sequence: a number from 1 on was expected")
	case o.Created.IsZero():
		return f.Broken(1, "created_at: a time was expected")
	case o.Entries != entries:
		return f.Broken(1, fmt.Sprintf("%s: the header says %d, there are %d", f.Many, o.Entries, entries))
	case entries < 1 || entries > f.Most:
		return f.Broken(1, fmt.Sprintf("%s: 1 to %d were expected", f.Many, f.Most))
	}
	return nil
}

// strict reads one object without unknown or repeated keys.
func (f Form) strict(lines [][]byte, i int, what string, to any) error {
	line, rule := bytes.TrimSpace(lines[i]), ""
	switch {
	case len(lines[i]) > f.MaxLine:
		rule = "the line is too long"
	case len(line) == 0 || line[0] != '{':
		rule = "one JSON object was expected"
	default:
		err := json.Unmarshal(line, to, json.RejectUnknownMembers(true))
		_, wire := errors.AsType[*jsontext.SyntacticError](err)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, jsontext.ErrDuplicateName):
			rule = "a key comes twice"
		case wire:
			rule = "one JSON object was expected"
		default:
			rule = "an unknown key or a value of the wrong kind"
		}
	}
	return f.Broken(i+1, what+": "+rule)
}

// Canonical returns what is signed: a word for what it is, then header and entries as JSON
// without blanks, keys in the order of their types, a line each. Times are in UTC by then.
func Canonical[E any](f Form, header any, all []E) ([]byte, error) {
	out := bytes.NewBufferString(f.Domain)
	e := stdjson.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(header); err != nil {
		return nil, fmt.Errorf("%s: writing the header: %w", f.Package, err)
	}
	for i := range all {
		if err := e.Encode(all[i]); err != nil {
			return nil, fmt.Errorf("%s: writing %s: %w", f.Package, f.One, err)
		}
	}
	return out.Bytes(), nil
}

// Write writes the file of what is signed, as a till does.
func (f Form) Write(w io.Writer, text []byte, key ed25519.PrivateKey) error {
	line, err := stdjson.Marshal(closing{base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))})
	if err == nil {
		_, err = w.Write(slices.Concat(text[len(f.Domain):], line, []byte("\n")))
	}
	return err
}

// An Origin is what says whether a file is the till's.
type Origin struct {
	Text, Signature []byte
	Key             ed25519.PublicKey // the till's of the header's id; nil for none and for a revoked one
	Used            bool              // the till's number was recorded before
	Now             time.Time
}

// Verify returns an error when nothing of the file counts: of kind ErrDenied when its origin
// is in doubt, ErrConflict when the till's number was used before, ErrInvalid when it is
// from tomorrow.
func (f Form) Verify(o Opening, by Origin) error {
	switch {
	case len(by.Key) != ed25519.PublicKeySize || KeyID(by.Key) != o.Key:
		return fmt.Errorf("%s: key: it is unknown or revoked for %s; `thimble consent keys list` lists those that count: %w", f.Package, o.Till, thimble.ErrDenied)
	case !ed25519.Verify(by.Key, by.Text, by.Signature):
		return fmt.Errorf("%s: signature: it is not that of %s over this batch; have the till write the batch anew: %w", f.Package, o.Till, thimble.ErrDenied)
	case by.Used:
		return fmt.Errorf("%s: sequence: batch %d of %s was recorded before: %w", f.Package, o.Sequence, o.Till, thimble.ErrConflict)
	case o.Created.After(by.Now.Add(Skew)):
		return fmt.Errorf("%s: created_at: the batch is from the future; set the clock of %s: %w", f.Package, o.Till, thimble.ErrInvalid)
	}
	return nil
}
