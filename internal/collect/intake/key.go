package intake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"regexp"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// A keyring has the two keys under which something is known again: that of what is
// written down, and one that lives as long as the process, for what is remembered of
// identifiers. Both are of HMAC-SHA256, as the vault's indexes are: whoever reads the
// log can neither make a key to a messageId they guess, nor two messages of one key.
// Cut to 128 bits, two of 10^9 messages share one with a chance below 10^-20.
type keyring struct{ kept, passing []byte }

func newKeyring(secret []byte) *keyring {
	passing := make([]byte, 32)
	_, _ = rand.Read(passing) // it never fails
	return &keyring{kept: secret, passing: passing}
}

// A hasher belongs to one goroutine and takes no memory.
type hasher struct {
	kept, passing hash.Hash
	buf           []byte
}

func (k *keyring) hasher() *hasher {
	return &hasher{kept: hmac.New(sha256.New, k.kept), passing: hmac.New(sha256.New, k.passing), buf: make([]byte, 0, 1024)}
}

func (h *hasher) sum(m hash.Hash) (k frame.Key) {
	m.Reset()
	_, _ = m.Write(h.buf) // a hash takes all it is given
	clear(h.buf)
	h.buf = m.Sum(h.buf[:0])
	copy(k[:], h.buf)
	return k
}

// What is hashed begins with what it is, so that no two kinds share a value.
const (
	ofMessage = 1
	ofOrder   = 2
)

func (h *hasher) repeat(source uint32, messageID []byte) frame.Key {
	h.buf = binary.BigEndian.AppendUint32(append(h.buf[:0], ofMessage), source)
	h.buf = append(h.buf, messageID...)
	return h.sum(h.kept)
}

// order names what happened to an order. Order 7 of two sources is two orders, unless the
// number has its shop before it, which it has wherever it is said.
func (h *hasher) order(source uint32, id []byte, event string) frame.Key {
	if ofShop.Match(id) {
		source = 0 // none has it
	}
	h.buf = binary.BigEndian.AppendUint32(append(h.buf[:0], ofOrder), source)
	h.buf = append(append(append(h.buf, event...), 0), id...)
	return h.sum(h.kept)
}

var ofShop = regexp.MustCompile(`^` + table.ShopForm + `:`)

// identifier returns the name under which it is remembered whose an identifier is.
func (h *hasher) identifier(k subject.Kind, value []byte) name {
	h.buf = append(append(append(h.buf[:0], k...), 0), value...)
	return name(h.sum(h.passing))
}

// pair returns the name under which it is remembered that an identifier was joined to
// somebody, or what they said.
func (h *hasher) pair(who thimble.SubjectID, k subject.Kind, value []byte) name {
	h.buf = append(append(append(append(append(h.buf[:0], "pair"...), 0), who[:]...), k...), 0)
	h.buf = append(h.buf, value...)
	return name(h.sum(h.passing))
}

// consent returns the name under which it is remembered what a consent object means.
func (h *hasher) consent(raw []byte) name {
	h.buf = append(append(h.buf[:0], "consent object\x00"...), raw...)
	return name(h.sum(h.passing))
}

// once reports whether an event happens to an order once, so that a second one with the
// same number is the first again. Updates and refunds come several times.
func once(m *plan.Message) bool { return m.Name == "Order Completed" || m.Name == "Order Cancelled" }
