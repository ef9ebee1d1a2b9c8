package device

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"

	"thimble"
	"thimble/internal/registry"
)

// signatureSize is that of a signature on P-256 as WebCrypto reads it: r, then s.
const signatureSize = 64

// A Signer signs files. The curve is P-256 because every browser that the SDK runs in
// verifies it; not all know Ed25519.
type Signer struct{ private *ecdsa.PrivateKey }

// NewSigner returns the signer of a secret of [registry.SeedSize] bytes. The same secret
// gives the same key.
func NewSigner(seed []byte) (*Signer, error) {
	private, err := registry.DeriveKey(seed, "thimble device signing key v1")
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	return &Signer{private}, nil
}

// Key returns the public half as the SDK takes it: SubjectPublicKeyInfo in base64.
func (s *Signer) Key() string {
	der, err := x509.MarshalPKIXPublicKey(&s.private.PublicKey)
	if err != nil { // the curve is known
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// Sign returns the file's bytes. The signature is deterministic (RFC 6979), so that the same
// content gives the same bytes.
func (s *Signer) Sign(f *File) ([]byte, error) {
	b := f.unsigned()
	sum := sha256.Sum256(b)
	der, err := s.private.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("device: signing a file: %w", err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		return nil, fmt.Errorf("device: signing a file: %w", err)
	}
	b = append(b, rs.R.FillBytes(make([]byte, 32))...)
	return append(b, rs.S.FillBytes(make([]byte, 32))...), nil
}

// Name returns what content-addresses a file's bytes: their SHA-256 in hexadecimal.
func Name(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Open reads a signed file at a moment. What was not signed by the key, or has run out, is
// an error of kind ErrDenied; what is no file one of kind ErrInvalid.
func Open(b []byte, key string, now time.Time) (*File, error) {
	der, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, invalid("the key is not base64")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	public, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || public.Curve != elliptic.P256() {
		return nil, invalid("the key is not one on P-256")
	}
	if len(b) < len(magic)+signatureSize {
		return nil, invalid("it is cut short")
	}
	body, sig := b[:len(b)-signatureSize], b[len(b)-signatureSize:]
	sum := sha256.Sum256(body)
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return nil, fmt.Errorf("device: opening a file for browsers: the signature does not verify: %w", thimble.ErrDenied)
	}
	f, err := parse(body)
	if err == nil && !now.Before(f.Until) {
		return nil, fmt.Errorf("device: opening a file for browsers: it was valid until %s: %w", f.Until.Format(time.RFC3339), thimble.ErrDenied)
	}
	return f, err
}
