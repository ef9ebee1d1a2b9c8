package table

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings. Latin-1 is read as Windows-1252, which has the same letters and more,
// as browsers do (WHATWG Encoding).
const (
	UTF8        = "utf-8"
	UTF16LE     = "utf-16le"
	UTF16BE     = "utf-16be"
	Windows1252 = "windows-1252"
)

// Encodings lists those that are understood.
func Encodings() []string { return []string{UTF8, UTF16LE, UTF16BE, Windows1252} }

var marks = map[string]string{UTF8: "\ufeff", UTF16LE: "\xff\xfe", UTF16BE: "\xfe\xff"}

// encodingOf finds out the encoding: by its mark, by where zeros are, by what is no
// UTF-8.
func encodingOf(head []byte) string {
	for _, e := range Encodings() {
		if m := marks[e]; m != "" && bytes.HasPrefix(head, []byte(m)) {
			return e
		}
	}
	var zeros [2]int
	for i, b := range head[:len(head)&^1] {
		if b == 0 {
			zeros[i&1]++
		}
	}
	switch half := len(head) / 2; {
	case half > 8 && zeros[1] > half/2 && zeros[0] == 0:
		return UTF16LE
	case half > 8 && zeros[0] > half/2 && zeros[1] == 0:
		return UTF16BE
	case likelyUTF8(head):
		return UTF8
	}
	return Windows1252
}

func decoderOf(name string) *encoding.Decoder {
	switch name {
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	case Windows1252:
		return charmap.Windows1252.NewDecoder()
	}
	return nil
}

// Decode returns a text in UTF-8 without byte order mark. What is no UTF-8 although it
// should be comes through as it is: the record it is in has to say so.
func Decode(r io.Reader, name string) io.Reader {
	if d := decoderOf(name); d != nil {
		return &markless{r: transform.NewReader(r, d)}
	}
	return &markless{r: r}
}

// decoded is Decode of the beginning of a text.
func decoded(head []byte, name string) []byte {
	b, _ := io.ReadAll(Decode(bytes.NewReader(head), name)) // a character that is cut comes out as U+FFFD
	return b
}

// markless takes a byte order mark off.
type markless struct {
	r     io.Reader
	ahead []byte
	begun bool
}

func (m *markless) Read(p []byte) (int, error) {
	if !m.begun {
		m.begun = true
		head := make([]byte, len(marks[UTF8]))
		n, err := io.ReadFull(m.r, head)
		if m.ahead = head[:n]; string(m.ahead) == marks[UTF8] {
			m.ahead = nil
		}
		if err != nil && n == 0 {
			return 0, err
		}
	}
	if len(m.ahead) > 0 {
		n := copy(p, m.ahead)
		m.ahead = m.ahead[n:]
		return n, nil
	}
	return m.r.Read(p)
}
