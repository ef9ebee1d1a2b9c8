package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Head commits to a list: how many entries it has, and the end of the chain of their
// hashes. It says nothing about anybody.
type Head struct {
	Count int64  `json:"count"`
	Hash  string `json:"sha256"`
}

// next is the head after one more entry of a list of a kind.
func (h Head) next(kind, entry string) Head {
	sum := sha256.Sum256(fmt.Appendf(nil, "thimble %s 1\n%d\n%s\n%s\n", kind, h.Count+1, h.Hash, entry))
	return Head{Count: h.Count + 1, Hash: hex.EncodeToString(sum[:])}
}

// A list is kept in a file that only grows: a line for each entry, with its number and the head
// of the list that it ends. The file is named after the kind.
type list struct {
	path, kind string
	// What was in it when it was last read or written, and how many bytes that was.
	head Head
	size int64
}

func listIn(dir, kind string) *list { return &list{path: filepath.Join(dir, kind), kind: kind} }

// read returns the entries, and the head after each. What follows the last end of line was being
// written when the machine stopped: it is no line yet.
func (l *list) read() (entries []string, heads []Head, err error) {
	text, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, keeping(err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	var h Head
	for line := range strings.Lines(string(text[:whole])) {
		words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(words) < 3 {
			return nil, nil, fmt.Errorf("backup: %s, line %d: %w", l.kind, len(entries)+1, ErrDamaged)
		}
		entry := strings.Join(words[1:len(words)-1], " ")
		if h = h.next(l.kind, entry); lineOf(h, entry) != line {
			return nil, nil, fmt.Errorf("backup: %s, line %d: %w", l.kind, len(entries)+1, ErrDamaged)
		}
		entries, heads = append(entries, entry), append(heads, h)
	}
	l.head, l.size = h, int64(whole)
	return entries, heads, nil
}

func lineOf(h Head, entry string) string { return fmt.Sprintf("%d %s %s\n", h.Count, entry, h.Hash) }

// same reports whether nobody else has written to it since.
func (l *list) same() bool {
	info, err := os.Stat(l.path)
	return err == nil && l.size > 0 && info.Size() == l.size
}

// add appends entries, durably.
func (l *list) add(entries []string) error {
	var text bytes.Buffer
	head := l.head
	for _, e := range entries {
		head = head.next(l.kind, e)
		text.WriteString(lineOf(head, e))
	}
	info, err := os.Stat(l.path)
	if len(entries) == 0 && (errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == l.size) {
		return nil
	}
	if err := appendAt(l.path, l.size, text.Bytes()); err != nil {
		return keeping(err)
	}
	l.head, l.size = head, l.size+int64(text.Len())
	return nil
}

// signed holds a list against the head that a statement has.
func signed(kind string, heads []Head, want Head) error {
	n := int64(len(heads))
	if n < want.Count || want.Count > 0 && heads[want.Count-1] != want {
		return fmt.Errorf("backup: the ledger's key has signed for %d %s, and %d are there: %w", want.Count, kind, n, ErrDamaged)
	}
	return nil
}
