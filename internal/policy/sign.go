package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"thimble"
)

// statement is what a signature over a pack signs: format, name and hash.
func (p *Pack) statement() string {
	return format + "\n" + p.Ref() + "\n" + base64.StdEncoding.EncodeToString(p.hash[:]) + "\n"
}

// Sign returns a signed note over the pack, to be kept beside its file. The key
// is a note signer key (Ed25519), as golang.org/x/mod/sumdb/note writes it.
func Sign(p *Pack, key string) ([]byte, error) {
	signer, err := note.NewSigner(strings.TrimSpace(key))
	if err != nil {
		return nil, fmt.Errorf("policy: the signing key cannot be read; it begins with PRIVATE+KEY+: %w", thimble.ErrInvalid)
	}
	signed, err := note.Sign(&note.Note{Text: p.statement()}, signer)
	if err != nil {
		return nil, fmt.Errorf("policy: signing %s: %w", p.Ref(), err)
	}
	return signed, nil
}

// Verify returns who signed the pack. An error of kind thimble.ErrDenied says
// that no key of the list did, or that the note is about another text.
func Verify(p *Pack, signature []byte, keys []string) (signer string, err error) {
	var verifiers []note.Verifier
	for _, key := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(key))
		if err != nil {
			return "", fmt.Errorf("policy: the key %q cannot be read; write name+hash+base64: %w", key, thimble.ErrInvalid)
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open(signature, note.VerifierList(verifiers...))
	if unknown := (*note.UnverifiedNoteError)(nil); errors.As(err, &unknown) {
		return "", fmt.Errorf("policy: pack %s is signed, but by no key that is trusted here: %w", p.Ref(), thimble.ErrDenied)
	}
	if err != nil {
		return "", fmt.Errorf("policy: pack %s: the signature does not hold: %w", p.Ref(), thimble.ErrDenied)
	}
	if n.Text != p.statement() {
		return "", fmt.Errorf("policy: pack %s: the signature is about another text; sign this one: %w", p.Ref(), thimble.ErrDenied)
	}
	return n.Sigs[0].Name, nil
}
