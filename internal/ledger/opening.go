package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// SaltSize is the size of a leaf's salt. It is drawn anew for each leaf, so that
// two leaves about one person have nothing in common, and a leaf whose salt is
// destroyed cannot be matched even by someone who guesses the record.
const SaltSize = 32

// An Opening opens a leaf: whoever has it can show what the leaf says, and
// nobody else can. Its owner keeps it sealed under the key of the person it is
// about; destroying that key closes the leaf for good.
type Opening struct {
	Leaf   []byte // LeafSize bytes, as in the log
	Salt   []byte // SaltSize bytes
	Record []byte // canonical JSON
	// Batch says where the leaf is when it is in a batch and not itself in the log.
	// MarshalBinary leaves it out.
	Batch *BatchPath
}

// Commit makes the leaf of an entry. The salt must be fresh from a
// cryptographic source.
func Commit(e Entry, salt [SaltSize]byte) (Opening, error) {
	if err := e.check(); err != nil {
		return Opening{}, invalid("committing to an entry: %w", err)
	}
	leaf := Leaf{Class: e.Class, Hour: e.At, Model: e.Model, Policy: e.Policy, Commitment: commitment(salt[:], e.Record)}
	return Opening{Leaf: leaf.Bytes(), Salt: salt[:], Record: e.Record}, nil
}

func commitment(salt, record []byte) [CommitmentSize]byte {
	mac := hmac.New(sha256.New, salt)
	mac.Write(record)
	return [CommitmentSize]byte(mac.Sum(nil))
}

// Hash returns the leaf's hash in the tree (RFC 6962 section 2.1).
func (o Opening) Hash() tlog.Hash { return tlog.RecordHash(o.Leaf) }

// Check reports whether salt and record open the leaf.
func (o Opening) Check() error {
	leaf, err := ParseLeaf(o.Leaf)
	if err != nil {
		return err
	}
	if len(o.Salt) != SaltSize {
		return invalid("a salt has %d bytes, %d were expected", len(o.Salt), SaltSize)
	}
	if got := commitment(o.Salt, o.Record); !hmac.Equal(got[:], leaf.Commitment[:]) {
		return invalid("salt and record do not open the leaf")
	}
	return nil
}

// MarshalBinary writes leaf, salt and record one after the other; it is also the
// extra line of a receipt.
func (o Opening) MarshalBinary() ([]byte, error) {
	if len(o.Leaf) != LeafSize || len(o.Salt) != SaltSize || len(o.Record) > MaxRecord {
		return nil, invalid("an opening of %d, %d and %d bytes cannot be written", len(o.Leaf), len(o.Salt), len(o.Record))
	}
	b := make([]byte, 0, LeafSize+SaltSize+len(o.Record))
	b = append(b, o.Leaf...)
	b = append(b, o.Salt...)
	return append(b, o.Record...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. It copies b, and does not check
// that the parts belong together: see [Opening.Check].
func (o *Opening) UnmarshalBinary(b []byte) error {
	if len(b) < LeafSize+SaltSize || len(b) > LeafSize+SaltSize+MaxRecord {
		return invalid("an opening cannot have %d bytes", len(b))
	}
	if _, err := ParseLeaf(b[:LeafSize]); err != nil {
		return fmt.Errorf("ledger: reading an opening: %w", err)
	}
	b = append([]byte(nil), b...)
	o.Leaf, o.Salt, o.Record = b[:LeafSize:LeafSize], b[LeafSize:LeafSize+SaltSize:LeafSize+SaltSize], b[LeafSize+SaltSize:]
	return nil
}
