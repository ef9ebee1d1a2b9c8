package collect

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"thimble"
)

// A Source is a file that can be read more than once.
type Source struct {
	Name string // for reports: the file's name, nothing about people
	Open func() (io.ReadCloser, error)
}

// File returns the source of a file on disk.
func File(path string) Source {
	return Source{Name: filepath.Base(path), Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// digest reads the whole source and returns its hash and size.
func digest(ctx context.Context, src Source) (sum []byte, size int64, err error) {
	r, err := src.Open()
	if err != nil {
		return nil, 0, fmt.Errorf("collect: opening %s: %w", src.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	size, err = io.Copy(h, cancelable{ctx, r})
	if err != nil {
		return nil, 0, fmt.Errorf("collect: reading %s: %w", src.Name, err)
	}
	return h.Sum(nil), size, nil
}

// cancelable ends with its context.
type cancelable struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// A stream reads a source once more, unpacks it and checks its hash.
type stream struct {
	name string
	file io.ReadCloser
	raw  io.Reader // counts and hashes
	text io.Reader // unpacked, without byte order mark
	sum  hash.Hash
	read atomic.Int64
}

func openStream(ctx context.Context, src Source) (*stream, error) {
	file, err := src.Open()
	if err != nil {
		return nil, fmt.Errorf("collect: opening %s: %w", src.Name, err)
	}
	s := &stream{name: src.Name, file: file, sum: sha256.New()}
	s.raw = io.TeeReader(cancelable{ctx, file}, s)
	if s.text, err = unpack(s.raw); err != nil {
		return nil, errors.Join(s.failure(err), file.Close())
	}
	return s, nil
}

// Write takes what was read of the raw bytes.
func (s *stream) Write(p []byte) (int, error) {
	s.read.Add(int64(len(p)))
	return s.sum.Write(p)
}

func (s *stream) Close() error { return s.file.Close() }

var errCut = fmt.Errorf("the compressed file is cut off or damaged; copy it again: %w", thimble.ErrInvalid)

func (s *stream) failure(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if corrupt || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		err = errCut
	}
	return fmt.Errorf("collect: reading %s: %w", s.name, err)
}

// check compares what was read with the hash of the first pass.
func (s *stream) check(want []byte) error {
	if _, err := io.Copy(io.Discard, s.raw); err != nil {
		return s.failure(err)
	}
	if !bytes.Equal(s.sum.Sum(nil), want) {
		return fmt.Errorf("collect: %s changed while it was read; import it again: %w", s.name, thimble.ErrInvalid)
	}
	return nil
}

// unpack takes gzip and a byte order mark off.
func unpack(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	head, err := br.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, err
		}
		br = bufio.NewReaderSize(z, 1<<16)
	}
	head, err = br.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(head, []byte("\ufeff")) {
		_, err = br.Discard(len(head))
		return br, err
	}
	return br, nil
}
