package canary

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Hit is a planted string that was found where none should be.
type Hit struct {
	File string
	At   int64  // offset in it, or in what was unpacked of it
	Form string // how it lies there
	Door string // by which it had come in
	When string // while the program ran, or after
}

// A scanner looks for many needles at once.
type scanner struct {
	texts  []Text
	needle []needle
	// heads finds the needles that begin with eight bytes; few is a sieve before it.
	heads map[uint64][]int
	few   [1 << 16]uint64 // 2^22 bits

	Files int
	Bytes int64 // read from files
	Packs int   // gzip members and zlib streams that were unpacked
	Hits  []Hit
	when  string
	base  string // what names of files begin with
}

// newScanner looks for texts, and for keyed hashes as they are.
func newScanner(all []Text, hashes [][]byte) *scanner {
	s := &scanner{texts: all, heads: map[uint64][]int{}}
	for i, t := range all {
		s.needle = append(s.needle, needlesOf(i, t.Value)...)
	}
	for _, h := range hashes {
		if len(h) >= shortest {
			s.needle = append(s.needle, needle{h, "keyed hash", -1})
		}
	}
	for i, n := range s.needle {
		head := binary.LittleEndian.Uint64(n.bytes)
		s.heads[head] = append(s.heads[head], i)
		slot := sieve(head)
		s.few[slot>>6] |= 1 << (slot & 63)
	}
	return s
}

// sieve maps eight bytes to one of 2^22 bits.
func sieve(head uint64) uint64 { return head * 0x9E3779B97F4A7C15 >> 42 }

// folder reads everything below a folder.
func (s *scanner) folder(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("canary: reading what was written: %w", err)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.Join(s.base, name)
		s.Files++
		s.Bytes += int64(len(content))
		s.look(filepath.ToSlash(name), []byte(name), 0)
		s.look(filepath.ToSlash(name), content, 0)
		return nil
	})
}

// deepest is how far packs within packs are unpacked, and most how much of one.
const (
	deepest = 3
	most    = 64 << 20
)

// look looks for needles in some content, and in what is packed in it.
func (s *scanner) look(file string, b []byte, depth int) {
	for i := 0; i+shortest <= len(b); i++ {
		head := binary.LittleEndian.Uint64(b[i:])
		if slot := sieve(head); s.few[slot>>6]>>(slot&63)&1 == 0 {
			continue
		}
		for _, n := range s.heads[head] {
			if bytes.HasPrefix(b[i:], s.needle[n].bytes) {
				s.found(file, int64(i), s.needle[n], depth)
			}
		}
	}
	if depth == deepest {
		return
	}
	for i := 0; i+shortest <= len(b); i++ {
		if b[i] == 0x1f && b[i+1] == 0x8b && b[i+2] == 8 || b[i]&0x0f == 8 && b[i]>>4 <= 7 && (int(b[i])<<8|int(b[i+1]))%31 == 0 {
			if inner := unpacked(b[i:]); len(inner) > 0 {
				s.Packs++
				s.look(file, inner, depth+1)
			}
		}
	}
}

func (s *scanner) found(file string, at int64, n needle, depth int) {
	h := Hit{File: file, At: at, Form: n.form, When: s.when, Door: "the database's index"}
	if n.text >= 0 {
		h.Door = s.texts[n.text].Door
	}
	if depth > 0 {
		h.Form += ", packed"
	}
	s.Hits = append(s.Hits, h)
}

// unpacked is what a gzip member or a zlib stream holds, as far as it can be read; nothing
// of bytes that only look like one.
func unpacked(b []byte) []byte {
	var r io.Reader
	var err error
	if b[0] == 0x1f {
		r, err = gzip.NewReader(bytes.NewReader(b))
	} else {
		r, err = zlib.NewReader(bytes.NewReader(b))
	}
	if err != nil {
		return nil
	}
	inner, _ := io.ReadAll(io.LimitReader(r, most)) // of one that was cut off what there is
	return inner
}
