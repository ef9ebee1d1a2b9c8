package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"thimble"
)

// A Checkpoint is a signed head of the tree (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	Note   []byte // the signed note, verbatim
}

// Tree returns the head without its signature.
func (c Checkpoint) Tree() tlog.Tree { return tlog.Tree{N: c.Size, Hash: c.Root} }

// SignCheckpoint signs the tree as the log named like the signer. The caller
// answers for it that the tree extends every tree signed before.
func SignCheckpoint(s note.Signer, tree tlog.Tree) (Checkpoint, error) {
	c := Checkpoint{Origin: s.Name(), Size: tree.N, Root: tree.Hash}
	var err error
	if c.Note, err = note.Sign(&note.Note{Text: headText(c)}, s); err != nil {
		return Checkpoint{}, fmt.Errorf("ledger: signing a checkpoint: %w", err)
	}
	return c, nil
}

// OpenCheckpoint reads a checkpoint and verifies that one of the keys signed it
// in the log's own name. Signatures by other keys are ignored, as signed-note
// asks. The error is ErrSignature or ErrForm.
func OpenCheckpoint(signed []byte, vkeys ...string) (Checkpoint, error) {
	var known []note.Verifier
	for i, vkey := range vkeys {
		if slices.Contains(vkeys[:i], vkey) {
			continue
		}
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return Checkpoint{}, invalid("reading a verifier key: %w", err)
		}
		known = append(known, v)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
			err = errors.New("none of the given keys signed it")
		}
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	c, err := parseHead(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	c.Note = append([]byte(nil), signed...)
	for _, sig := range n.Sigs {
		if sig.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: the key that signed it is not the key of the log it names", ErrSignature)
}

// parseHead reads the text of a checkpoint: origin, size and root. Extension
// lines are refused; we write none, and no monitor could audit them.
func parseHead(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("%w: a checkpoint has three lines", ErrForm)
	}
	if err := CheckOrigin(lines[0]); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: the checkpoint's origin: %w", ErrForm, err)
	}
	size, err := parseNumber(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: the checkpoint's size: %w", ErrForm, err)
	}
	root, err := decode64(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("%w: the checkpoint's root", ErrForm)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}, nil
}

// maxDigits keeps numbers exact in JavaScript too.
const maxDigits = 15

func parseNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || len(s) > maxDigits || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("a number of at most %d digits without leading zeroes was expected: %w", maxDigits, thimble.ErrInvalid)
	}
	return n, nil
}

func encode64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// decode64 reads base64 in its one canonical spelling. The standard decoder skips
// line ends and lets stray bits through.
func decode64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || encode64(b) != s {
		return nil, invalid("base64 is misspelt")
	}
	return b, nil
}
