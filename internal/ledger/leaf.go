package ledger

import (
	"encoding/binary"
	"time"
)

// The layout of a leaf, version 1. Integers are big-endian.
//
//	 0   1  version, 1
//	 1   1  class
//	 2   4  hours since 1970-01-01T00:00Z
//	 6   8  model digest prefix
//	14   8  policy digest prefix
//	22  32  commitment = HMAC-SHA256(key: salt, message: record)
const (
	LeafSize    = 54
	leafVersion = 1
	// CommitmentAt is where the commitment starts. The database finds a leaf by it.
	CommitmentAt   = 22
	CommitmentSize = 32
)

// maxHour is 9999-12-31T23:00Z, the last hour that RFC 3339 and JavaScript can say.
const maxHour = 70389527

func hourOf(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		return -1
	}
	return s / 3600
}

// A Leaf is what anyone can read of an entry.
type Leaf struct {
	Class         Class
	Hour          time.Time // UTC, a whole hour
	Model, Policy [8]byte
	Commitment    [CommitmentSize]byte
}

// Bytes returns the leaf in its wire form of LeafSize bytes.
func (l Leaf) Bytes() []byte {
	b := make([]byte, 0, LeafSize)
	b = append(b, leafVersion, byte(l.Class))
	b = binary.BigEndian.AppendUint32(b, uint32(hourOf(l.Hour)))
	b = append(b, l.Model[:]...)
	b = append(b, l.Policy[:]...)
	return append(b, l.Commitment[:]...)
}

// ParseLeaf reads the wire form. A class from a newer version is let through:
// what it means does not matter to whether it is in the log.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) != LeafSize {
		return Leaf{}, invalid("a leaf has %d bytes, %d were expected", len(b), LeafSize)
	}
	if b[0] != leafVersion {
		return Leaf{}, invalid("a leaf has version %d, %d was expected", b[0], leafVersion)
	}
	hour := binary.BigEndian.Uint32(b[2:])
	if hour > maxHour {
		return Leaf{}, invalid("a leaf's hour is after the year 9999")
	}
	return Leaf{
		Class:      Class(b[1]),
		Hour:       time.Unix(int64(hour)*3600, 0).UTC(),
		Model:      [8]byte(b[6:]),
		Policy:     [8]byte(b[14:]),
		Commitment: [CommitmentSize]byte(b[CommitmentAt:]),
	}, nil
}
