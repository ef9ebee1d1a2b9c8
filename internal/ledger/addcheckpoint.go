package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
)

// What a witness answers instead of a cosignature.
var (
	// ErrRefused is the alarm: the witness has proof that it was shown two histories.
	ErrRefused = errors.New("ledger: the witness refuses: the log does not extend what it has shown before")
	// ErrStranger says that the witness does not know the log, or not by this key.
	ErrStranger = fmt.Errorf("ledger: the witness does not know this log or its key (%w)", thimble.ErrDenied)
)

// A SizeError says that the witness has seen a tree of another size than the
// request assumed.
type SizeError struct{ Size int64 }

// Error implements error.
func (e *SizeError) Error() string {
	return fmt.Sprintf("ledger: the witness has seen a tree of %d leaves", e.Size)
}

// An AddCheckpoint asks a witness for a cosignature (c2sp.org/tlog-witness): the
// checkpoint, and the proof that it extends the tree of size Old.
type AddCheckpoint struct {
	Old   int64
	Proof tlog.TreeProof
	Note  []byte // the signed checkpoint
}

// maxProof is how many hashes a consistency proof has at most.
const maxProof = 63

// MarshalText writes the body of the request.
func (a AddCheckpoint) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", a.Old)
	for _, h := range a.Proof {
		b.WriteString(encode64(h[:]) + "\n")
	}
	b.WriteByte('\n')
	b.Write(a.Note)
	return b.Bytes(), nil
}

// ParseAddCheckpoint reads the body of a request and the head of its checkpoint. It
// verifies nothing.
func ParseAddCheckpoint(body []byte) (AddCheckpoint, Checkpoint, error) {
	text, signed, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(text, "\n")
	size, is := strings.CutPrefix(lines[0], "old ")
	old, err := parseNumber(size)
	if !ok || !is || err != nil || len(lines)-1 > maxProof {
		return AddCheckpoint{}, Checkpoint{}, invalid("the request does not begin with an old size and at most %d hashes", maxProof)
	}
	a := AddCheckpoint{Old: old, Note: []byte(signed)}
	for _, line := range lines[1:] {
		h, err := decode64(line)
		if err != nil || len(h) != tlog.HashSize {
			return AddCheckpoint{}, Checkpoint{}, invalid("a line of the proof is not a hash")
		}
		a.Proof = append(a.Proof, tlog.Hash(h))
	}
	head, _, ok := strings.Cut(signed, "\n\n")
	if !ok {
		return AddCheckpoint{}, Checkpoint{}, invalid("the checkpoint is not signed")
	}
	c, err := parseHead(head + "\n")
	if err != nil {
		return AddCheckpoint{}, Checkpoint{}, err
	}
	c.Note = a.Note
	return a, c, nil
}

// Extends reports whether the proof shows that head extends old: the rule by which a
// witness judges. Everything extends the tree of no leaves, without a proof.
func Extends(old, head tlog.Tree, proof tlog.TreeProof) bool {
	switch {
	case old.N == 0:
		empty := (&Tree{}).Head()
		return len(proof) == 0 && (head.N > 0 || head == empty)
	case old.N > head.N:
		return false
	}
	return tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash) == nil
}
