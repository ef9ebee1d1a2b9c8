package backup

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/vault"
)

// Next is the head after one more tombstone.
func (h Head) Next(t vault.Tombstone) Head { return h.next(stonesName, stoneEntry(t)) }

// stoneEntry is how a tombstone is kept: the keyed hash of whose it is, and the hash of the
// destroyed keys.
func stoneEntry(t vault.Tombstone) string { return fmt.Sprintf("%x %x", t.Mark, t.KeyHash) }

func parseStone(number int64, entry string) (t vault.Tombstone, err error) {
	mark, hash, _ := strings.Cut(entry, " ")
	t.Seq = number
	t.Mark, err = hex.DecodeString(mark)
	sum, sumErr := hex.DecodeString(hash)
	if err != nil || sumErr != nil || len(sum) != len(t.KeyHash) || len(t.Mark) != vault.IndexLen {
		return t, fmt.Errorf("backup: tombstone %d: %w", number, ErrDamaged)
	}
	copy(t.KeyHash[:], sum)
	return t, nil
}

func parseStones(entries []string) (stones []vault.Tombstone, err error) {
	for i, e := range entries {
		t, err := parseStone(int64(i+1), e)
		if err != nil {
			return nil, err
		}
		stones = append(stones, t)
	}
	return stones, nil
}

// Extends reports whether kept begins with all of known: then it is a later list of the same
// installation.
func Extends(kept, known []vault.Tombstone) error {
	if len(known) > len(kept) {
		return fmt.Errorf("backup: %d tombstones are known here and %d were kept apart; what is kept apart is older: %w", len(known), len(kept), thimble.ErrConflict)
	}
	for i, t := range known {
		if !bytes.Equal(t.Mark, kept[i].Mark) || t.KeyHash != kept[i].KeyHash {
			return fmt.Errorf("backup: tombstone %d is another one than was kept apart: %w", i+1, ErrForeign)
		}
	}
	return nil
}

// A Suppression is the keyed hash of an identifier of somebody who was erased, so that an old
// list does not bring them back, and the generation of its key.
type Suppression struct {
	Mark []byte
	Gen  int64
}

func (s Suppression) entry() string { return fmt.Sprintf("%x %d", s.Mark, s.Gen) }

func parseSuppression(entry string) (s Suppression, err error) {
	mark, gen, _ := strings.Cut(entry, " ")
	if s.Mark, err = hex.DecodeString(mark); err == nil {
		s.Gen, err = strconv.ParseInt(gen, 10, 64)
	}
	if err != nil || s.entry() != entry {
		err = fmt.Errorf("backup: a suppression: %w", ErrDamaged)
	}
	return s, err
}
