package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"thimble"
)

// A Lock is what opens the file of a [NewFileRoot]: a passphrase or an age identity.
type Lock struct {
	identity  func() (age.Identity, error)
	recipient func() (age.Recipient, error)
}

// Passphrase locks the file with scrypt. Opening takes about a second and 256 MiB.
func Passphrase(words string) Lock { return passphrase(words, 18) }

func passphrase(words string, logN int) Lock {
	return Lock{
		identity: func() (age.Identity, error) { return age.NewScryptIdentity(words) },
		recipient: func() (age.Recipient, error) {
			r, err := age.NewScryptRecipient(words)
			if err == nil {
				r.SetWorkFactor(logN)
			}
			return r, err
		},
	}
}

// IdentityFile locks the file with the age X25519 identity in another file, which is
// made when missing. Keep the two in different places.
func IdentityFile(path string) Lock {
	load := func() (*age.X25519Identity, error) { return identityFile(path) }
	return Lock{
		identity: func() (age.Identity, error) { return load() },
		recipient: func() (age.Recipient, error) {
			id, err := load()
			if err != nil {
				return nil, err
			}
			return id.Recipient(), nil
		},
	}
}

func identityFile(path string) (*age.X25519Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		if err := createFile(path, []byte(id.String()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		text, err = os.ReadFile(path)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("an age identity was expected: %w", thimble.ErrInvalid)
	}
	if id, ok := ids[0].(*age.X25519Identity); ok {
		return id, nil
	}
	return nil, fmt.Errorf("an age identity of kind X25519 was expected: %w", thimble.ErrInvalid)
}

const rootMagic = "thimble root 1\n"

// fileRoot is a key in an age file: "thimble root 1\n" and 32 random bytes. What it
// wraps is XAES-256-GCM: nonce, ciphertext, tag.
type fileRoot struct {
	x    *xaes
	rand io.Reader
}

// NewFileRoot opens the root in a sealed file, and makes the file (mode 0600,
// durable) when it is missing. Recovery recipients, such as an identity kept in a
// safe, can open it too; age allows none beside a passphrase. The error of a file
// that the lock does not open is of kind thimble.ErrDenied.
//
// A root that was made because the old file is lost opens nothing: [Vault.Init] tells.
func NewFileRoot(path string, lock Lock, recovery ...age.Recipient) (Root, error) {
	root, err := newFileRoot(path, lock, recovery)
	if err != nil {
		return nil, fmt.Errorf("vault: root in file %s: %w", filepath.Base(path), err)
	}
	return root, nil
}

func newFileRoot(path string, lock Lock, recovery []age.Recipient) (*fileRoot, error) {
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeRoot(path, lock, recovery); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		sealed, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	identity, err := lock.identity()
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if err != nil {
		return nil, fmt.Errorf("the lock does not open it: %w", thimble.ErrDenied)
	}
	plain, err := io.ReadAll(r)
	defer clear(plain)
	key, ok := bytes.CutPrefix(plain, []byte(rootMagic))
	if err != nil || !ok || len(key) != 32 {
		return nil, fmt.Errorf("it is damaged: %w", thimble.ErrDenied)
	}
	x, err := newXAES((*[32]byte)(key))
	return &fileRoot{x: x, rand: rand.Reader}, err
}

func makeRoot(path string, lock Lock, recovery []age.Recipient) error {
	recipient, err := lock.recipient()
	if err != nil {
		return err
	}
	plain := make([]byte, len(rootMagic)+32)
	defer clear(plain)
	copy(plain, rootMagic)
	if _, err := rand.Read(plain[len(rootMagic):]); err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, append([]age.Recipient{recipient}, recovery...)...)
	if err != nil {
		return err
	}
	if _, err := w.Write(plain); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return createFile(path, sealed.Bytes())
}

func (f *fileRoot) Wrap(_ context.Context, plain, aad []byte) ([]byte, error) {
	var nonce [xaesNonce]byte
	if _, err := io.ReadFull(f.rand, nonce[:]); err != nil {
		return nil, err
	}
	return f.x.seal(nil, nonce[:], plain, aad)
}

func (f *fileRoot) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	plain, err := f.x.open(nil, wrapped, aad)
	if err != nil {
		return nil, fmt.Errorf("vault: the file's key did not wrap this: %w", thimble.ErrDenied)
	}
	return plain, nil
}

// createFile writes a file that must not exist, with mode 0600: wholly and durably
// or not at all.
func createFile(path string, data []byte) error {
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil { // unlike rename, refuses to replace
		return err
	}
	return syncDir(filepath.Dir(path))
}

// replaceFile does the same with a file that may exist.
func replaceFile(path string, data []byte) error {
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(filepath.Dir(path))
}

// tempPrefix begins the names of files that are not whole yet.
const tempPrefix = ".new-"

func writeTemp(path string, data []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
