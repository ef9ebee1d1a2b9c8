package vault

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"testing"
)

type xaesVectors struct {
	Vectors []struct {
		Key        string `json:"key"`
		Nonce      string `json:"nonce_ascii"`
		Derived    string `json:"derived_key"`
		Plain      string `json:"plaintext_ascii"`
		AAD        string `json:"aad_ascii"`
		Ciphertext string `json:"ciphertext"`
	} `json:"vectors"`
	Accumulated map[string]string `json:"accumulated"`
}

func readVectors(t *testing.T) (v xaesVectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/xaes_256_gcm.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestXAESMatchesTheVectorsOfC2SP(t *testing.T) {
	for _, v := range readVectors(t).Vectors {
		key, _ := hex.DecodeString(v.Key)
		x, err := newXAES((*[32]byte)(key))
		if err != nil {
			t.Fatal(err)
		}
		if got := x.derive([]byte(v.Nonce)); hex.EncodeToString(got[:]) != v.Derived {
			t.Errorf("derived key = %x, want %s", got, v.Derived)
		}
		got, err := x.seal(nil, []byte(v.Nonce), []byte(v.Plain), []byte(v.AAD))
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(got[xaesNonce:]) != v.Ciphertext {
			t.Errorf("ciphertext = %x, want %s", got[xaesNonce:], v.Ciphertext)
		}
	}
}

func TestXAESMatchesTheAccumulatedVectors(t *testing.T) {
	v := readVectors(t)
	rounds, want := 10_000, v.Accumulated["10000"]
	if soak() {
		rounds, want = 1_000_000, v.Accumulated["1000000"]
	}
	rng, sum := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	variable := func() []byte {
		var n [1]byte
		io.ReadFull(rng, n[:])
		b := make([]byte, n[0])
		io.ReadFull(rng, b)
		return b
	}
	var key [32]byte
	nonce := make([]byte, xaesNonce)
	for range rounds {
		io.ReadFull(rng, key[:])
		io.ReadFull(rng, nonce)
		plain, aad := variable(), variable()
		x, err := newXAES(&key)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := x.seal(nil, nonce, plain, aad)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(sealed[xaesNonce:])
		if got, err := x.open(nil, sealed, aad); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opening what was sealed: %v", err)
		}
	}
	got := make([]byte, 32)
	io.ReadFull(sum, got)
	if hex.EncodeToString(got) != want {
		t.Errorf("after %d rounds: %x, want %s", rounds, got, want)
	}
}
