package registry

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"

	"thimble"
)

// A Key is a public key that may have signed packages.
type Key struct{ public *ecdsa.PublicKey }

// ParseKey reads a PEM block with a public key on P-256, P-384 or P-521. The error is of
// kind ErrInvalid.
func ParseKey(text []byte) (Key, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return Key{}, fmt.Errorf("registry: reading a key: expected one PEM block of type PUBLIC KEY: %w", thimble.ErrInvalid)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("registry: reading a key: it is not a public key: %w", thimble.ErrInvalid)
	}
	return keyOf(parsed)
}

func keyOf(public any) (Key, error) {
	k, ok := public.(*ecdsa.PublicKey)
	if !ok || digestOf(k) == 0 {
		return Key{}, fmt.Errorf("registry: reading a key: expected ECDSA on P-256, P-384 or P-521: %w", thimble.ErrInvalid)
	}
	return Key{k}, nil
}

// PEM returns the key as text.
func (k Key) PEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil { // the curve was checked
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Hint returns the key's name in a bundle: the SHA-256 of its PEM, in hexadecimal.
func (k Key) Hint() string {
	sum := sha256.Sum256(k.PEM())
	return hex.EncodeToString(sum[:])
}

// Each curve has its digest, as Sigstore's algorithm registry pairs them.
func digestOf(k *ecdsa.PublicKey) crypto.Hash {
	switch k.Curve {
	case elliptic.P256():
		return crypto.SHA256
	case elliptic.P384():
		return crypto.SHA384
	case elliptic.P521():
		return crypto.SHA512
	}
	return 0
}

func (k Key) verifies(message, signature []byte) bool {
	h := digestOf(k.public).New()
	h.Write(message)
	return ecdsa.VerifyASN1(k.public, h.Sum(nil), signature)
}

// A Signer signs packages with a key on P-256.
type Signer struct{ private *ecdsa.PrivateKey }

// SeedSize is the length of a signer's secret, in bytes.
const SeedSize = 32

// DeriveKey returns the key on P-256 that a secret gives for what the label says: 48 bytes
// of HKDF, reduced as FIPS 186-5 A.2.1 does. The same two give the same key.
func DeriveKey(seed []byte, label string) (*ecdsa.PrivateKey, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("registry: a signer's secret has %d bytes, want %d: %w", len(seed), SeedSize, thimble.ErrInvalid)
	}
	wide, err := hkdf.Key(sha256.New, seed, nil, label, 48)
	if err != nil {
		return nil, fmt.Errorf("registry: deriving a key: %w", err)
	}
	curve := elliptic.P256()
	bound := new(big.Int).Sub(curve.Params().N, big.NewInt(1))
	d := new(big.Int).SetBytes(wide)
	d.Add(d.Mod(d, bound), big.NewInt(1))
	private, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, fmt.Errorf("registry: deriving a key: %w", err)
	}
	return private, nil
}

// NewSigner returns the signer of a secret. The same secret gives the same key.
func NewSigner(seed []byte) (*Signer, error) {
	private, err := DeriveKey(seed, "thimble registry signing key v1")
	if err != nil {
		return nil, err
	}
	return &Signer{private}, nil
}

// Key returns the public half.
func (s *Signer) Key() Key { return Key{&s.private.PublicKey} }

// sign returns a deterministic signature (RFC 6979), so that the same content gives the
// same package.
func (s *Signer) sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return s.private.Sign(nil, sum[:], crypto.SHA256)
}

// Trust says whose signatures count. The zero value trusts nobody.
type Trust struct {
	Keys    []Key
	Revoked map[string]bool // by hint
}

func (t Trust) find(hint string) (Key, error) {
	if t.Revoked[hint] {
		return Key{}, Refuse(RuleRevokedKey, "")
	}
	for _, k := range t.Keys {
		if k.Hint() == hint {
			return k, nil
		}
	}
	return Key{}, Refuse(RuleKey, "")
}
