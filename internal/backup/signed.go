package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"thimble"
)

// ErrDamaged says that something that was kept is not what was written.
var ErrDamaged = fmt.Errorf("it was changed or cut short (%w)", thimble.ErrDenied)

// ErrForeign says that something is of another installation, or signed by another key.
var ErrForeign = fmt.Errorf("it is of another installation (%w)", thimble.ErrDenied)

// sign writes a document: one line of JSON, and a note that its hash was signed. The note's
// text has two lines, so that no signature is one of a checkpoint.
func sign(kind string, doc any, s note.Signer) ([]byte, error) {
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: signedText(kind, body)}, s)
	if err != nil {
		return nil, err
	}
	return append(append(body, '\n'), signed...), nil
}

func signedText(kind string, body []byte) string {
	return fmt.Sprintf("%s\n%x\n", kind, sha256.Sum256(body))
}

// read reads a document that sign wrote; doc gets what it says, and one of the keys that
// keys returns for it must have signed it.
func read(kind string, file []byte, doc any, keys func() []string) error {
	body, signed, ok := bytes.Cut(file, []byte("\n"))
	if !ok {
		return ErrDamaged
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(doc); err != nil {
		return ErrDamaged
	}
	if _, err := dec.Token(); err != io.EOF {
		return ErrDamaged
	}
	var known []note.Verifier
	for _, key := range keys() {
		v, err := note.NewVerifier(strings.TrimSpace(key))
		if err != nil {
			return fmt.Errorf("a verifier key of the ledger was expected: %w", thimble.ErrInvalid)
		}
		known = append(known, v)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		if _, other := errors.AsType[*note.UnverifiedNoteError](err); other {
			return fmt.Errorf("none of the ledger's keys signed it: %w", ErrForeign)
		}
		return ErrDamaged
	}
	if n.Text != signedText(kind, body) {
		return ErrDamaged
	}
	for _, s := range n.Sigs { // the bits that padding leaves over are read by no one else
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return ErrDamaged
		}
	}
	return nil
}
