package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ed25519Type is signed-note's type byte of an Ed25519 key.
const ed25519Type = 1

// A Signer signs checkpoints with an Ed25519 key that bears the log's name. It
// is a note.Signer.
type Signer struct {
	origin string
	key    ed25519.PrivateKey
	hash   uint32
}

// NewSigner makes the signer of the log named origin, such as
// "shop.example/ledger", from a seed of 32 bytes.
func NewSigner(origin string, seed []byte) (*Signer, error) {
	if err := CheckOrigin(origin); err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, invalid("the seed of the log's key has %d bytes, %d were expected", len(seed), ed25519.SeedSize)
	}
	s := &Signer{origin: origin, key: ed25519.NewKeyFromSeed(seed)}
	sum := sha256.Sum256(append([]byte(origin+"\n"), s.public()...))
	s.hash = binary.BigEndian.Uint32(sum[:])
	return s, nil
}

func (s *Signer) public() []byte {
	return append([]byte{ed25519Type}, s.key.Public().(ed25519.PublicKey)...)
}

// Name returns the log's origin.
func (s *Signer) Name() string { return s.origin }

// KeyHash returns signed-note's key id.
func (s *Signer) KeyHash() uint32 { return s.hash }

// Sign signs the text of a note.
func (s *Signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// VerifierKey returns the public key as "origin+hash+key", as note.NewVerifier
// and verify.js read it.
func (s *Signer) VerifierKey() string {
	return fmt.Sprintf("%s+%08x+%s", s.origin, s.hash, encode64(s.public()))
}

var _ note.Signer = (*Signer)(nil)

// CheckOrigin reports whether origin can name a log: printable ASCII without
// blanks and plus signs, at most 255 bytes, by choice a URL without its scheme.
// signed-note allows more; this much reads the same in every language.
func CheckOrigin(origin string) error {
	ok := origin != "" && len(origin) <= 255
	for i := 0; ok && i < len(origin); i++ {
		ok = origin[i] > ' ' && origin[i] < 0x7f && origin[i] != '+'
	}
	if !ok {
		return invalid("a log's origin is 1 to 255 printable ASCII characters without blanks and plus signs")
	}
	return nil
}

// EpochOrigin returns the name of a log's n-th epoch: the first has the log's own
// name, the n-th that name and "/n". The name given may be that of any epoch.
func EpochOrigin(origin string, n int64) (string, error) {
	name := origin
	if i := strings.LastIndexByte(origin, '/'); i > 0 {
		if k, err := parseNumber(origin[i+1:]); err == nil && k > 1 {
			name = origin[:i]
		}
	}
	if n > 1 {
		name += "/" + strconv.FormatInt(n, 10)
	}
	if n < 1 {
		return "", invalid("epochs are counted from 1")
	}
	return name, CheckOrigin(name)
}

// EpochNumber returns of which epoch a log of that name is.
func EpochNumber(origin string) (int64, error) {
	if err := CheckOrigin(origin); err != nil {
		return 0, err
	}
	if i := strings.LastIndexByte(origin, '/'); i > 0 {
		if n, err := parseNumber(origin[i+1:]); err == nil && n > 1 {
			return n, nil
		}
	}
	return 1, nil
}
