package vault

import (
	"encoding/binary"
	"fmt"
	"time"

	"thimble"
)

// Versions of the sealed record:
//
//	version 1 ‖ generation 2 ‖ month 2 ‖ nonce ‖ ciphertext ‖ tag 16
//
// in bytes, numbers big-endian. The month is 0 for a base key, otherwise 1 for
// January 2000. The nonce is random. The associated data is the header followed by
// the cell ([appendCell]).
const (
	recordGCM  = 1 // AES-256-GCM, nonce of 12 bytes: a person's or partner's key
	recordXAES = 2 // XAES-256-GCM, nonce of 24 bytes: the installation's key, which seals without bound

	headerLen = 5
	tagLen    = 16
	gcmNonce  = 12
)

// Overhead is how many bytes longer than the plain value a person's sealed value is.
const Overhead = headerLen + gcmNonce + tagLen

type header struct {
	version byte
	gen     int
	month   int
}

func (h header) append(dst []byte) []byte {
	dst = append(dst, h.version)
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.gen))
	return binary.BigEndian.AppendUint16(dst, uint16(h.month))
}

func parseHeader(sealed []byte) (h header, nonce int, err error) {
	if len(sealed) < headerLen {
		return h, 0, errShort
	}
	h = header{
		version: sealed[0],
		gen:     int(binary.BigEndian.Uint16(sealed[1:])),
		month:   int(binary.BigEndian.Uint16(sealed[3:])),
	}
	switch h.version {
	case recordGCM:
		nonce = gcmNonce
	case recordXAES:
		nonce = xaesNonce
	default:
		return h, 0, errVersion
	}
	if len(sealed) < headerLen+nonce+tagLen {
		return h, 0, errShort
	}
	return h, nonce, nil
}

const cellDomain = "thimble cell 1"

// appendCell appends an encoding of the cell that no other cell shares: each part
// is preceded by its length.
func appendCell(dst []byte, installation []byte, c *thimble.Cell) []byte {
	dst = appendPart(dst, cellDomain)
	dst = appendPart(dst, installation)
	dst = appendPart(dst, c.Owner[:])
	dst = appendPart(dst, c.Class)
	dst = appendPart(dst, c.Table)
	dst = appendPart(dst, c.Column)
	dst = appendPart(dst, c.Row)
	return appendPart(dst, string(c.Category))
}

func appendPart[T string | []byte](dst []byte, part T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(part)))
	return append(dst, part...)
}

// Months count from January 2000 = 1. What is older gets the first month's link
// and expires with it.
const (
	firstYear = 2000
	lastMonth = 200 * 12
)

// monthOf returns the number of the month of t, or 0 for the zero time.
func monthOf(t time.Time) (int, error) {
	if t.IsZero() {
		return 0, nil
	}
	t = t.UTC()
	m := (t.Year()-firstYear)*12 + int(t.Month())
	if m > lastMonth {
		return 0, fmt.Errorf("a date before the year %d was expected: %w", firstYear+lastMonth/12, thimble.ErrInvalid)
	}
	return max(m, 1), nil
}

func checkCell(c *thimble.Cell) error {
	switch {
	case c.Table == "" || c.Column == "":
		return fmt.Errorf("a cell needs table and column: %w", thimble.ErrInvalid)
	case len(c.Class) > 64:
		return fmt.Errorf("a class of at most 64 bytes was expected: %w", thimble.ErrInvalid)
	}
	return nil
}
