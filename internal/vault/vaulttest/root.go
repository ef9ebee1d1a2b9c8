package vaulttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/vault"
)

// A RootCase is a root on trial. Those of the functions below Other that make no
// sense for a kind of root are nil; each returns what undoes it, or nil.
type RootCase struct {
	Open    func(t *testing.T) vault.Root // a new handle on the root
	Other   func(t *testing.T) vault.Root // another root of the kind
	Outage  func(t *testing.T) (undo func())
	Slow    func(t *testing.T) (undo func()) // answers after seconds
	Rotate  func(t *testing.T) (undo func()) // a new version of the key; the old one still opens
	Destroy func(t *testing.T) (undo func())
}

var background = context.Background()

// TestRoot is the suite that every kind of root passes.
func TestRoot(t *testing.T, start func(t *testing.T) RootCase) {
	t.Run("what is wrapped opens, also after a restart", func(t *testing.T) {
		c := start(t)
		plain, wrapped := c.wrap(t)
		if bytes.Contains(wrapped, plain) {
			t.Error("the wrapping shows the key")
		}
		for range 2 {
			wantUnwraps(t, c.Open(t), plain, wrapped)
		}
		if _, again := c.wrap(t); bytes.Equal(again, wrapped) {
			t.Error("two wrappings are the same")
		}
	})
	t.Run("other associated data, another root or a changed bit is denied", func(t *testing.T) {
		c := start(t)
		_, wrapped := c.wrap(t)
		root := c.Open(t)
		_, err := root.Unwrap(background, wrapped, []byte("other"))
		wantKind(t, "other associated data", err, thimble.ErrDenied)
		_, err = root.Unwrap(background, wrapped, nil)
		wantKind(t, "no associated data", err, thimble.ErrDenied)
		_, err = c.Other(t).Unwrap(background, wrapped, aad)
		wantKind(t, "another root", err, thimble.ErrDenied)
		for i := 0; i < len(wrapped); i += 1 + len(wrapped)/40 { // each costs an exec plug-in a process
			changed := bytes.Clone(wrapped)
			changed[i] ^= 1 << (i % 8)
			if got, err := root.Unwrap(background, changed, aad); err == nil {
				t.Errorf("byte %d changed: opened, %d bytes", i, len(got))
			} else {
				wantKind(t, "a changed byte", err, thimble.ErrDenied)
			}
		}
		for _, cut := range [][]byte{nil, wrapped[:1], wrapped[:len(wrapped)/2], wrapped[:len(wrapped)-1]} {
			_, err := root.Unwrap(background, cut, aad)
			wantKind(t, "a cut wrapping", err, thimble.ErrDenied)
		}
	})
	c := start(t)
	trouble(t, "an outage is unavailable and passes", c, c.Outage, thimble.ErrUnavailable)
	trouble(t, "a destroyed key is denied", c, c.Destroy, thimble.ErrDenied)
	t.Run("a slow answer ends with the context", func(t *testing.T) { testSlow(t, start(t)) })
	t.Run("a rotated root opens what it wrapped before", func(t *testing.T) { testRotated(t, start(t)) })
}

var aad = []byte("thimble epoch 1")

func (c RootCase) wrap(t *testing.T) (plain, wrapped []byte) {
	t.Helper()
	plain = make([]byte, 32)
	rand.Read(plain)
	wrapped, err := c.Open(t).Wrap(background, plain, aad)
	if err != nil {
		t.Fatal(err)
	}
	return plain, wrapped
}

func wantUnwraps(t *testing.T, root vault.Root, plain, wrapped []byte) {
	t.Helper()
	got, err := root.Unwrap(background, wrapped, aad)
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("unwrapping: %d bytes, %v, want the %d that were wrapped", len(got), err, len(plain))
	}
}

func wantKind(t *testing.T, doing string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want kind %q", doing, err, kind)
	}
}

func trouble(t *testing.T, name string, c RootCase, begin func(*testing.T) func(), kind error) {
	t.Run(name, func(t *testing.T) {
		if begin == nil {
			t.Skip("it cannot happen to this kind of root")
		}
		plain, wrapped := c.wrap(t)
		root := c.Open(t)
		undo := begin(t)
		_, err := root.Unwrap(background, wrapped, aad)
		wantKind(t, "unwrapping", err, kind)
		_, err = root.Wrap(background, plain, aad)
		wantKind(t, "wrapping", err, kind)
		if undo != nil {
			undo()
			wantUnwraps(t, root, plain, wrapped)
		}
	})
}

func testSlow(t *testing.T, c RootCase) {
	if c.Slow == nil {
		t.Skip("it cannot happen to this kind of root")
	}
	plain, wrapped := c.wrap(t)
	undo := c.Slow(t)
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := c.Open(t).Unwrap(ctx, wrapped, aad)
	wantKind(t, "unwrapping", err, thimble.ErrUnavailable)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("giving up took %s after a deadline of 50 ms", took)
	}
	if undo != nil {
		undo()
		wantUnwraps(t, c.Open(t), plain, wrapped)
	}
}

func testRotated(t *testing.T, c RootCase) {
	if c.Rotate == nil {
		t.Skip("it cannot happen to this kind of root")
	}
	plain, wrapped := c.wrap(t)
	c.Rotate(t)
	wantUnwraps(t, c.Open(t), plain, wrapped)
	plain, wrapped = c.wrap(t)
	wantUnwraps(t, c.Open(t), plain, wrapped)
}
