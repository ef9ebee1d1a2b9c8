package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"thimble"
)

// An Object is one sealed file of a set.
type Object struct {
	Name  string `json:"name"`  // SHA-256 of its bytes, and its file's name
	Size  int64  `json:"size"`  // of its bytes
	Plain string `json:"plain"` // SHA-256 of what is sealed in it
	Bytes int64  `json:"bytes"` // of what is sealed in it
}

// Recipients reads the age recipients that a set is sealed for, one a line or with blanks
// between.
func Recipients(text string) ([]age.Recipient, error) {
	all, err := age.ParseRecipients(strings.NewReader(strings.Join(strings.Fields(uncommented(text)), "\n")))
	if err != nil {
		return nil, fmt.Errorf("backup: age recipients, such as age1…, were expected: %w", thimble.ErrInvalid)
	}
	return all, nil
}

// Identities reads the age identities that open a set.
func Identities(text string) ([]age.Identity, error) {
	all, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("backup: age identities, such as AGE-SECRET-KEY-1…, were expected: %w", thimble.ErrInvalid)
	}
	return all, nil
}

func uncommented(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(l), "#") {
			b.WriteString(l)
		}
	}
	return b.String()
}

// counted hashes and counts what passes.
type counted struct {
	w    io.Writer
	sum  hash.Hash
	size int64
}

func count(w io.Writer) *counted { return &counted{w: w, sum: sha256.New()} }

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n]) //nolint:errcheck // a hash takes all it is given
	c.size += int64(n)
	return n, err
}

func (c *counted) hash() string { return hex.EncodeToString(c.sum.Sum(nil)) }

// Digest returns the hash and size of what write writes.
func Digest(write func(io.Writer) error) (plain string, size int64, err error) {
	c := count(io.Discard)
	err = write(c)
	return c.hash(), c.size, err
}

// put seals what write writes, for the recipients and with a key of its own, and keeps it
// durably under its hash. The key is an age identity.
func (s *Set) put(to []age.Recipient, write func(io.Writer) error) (o Object, key string, err error) {
	f, err := os.CreateTemp(s.path(objectsName), "*"+partSuffix)
	if err != nil {
		return o, "", keeping(err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after the rename there is nothing to remove
	own, err := age.GenerateX25519Identity()
	if err != nil {
		return o, "", errors.Join(err, f.Close())
	}
	file := count(f)
	plain, err := sealTo(file, to, own.Recipient(), write)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return o, "", keeping(err)
	}
	o = Object{Name: file.hash(), Size: file.size, Plain: plain.hash(), Bytes: plain.size}
	if err := os.Rename(f.Name(), s.object(o.Name)); err != nil {
		return o, "", keeping(err)
	}
	return o, own.String(), keeping(syncDir(s.path(objectsName)))
}

// sealTo writes age around age: the outer one opens to the operator's identities, the inner
// one to the object's key.
func sealTo(file io.Writer, to []age.Recipient, own age.Recipient, write func(io.Writer) error) (*counted, error) {
	outer, err := age.Encrypt(file, to...)
	if err != nil {
		return nil, err
	}
	inner, err := age.Encrypt(outer, own)
	if err != nil {
		return nil, err
	}
	plain := count(inner)
	if err := write(plain); err != nil {
		return plain, err
	}
	return plain, errors.Join(inner.Close(), outer.Close())
}

// Open writes what is sealed in an object, and checks every byte of it. After an error what
// was written is to be thrown away.
func (s *Set) Open(o Object, ids []age.Identity, key string, w io.Writer) error {
	err := s.open(o, ids, key, w)
	if err != nil {
		return fmt.Errorf("backup: object %s: %w", o.Name, err)
	}
	return nil
}

func (s *Set) open(o Object, ids []age.Identity, key string, w io.Writer) error {
	own, err := age.ParseX25519Identity(key)
	if err != nil {
		return ErrDamaged
	}
	f, err := os.Open(s.object(o.Name))
	if err != nil {
		return fmt.Errorf("it is not there: %w", thimble.ErrNotFound)
	}
	defer f.Close()
	file, plain := count(io.Discard), count(w)
	bytes := io.TeeReader(f, file)
	err = unseal(bytes, ids, own, plain)
	if _, rest := io.Copy(io.Discard, bytes); rest != nil && err == nil { // what age did not read
		err = fmt.Errorf("%w: %w", rest, thimble.ErrUnavailable)
	}
	switch {
	case errors.Is(err, errIdentity):
		if file.hash() != o.Name {
			return ErrDamaged // its header, perhaps
		}
		return err
	case err != nil && plain.failed(err):
		return err
	case err != nil || file.hash() != o.Name || file.size != o.Size || plain.hash() != o.Plain || plain.size != o.Bytes:
		return ErrDamaged
	}
	return nil
}

var errIdentity = fmt.Errorf("none of the identities opens it (%w)", thimble.ErrDenied)

func unseal(r io.Reader, ids []age.Identity, own age.Identity, w *counted) error {
	outer, err := age.Decrypt(r, ids...)
	if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
		return errIdentity
	}
	if err != nil {
		return err
	}
	inner, err := age.Decrypt(outer, own)
	if err != nil {
		return err
	}
	_, err = io.Copy(writing{w}, inner)
	if err == nil {
		_, err = io.Copy(io.Discard, outer)
	}
	return err
}

// writing marks what went wrong where an object is written to: a full disk is no damage.
type writing struct{ w *counted }

type writeError struct{ error }

// Unwrap returns what the disk said.
func (e writeError) Unwrap() error { return e.error }

func (w writing) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		err = writeError{err}
	}
	return n, err
}

func (c *counted) failed(err error) bool {
	_, ok := errors.AsType[writeError](err)
	return ok
}

// whole reports whether an object's file has the bytes of its name.
func (s *Set) whole(o Object) error {
	f, err := os.Open(s.object(o.Name))
	if err != nil {
		return fmt.Errorf("backup: object %s is not there: %w", o.Name, thimble.ErrNotFound)
	}
	defer f.Close()
	c := count(io.Discard)
	if _, err := io.Copy(c, f); err != nil {
		return fmt.Errorf("backup: object %s cannot be read: %w: %w", o.Name, err, thimble.ErrUnavailable)
	}
	if c.hash() != o.Name || c.size != o.Size {
		return fmt.Errorf("backup: object %s: %w", o.Name, ErrDamaged)
	}
	return nil
}

func (s *Set) path(name ...string) string { return filepath.Join(append([]string{s.dir}, name...)...) }

func (s *Set) object(name string) string { return s.path(objectsName, name) }
