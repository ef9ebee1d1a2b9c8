package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// A line is one line of the text.
type line struct {
	no   int64
	text []byte // valid until the next one is read
	flaw Flaw
}

// lines cuts a text into lines, of which some may be looked at before they are taken.
type lines struct {
	in    *bufio.Reader
	no    int64  // of the last line taken
	ahead []line // read but not taken
}

func newLines(text io.Reader) lines { return lines{in: bufio.NewReaderSize(text, MaxLine)} }

// peek returns the i-th line ahead.
func (r *lines) peek(i int) (line, error) {
	for len(r.ahead) <= i {
		last := r.no
		if n := len(r.ahead); n > 0 {
			last = r.ahead[n-1].no
		}
		l, err := r.read(last + 1)
		if err != nil {
			return line{}, err
		}
		l.text = slices.Clone(l.text)
		r.ahead = append(r.ahead, l)
	}
	return r.ahead[i], nil
}

// take returns the next line. The error is io.EOF at the end, or the source's own.
func (r *lines) take() (l line, err error) {
	if len(r.ahead) > 0 {
		l, r.ahead = r.ahead[0], r.ahead[1:]
	} else if l, err = r.read(r.no + 1); err != nil {
		return l, err
	}
	r.no = l.no
	return l, nil
}

// drop forgets n lines ahead.
func (r *lines) drop(n int) {
	if n > 0 {
		r.no = r.ahead[n-1].no
		r.ahead = r.ahead[n:]
	}
}

// read reads one line of the text; the last may lack its end.
func (r *lines) read(no int64) (line, error) {
	text, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return line{no: no, flaw: LineTooLong}, r.skip()
	case errors.Is(err, io.EOF) && len(text) > 0:
		text = append(slices.Clone(text), '\n')
	case err != nil:
		return line{}, err
	}
	return line{no: no, text: text, flaw: flawOf(text)}, nil
}

func (r *lines) skip() error {
	for {
		_, err := r.in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil // the next read says so again
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func flawOf(text []byte) Flaw {
	if !utf8.Valid(text) {
		return BadEncoding
	}
	for _, b := range text {
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' || b == 0x7f {
			return ControlChar
		}
	}
	return ""
}

func blank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }
