package certificate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"thimble"
	"thimble/internal/ledger"
)

// The checks of a certificate beside those of the receipt in it ([ledger.Verify]), in
// the order in which they are made.
var (
	ErrForm      = fmt.Errorf("certificate: form: this is not a certificate as Thimble writes it (%w)", thimble.ErrInvalid)
	ErrStatement = fmt.Errorf("certificate: statement: the file says another thing than the log has signed (%w)", thimble.ErrInvalid)
	ErrSense     = fmt.Errorf("certificate: sense: what it says is no erasure (%w)", thimble.ErrInvalid)
)

// maxFile is more than any certificate has.
const maxFile = 2 << 20

// A file is how a certificate is written.
type file struct {
	Says    Statement `json:"says"`
	Receipt []string  `json:"receipt"` // its lines
}

// Write returns the file of a certificate: what it says, and the receipt of the entry
// that commits to it.
func Write(r *ledger.Receipt) ([]byte, error) {
	said, err := read(r.Opening.Record)
	if err != nil {
		return nil, fmt.Errorf("certificate: writing: %w", err)
	}
	text, err := r.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("certificate: writing: %w", err)
	}
	lines, ok := strings.CutSuffix(string(text), "\n")
	if !ok {
		return nil, fmt.Errorf("certificate: a receipt ends with its line: %w", thimble.ErrInvalid)
	}
	return canonical(file{said, strings.Split(lines, "\n")}, true)
}

// Read reads what a record of the log says, in the one form that there is of it.
func Read(record []byte) (Statement, error) { return read(record) }

func read(record []byte) (s Statement, err error) {
	if err := strict(record, &s); err != nil {
		return s, err
	}
	again, err := s.Bytes()
	if err != nil || !bytes.Equal(again, record) {
		return s, fmt.Errorf("the record is not in the one form: %w", thimble.ErrInvalid)
	}
	return s, nil
}

func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w (%w)", err, thimble.ErrInvalid)
	}
	return nil
}

// A Verified certificate is one that passed.
type Verified struct {
	Statement Statement
	Entry     ledger.Opened // of the log
}

// Verify checks a certificate offline against the verifier keys of the log, and of its
// witnesses, that the caller trusts. With a witness's key each cosignature must be by one
// that was given; without any, cosignatures are judged by their form only.
func Verify(text []byte, vkeys ...string) (v Verified, err error) {
	var f file
	if len(text) > maxFile {
		return v, fmt.Errorf("%w: it is longer than any", ErrForm)
	}
	if err := strict(text, &f); err != nil {
		return v, fmt.Errorf("%w: it is no JSON with these fields", ErrForm)
	}
	again, err := canonical(file{f.Says.filled(), f.Receipt}, true)
	if err != nil || !bytes.Equal(again, text) {
		return v, fmt.Errorf("%w: a letter, a blank or the order of the fields was changed", ErrForm)
	}
	v.Statement = f.Says
	if v.Entry, err = ledger.Verify([]byte(strings.Join(f.Receipt, "\n")+"\n"), vkeys...); err != nil {
		return v, err
	}
	says, err := f.Says.Bytes()
	if err != nil {
		return v, err
	}
	if !bytes.Equal(says, v.Entry.Record) {
		return v, fmt.Errorf("%w: %s", ErrStatement, differs(says, v.Entry.Record))
	}
	if v.Entry.Class != ledger.Erasure {
		return v, fmt.Errorf("%w: the entry is of class %s", ErrSense, v.Entry.Class)
	}
	if err := f.Says.Check(); err != nil {
		return v, fmt.Errorf("%w: %w", ErrSense, err)
	}
	return v, nil
}

// differs names the first field in which two statements differ, and what each says.
func differs(file, log []byte) string {
	var a, b any
	if json.Unmarshal(file, &a) != nil || json.Unmarshal(log, &b) != nil {
		return "the log's entry is no statement"
	}
	path, x, y, found := diff("", a, b)
	if !found {
		return "the order of the fields"
	}
	return fmt.Sprintf("%s: the file says %s, the log %s", path, short(x), short(y))
}

// diff walks both in the order of their keys.
func diff(path string, a, b any) (at string, x, y any, found bool) {
	switch v := a.(type) {
	case map[string]any:
		w, ok := b.(map[string]any)
		if !ok {
			return path, a, b, true
		}
		for _, k := range keys(v, w) {
			if at, x, y, found := diff(strings.TrimPrefix(path+"."+k, "."), v[k], w[k]); found {
				return at, x, y, true
			}
		}
		return "", nil, nil, false
	case []any:
		w, ok := b.([]any)
		if !ok {
			return path, a, b, true
		}
		for i := range min(len(v), len(w)) {
			if at, x, y, found := diff(fmt.Sprintf("%s[%d]", path, i), v[i], w[i]); found {
				return at, x, y, true
			}
		}
		return path, fmt.Sprintf("%d entries", len(v)), fmt.Sprintf("%d entries", len(w)), len(v) != len(w)
	}
	return path, a, b, a != b
}
