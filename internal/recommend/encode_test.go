package recommend

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"thimble"
)

func TestDecodedModelHasTheSameBytes(t *testing.T) {
	want := modelBytes(t, train(t, smallRecipe(), clusteredShop(200, 80, 4)))
	m, err := UnmarshalModel(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(modelBytes(t, m), want) || m.Hash() != sha256.Sum256(want) {
		t.Error("the bytes changed on the way")
	}
	if m.Recipe() != smallRecipe() || m.Stats().People != 200 {
		t.Errorf("recipe %v, stats %v", m.Recipe(), m.Stats())
	}
}

func TestDamagedModelIsRefused(t *testing.T) {
	good := modelBytes(t, train(t, smallRecipe(), clusteredShop(60, 40, 4)))
	for n := range good {
		if _, err := UnmarshalModel(good[:n]); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("cut to %d bytes: error = %v, want invalid", n, err)
		}
		flipped := bytes.Clone(good)
		flipped[n] ^= 1 << (n % 8)
		if _, err := UnmarshalModel(flipped); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("bit flipped in byte %d: error = %v, want invalid", n, err)
		}
	}
	if _, err := UnmarshalModel(append(bytes.Clone(good), 0)); err == nil {
		t.Error("a byte too many passed")
	}
}

// resealed returns a body with the digest that belongs to it, so that the fuzzer
// reaches what lies behind the digest.
func resealed(body []byte) []byte {
	digest := sha256.Sum256(body)
	return append(bytes.Clone(body), digest[:]...)
}

func FuzzUnmarshalModel(f *testing.F) {
	for _, d := range []*Dataset{NewDataset(nil), clusteredShop(20, 16, 4)} {
		b := modelBytes(f, train(f, smallRecipe(), d))
		f.Add(b[:len(b)-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, b := range [][]byte{body, resealed(body)} {
			m, err := UnmarshalModel(b)
			if err != nil {
				continue
			}
			if !bytes.Equal(modelBytes(t, m), b) {
				t.Error("a model was read from bytes that it does not write")
			}
			for _, id := range m.Items() {
				m.GoesWith(id, Query{})
				m.Neighbours(id)
			}
		}
	})
}

func TestRecipeIsRefusedOutsideItsBounds(t *testing.T) {
	for name, spoil := range map[string]func(*Recipe){
		"no neighbours":   func(r *Recipe) { r.K = 0 },
		"huge cap":        func(r *Recipe) { r.HistoryCap = 1 << 20 },
		"no ridge":        func(r *Recipe) { r.LambdaMilli = 0 },
		"no steps":        func(r *Recipe) { r.Steps = 0 },
		"negative prune":  func(r *Recipe) { r.PruneBelow = -1 },
		"growing weights": func(r *Recipe) { r.AlphaMilli = -1 },
	} {
		r := DefaultRecipe()
		spoil(&r)
		if _, err := Train(t.Context(), r, NewDataset(nil), nil); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: error = %v, want invalid", name, err)
		}
	}
	if DefaultRecipe().Hash() == smallRecipe().Hash() {
		t.Error("two recipes have one hash")
	}
}
