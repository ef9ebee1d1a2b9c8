package canary

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const seed = 20261130

// planted hides a value in random bytes, at a random place.
func planted(chance *rand.Rand, b []byte) []byte {
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(chance.Uint32())
	}
	at := chance.IntN(len(noise))
	return append(append(append([]byte{}, noise[:at]...), b...), noise[at:]...)
}

func TestAStringIsFoundInEveryForm(t *testing.T) {
	chance := rand.New(rand.NewPCG(seed, 1))
	var all texts
	for range 300 {
		all.word("a page")
	}
	value := all.email("a file")
	for range 300 {
		all.word("an event")
	}
	sum := sha256.Sum256([]byte(value))
	wide := func(text string) (b []byte) {
		for _, u := range utf16.Encode([]rune(text)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return b
	}
	pack := func(to func(io.Writer) io.WriteCloser, b []byte) []byte {
		var out bytes.Buffer
		w := to(&out)
		_, err := w.Write(b)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	zipped := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	zlibbed := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	quoted, err := json.Marshal(map[string]string{"email": value})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"raw": []byte(value), "upper case": []byte(strings.ToUpper(value)), "JSON": quoted, "hex": []byte(hex.EncodeToString([]byte(value))),
		"base64": []byte(base64.StdEncoding.EncodeToString([]byte("x" + value + "yy"))), "base64 of a URL": []byte(base64.RawURLEncoding.EncodeToString([]byte("xx" + value))),
		"base64 at the start": []byte(base64.StdEncoding.EncodeToString([]byte(value + "?"))), "UTF-16": wide(value), "percent": []byte(url.QueryEscape(value)),
		"SHA-256": sum[:], "SHA-256 in hex": []byte(hex.EncodeToString(sum[:])), "SHA-256 in base64": []byte(base64.StdEncoding.EncodeToString(sum[:])),
		"gzip": pack(zipped, []byte("before "+value+" after")), "zlib": pack(zlibbed, []byte(value)), "base64 in gzip in gzip": pack(zipped, pack(zipped, []byte(base64.StdEncoding.EncodeToString([]byte(value))))),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "core.db"), planted(chance, b), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newScanner(all.all, nil)
		if err := s.folder(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if len(s.Hits) == 0 || s.Hits[0].File != "core.db" {
			t.Errorf("%s: it is not found (seed %d)", name, seed)
		}
	}
}

func TestNothingIsFoundInNoise(t *testing.T) {
	chance := rand.New(rand.NewPCG(seed, 2))
	var all texts
	for range 1000 {
		all.word("a page")
	}
	s := newScanner(all.all, [][]byte{bytes.Repeat([]byte{7}, 16)})
	for range 200 {
		s.look("noise", planted(chance, []byte("zqzqzqzqzqzqzqzq")), 0)
	}
	if len(s.Hits) > 0 {
		t.Errorf("%d hits in noise (seed %d): %+v", len(s.Hits), seed, s.Hits[0])
	}
	s.look("index", bytes.Repeat([]byte{7}, 16), 0)
	if len(s.Hits) != 1 || s.Hits[0].Form != "keyed hash" {
		t.Errorf("a keyed hash: %+v", s.Hits)
	}
}

func TestTheNameOfAFileCounts(t *testing.T) {
	var all texts
	name := all.word("an upload")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name+".csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newScanner(all.all, nil)
	if err := s.folder(t.Context(), dir); err != nil || len(s.Hits) != 1 {
		t.Errorf("%d hits, %v", len(s.Hits), err)
	}
}
