package collectweb

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"thimble"
)

// A sealedFile keeps what somebody has uploaded, until it is imported. It is sealed under
// a key that lives in this process only: what a crash leaves behind opens nowhere.
type sealedFile struct {
	path string
	size int64 // of what is in it
	seal cipher.AEAD
}

const chunk = 1 << 16

var errTooLarge = fmt.Errorf("collectweb: the file is too large to upload; use the command `thimble import` for it: %w", thimble.ErrInvalid)

// newSealedFile writes all of r, at most so many bytes. With an error nothing is left.
func newSealedFile(path string, r io.Reader, most int64) (_ *sealedFile, err error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	s := &sealedFile{path: path}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, unkept(err)
	}
	defer func() {
		if closed := f.Close(); closed != nil {
			err = errors.Join(err, unkept(closed))
		}
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	return s, s.write(f, r, most)
}

// unkept is the error of a disk that is full or fails.
func unkept(err error) error {
	return fmt.Errorf("collectweb: keeping an upload: %w", errors.Join(err, thimble.ErrUnavailable))
}

func (s *sealedFile) write(f io.Writer, r io.Reader, most int64) error {
	plain, sealed := make([]byte, chunk), make([]byte, 0, chunk+s.seal.Overhead())
	for n := uint64(0); ; n++ {
		k, err := io.ReadFull(r, plain)
		if s.size += int64(k); s.size > most {
			return errTooLarge
		}
		if k > 0 {
			if _, werr := f.Write(s.seal.Seal(sealed, s.nonce(n), plain[:k], nil)); werr != nil {
				return unkept(werr)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// nonce numbers the chunks: the key seals one file, each chunk once.
func (s *sealedFile) nonce(n uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, s.seal.NonceSize()-8), n)
}

// Open reads it from the beginning.
func (s *sealedFile) Open() (io.ReadCloser, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("collectweb: the upload is gone; upload the file again: %w", thimble.ErrNotFound)
	}
	return &sealedReader{s: s, f: f, left: s.size}, nil
}

func (s *sealedFile) remove() { _ = os.Remove(s.path) } // it opens nowhere without its key

type sealedReader struct {
	s    *sealedFile
	f    *os.File
	left int64
	n    uint64
	rest []byte
	buf  []byte
}

func (r *sealedReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		k := min(r.left, chunk)
		if r.buf == nil {
			r.buf = make([]byte, chunk+r.s.seal.Overhead())
		}
		sealed := r.buf[:int(k)+r.s.seal.Overhead()]
		if _, err := io.ReadFull(r.f, sealed); err != nil {
			return 0, fmt.Errorf("collectweb: reading an upload: %w", err)
		}
		plain, err := r.s.seal.Open(sealed[:0], r.s.nonce(r.n), sealed, nil)
		if err != nil {
			return 0, fmt.Errorf("collectweb: an upload was changed: %w", thimble.ErrConflict)
		}
		r.rest, r.left, r.n = plain, r.left-k, r.n+1
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *sealedReader) Close() error { return r.f.Close() }
