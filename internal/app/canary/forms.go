package canary

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// A needle is one way in which a string may lie in a file.
type needle struct {
	bytes []byte
	form  string
	text  int // number of the string; -1 for a keyed hash
}

// shortest is how long a needle is at least, in bytes: what is looked up at each place.
const shortest = 8

// needlesOf are all ways in which a value may lie in a file.
func needlesOf(n int, value string) (all []needle) {
	add := func(form string, b []byte) {
		if len(b) >= shortest {
			all = append(all, needle{b, form, n})
		}
	}
	v := []byte(value)
	add("raw", v)
	if upper := strings.ToUpper(value); upper != value {
		add("upper case", []byte(upper))
	}
	add("reversed", reversed(v))
	for _, hexed := range []string{hex.EncodeToString(v), strings.ToUpper(hex.EncodeToString(v))} {
		add("hex", []byte(hexed))
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var wide []byte
		for _, u := range utf16.Encode([]rune(value)) {
			wide = order.AppendUint16(wide, u)
		}
		add("UTF-16", wide)
	}
	if escaped := url.QueryEscape(value); escaped != value {
		add("percent", []byte(escaped))
	}
	var percent, unicode strings.Builder
	for _, c := range v {
		fmt.Fprintf(&percent, "%%%02X", c)
		fmt.Fprintf(&unicode, `\u%04x`, c)
	}
	add("percent", []byte(percent.String()))
	add("JSON escapes", []byte(unicode.String()))
	for _, b := range base64Of(v) {
		add("base64", b)
	}
	sum := sha256.Sum256(v)
	add("SHA-256", sum[:])
	add("SHA-256", []byte(hex.EncodeToString(sum[:])))
	add("SHA-256", []byte(strings.ToUpper(hex.EncodeToString(sum[:]))))
	for _, b := range base64Of(sum[:]) {
		add("SHA-256", b)
	}
	return all
}

// base64Of is what a value gives in base64 whatever stands before and after it: at each
// offset the letters that depend on nothing else, in both alphabets.
func base64Of(v []byte) (all [][]byte) {
	seen := map[string]bool{}
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			text := alphabet.EncodeToString(append(make([]byte, offset), v...))
			first := (offset*8 + 5) / 6       // letters that depend on what is before
			last := (offset + len(v)) * 8 / 6 // and those after it on what follows
			if part := text[first:last]; !seen[part] {
				seen[part] = true
				all = append(all, []byte(part))
			}
		}
	}
	return all
}

func reversed(v []byte) []byte {
	b := make([]byte, len(v))
	for i, c := range v {
		b[len(v)-1-i] = c
	}
	return b
}
