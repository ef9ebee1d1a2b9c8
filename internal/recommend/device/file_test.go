package device_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/recommend/device"
	"thimble/internal/registry"
)

var made = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

func head(k device.Kind) device.Head {
	h := device.Head{Kind: k, Made: made, Until: made.Add(24 * time.Hour), Statement: "Made from the fields of the catalogue. No person is in it.", Currency: "GBP"}
	if k == device.Content {
		h.Fields = []string{"category", "name", "price"}
	}
	return h
}

// random is a file of n items with random rows.
func random(t testing.TB, seed uint64, k device.Kind, n int) *device.File {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var items []device.Item
	for i := range n {
		items = append(items, device.Item{ID: thimble.ItemID(fmt.Sprintf("ITEM-%04d", i)), Name: fmt.Sprintf("Item no. %d", i), Category: []string{"", "mugs", "bags"}[i%3], Price: int64(i) * 7})
	}
	rows := device.Rows(items, device.Width, func(thimble.ItemID) (all []device.Neighbour) {
		for range r.IntN(40) {
			one := device.Neighbour{Item: items[r.IntN(n)].ID, Weight: r.Float64()}
			if k == device.Content {
				one.Fields = uint8(1 + r.IntN(7))
			} else {
				one.Weight -= 0.2
			}
			all = append(all, one)
		}
		return all
	})
	f, err := device.New(head(k), items, rows)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func signer(t testing.TB) *device.Signer {
	t.Helper()
	s, err := device.NewSigner(bytes.Repeat([]byte{7}, registry.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signed(t testing.TB, f *device.File) []byte {
	t.Helper()
	b, err := signer(t).Sign(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFileComesBackAsItWas(t *testing.T) {
	for _, k := range []device.Kind{device.Content, device.Noised, device.Counted} {
		f := random(t, 1, k, 200)
		b := signed(t, f)
		if again := signed(t, f); !bytes.Equal(b, again) {
			t.Errorf("%v: the same file has two forms", k)
		}
		got, err := device.Open(b, signer(t).Key(), made)
		if err != nil {
			t.Fatalf("%v: %v", k, err)
		}
		if diff := cmp.Diff(f.Head, got.Head); diff != "" {
			t.Errorf("%v: the head: %s", k, diff)
		}
		if !slices.Equal(f.Items(), got.Items()) || f.Cells() != got.Cells() || f.Cells() == 0 {
			t.Errorf("%v: %d cells of %d items came back as %d of %d", k, f.Cells(), len(f.Items()), got.Cells(), len(got.Items()))
		}
		history := []thimble.ItemID{"ITEM-0003", "ITEM-0077", "ITEM-0150"}
		if diff := cmp.Diff(f.Rank(history, 20), got.Rank(history, 20)); diff != "" {
			t.Errorf("%v: the list: %s", k, diff)
		}
	}
}

func TestAFileThatWasChangedIsRefused(t *testing.T) {
	b := signed(t, random(t, 1, device.Content, 20))
	key := signer(t).Key()
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := device.Open(bad, key, made); !errors.Is(err, thimble.ErrDenied) {
			t.Fatalf("with byte %d changed: %v, want a denial", i, err)
		}
	}
	for _, n := range []int{0, 1, 70, len(b) - 1} {
		if _, err := device.Open(b[:n], key, made); err == nil {
			t.Errorf("cut to %d bytes it was opened", n)
		}
	}
	other, err := device.NewSigner(bytes.Repeat([]byte{8}, registry.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := device.Open(b, other.Key(), made); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("by another key: %v, want a denial", err)
	}
}

func TestAFileThatHasRunOutIsRefused(t *testing.T) {
	b := signed(t, random(t, 1, device.Content, 20))
	if _, err := device.Open(b, signer(t).Key(), made.Add(24*time.Hour)); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("after its end: %v, want a denial", err)
	}
	h := head(device.Counted)
	h.Until = made.Add(device.CountedLife + time.Second)
	if _, err := device.New(h, nil, nil); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("without noise and valid for more than a day: %v, want it refused", err)
	}
}

func TestTheSharesOfAListSumToTheScore(t *testing.T) {
	for seed := range uint64(50) {
		f := random(t, seed, device.Kind(1+seed%3), 100)
		r := rand.New(rand.NewPCG(seed, 2))
		var history []thimble.ItemID
		for range r.IntN(30) {
			history = append(history, f.Items()[r.IntN(100)].ID, "unknown")
		}
		list := f.Rank(history, 20)
		for i, e := range list {
			sum := int64(0)
			for _, term := range e.Terms {
				sum += term.Share
				if f.Kind == device.Content && len(term.Fields) == 0 {
					t.Errorf("seed %d: a share of a content model says not why", seed)
				}
			}
			if sum != e.Score || e.Score <= 0 || slices.Contains(history, e.Item) {
				t.Errorf("seed %d: entry %d: score %d, shares %d, in the history %v", seed, i, e.Score, sum, slices.Contains(history, e.Item))
			}
		}
	}
}

func FuzzAFile(f *testing.F) {
	for seed, k := range []device.Kind{device.Content, device.Noised, device.Counted} {
		b := signed(f, random(f, uint64(seed), k, 30))
		f.Add(b[:len(b)-64])
	}
	s := signer(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := device.Parse(b)
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("the error is of another kind: %v", err)
			}
			return
		}
		again, err := s.Sign(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again[:len(again)-64], b) {
			t.Error("a file has two forms")
		}
	})
}
