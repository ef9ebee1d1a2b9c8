package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Of a cosignature (c2sp.org/tlog-cosignature): signed-note's type byte, and how
// many bytes follow the key id, a time and a signature.
const (
	cosignatureType = 4
	cosignatureSize = 8 + ed25519.SignatureSize
	// maxCosignatures is what signed-note wants a verifier to accept at least.
	maxCosignatures = 16
)

// maxSecond is the last second that RFC 3339 and JavaScript can say.
const maxSecond = maxHour*3600 + 3599

// A Cosigner signs checkpoints of other logs: the key of a witness.
type Cosigner struct {
	public CosignerKey
	key    ed25519.PrivateKey
}

// NewCosigner makes the cosigner of a name, by choice a URL without its scheme, from
// a seed of 32 bytes. The key must sign nothing else: a cosignature does not say
// the cosigner's name.
func NewCosigner(name string, seed []byte) (*Cosigner, error) {
	if err := CheckOrigin(name); err != nil {
		return nil, fmt.Errorf("ledger: the cosigner's name: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, invalid("the seed of a cosigner's key has %d bytes, %d were expected", len(seed), ed25519.SeedSize)
	}
	key := ed25519.NewKeyFromSeed(seed)
	return &Cosigner{public: newCosignerKey(name, key.Public().(ed25519.PublicKey)), key: key}, nil
}

// Key returns the public key.
func (c *Cosigner) Key() CosignerKey { return c.public }

// Cosign returns the signature line, with its line end. The caller answers for it
// that the checkpoint extends every one cosigned before.
func (c *Cosigner) Cosign(head Checkpoint, at time.Time) []byte {
	second := uint64(at.Unix())
	sig := binary.BigEndian.AppendUint32(nil, c.public.hash)
	sig = binary.BigEndian.AppendUint64(sig, second)
	sig = append(sig, ed25519.Sign(c.key, cosigned(head, second))...)
	return []byte(dash + c.public.name + " " + encode64(sig) + "\n")
}

// cosigned is the message under a cosignature.
func cosigned(head Checkpoint, second uint64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", second, headText(head))
}

// A CosignerKey is the public key of a witness. Two keys are equal when ==.
type CosignerKey struct {
	name   string
	hash   uint32
	public [ed25519.PublicKeySize]byte
}

func newCosignerKey(name string, public ed25519.PublicKey) CosignerKey {
	k := CosignerKey{name: name, public: [ed25519.PublicKeySize]byte(public)}
	sum := sha256.Sum256(append([]byte(name+"\n"), k.typed()...))
	k.hash = binary.BigEndian.Uint32(sum[:])
	return k
}

func (k CosignerKey) typed() []byte { return append([]byte{cosignatureType}, k.public[:]...) }

// Name returns the cosigner's name.
func (k CosignerKey) Name() string { return k.name }

// String returns the key as "name+hash+key", a signed-note verifier key of type 4.
func (k CosignerKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.hash, encode64(k.typed()))
}

// ParseCosignerKey reads what String wrote.
func ParseCosignerKey(vkey string) (CosignerKey, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	_, raw, _ := strings.Cut(rest, "+")
	b, err := decode64(raw)
	if err != nil || CheckOrigin(name) != nil || len(b) != 1+ed25519.PublicKeySize || b[0] != cosignatureType {
		return CosignerKey{}, invalid("the verifier key of an Ed25519 cosigner was expected, such as witness.example+1a2b3c4d+BA…=")
	}
	k := newCosignerKey(name, b[1:])
	if k.String() != vkey {
		return CosignerKey{}, invalid("a cosigner's key and its id do not fit together")
	}
	return k, nil
}

// A Cosignature is a witness's word that a checkpoint extends every one it has seen.
type Cosignature struct {
	Key  CosignerKey
	At   time.Time // by the witness's clock, UTC
	Line string    // the signature line, with its line end
}

// sigLine is one signature line that has the form of a cosignature.
type sigLine struct {
	name, text string
	hash       uint32
	second     uint64
	sig        []byte
}

func parseSigLine(text string) (sigLine, error) {
	rest, ok1 := strings.CutPrefix(text, dash)
	rest, ok2 := strings.CutSuffix(rest, "\n")
	name, b64, _ := strings.Cut(rest, " ")
	b, err := decode64(b64)
	if !ok1 || !ok2 || err != nil || CheckOrigin(name) != nil || len(b) != 4+cosignatureSize {
		return sigLine{}, invalid("a line is not a cosignature")
	}
	l := sigLine{name: name, text: text, hash: binary.BigEndian.Uint32(b), second: binary.BigEndian.Uint64(b[4:]), sig: b[12:]}
	if l.second > maxSecond {
		return sigLine{}, invalid("a cosignature is from after the year 9999")
	}
	return l, nil
}

// verify checks the line with the one of the keys that it names.
func (l sigLine) verify(head Checkpoint, keys []CosignerKey) (c Cosignature, known bool, err error) {
	i := slices.IndexFunc(keys, func(k CosignerKey) bool { return k.name == l.name && k.hash == l.hash })
	if i < 0 {
		return Cosignature{}, false, nil
	}
	if !ed25519.Verify(keys[i].public[:], cosigned(head, l.second), l.sig) {
		return Cosignature{}, true, fmt.Errorf("%w: the cosignature of %s does not fit", ErrSignature, l.name)
	}
	return Cosignature{Key: keys[i], At: time.Unix(int64(l.second), 0).UTC(), Line: l.text}, true, nil
}

// Cosignatures verifies signature lines, such as a witness answers, against the
// head. Lines by other keys, and of other kinds, are ignored, as signed-note asks. The
// error is ErrSignature when a line that names one of the keys is not by it.
func Cosignatures(head Checkpoint, lines []byte, keys ...CosignerKey) ([]Cosignature, error) {
	var all []Cosignature
	for text := range strings.Lines(string(lines)) {
		l, err := parseSigLine(text)
		if err != nil {
			continue
		}
		c, known, err := l.verify(head, keys)
		if err != nil {
			return nil, err
		}
		if known && !slices.ContainsFunc(all, func(have Cosignature) bool { return have.Key == c.Key }) {
			all = append(all, c)
		}
	}
	return all, nil
}

// WithCosignatures returns the checkpoint with the log's signature and these
// cosignatures, in the one order that a receipt accepts.
func (c Checkpoint) WithCosignatures(all []Cosignature) Checkpoint {
	lines := make([]string, len(all))
	for i, s := range all {
		lines[i] = s.Line
	}
	slices.Sort(lines)
	text, sigs, _ := strings.Cut(string(c.Note), "\n\n")
	own, _, _ := strings.Cut(sigs, "\n")
	c.Note = []byte(text + "\n\n" + own + "\n" + strings.Join(lines, ""))
	return c
}

func headText(c Checkpoint) string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + encode64(c.Root[:]) + "\n"
}
