package drp

import (
	"encoding/hex"
	"fmt"
	"strings"

	"thimble"
)

// UUID writes an id as a UUID (RFC 9562).
func UUID(id thimble.ID) string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseUUID reads one. The error is of kind ErrInvalid.
func ParseUUID(text string) (id thimble.ID, err error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err == nil && len(raw) == len(id) {
		copy(id[:], raw)
	}
	if id.IsZero() || UUID(id) != strings.ToLower(text) {
		return thimble.ID{}, fmt.Errorf("drp: a UUID was expected: %w", thimble.ErrInvalid)
	}
	return id, nil
}
