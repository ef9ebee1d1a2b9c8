package collect

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

const (
	maxLine = 1 << 16 // bytes
	// maxJoin is how many lines a quoted field may span. It bounds what a
	// forgotten quotation mark can swallow.
	maxJoin = 8
)

// A line is one line of the text.
type line struct {
	no   int64
	text []byte // valid until the next one is read
	flaw Reason
}

// A recordReader cuts a text into records and says which lines are none. Records
// without quotation marks are one line; a mark that is not closed costs its own
// line only, where encoding/csv alone would swallow the rest of the file.
type recordReader struct {
	in      *bufio.Reader
	no      int64  // of the last line taken
	ahead   []line // read but not taken
	columns int    // 0: not known yet
	feed    feed
	buf     *bufio.Reader
	csv     *csv.Reader
}

// A feed gives the CSV reader one record's bytes at a time.
type feed struct{ rest []byte }

func (f *feed) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func newRecordReader(text io.Reader) *recordReader {
	r := &recordReader{in: bufio.NewReaderSize(text, maxLine)}
	// encoding/csv uses a buffered reader of this size as it is, so that what it
	// read too far can be thrown away after an error.
	r.buf = bufio.NewReaderSize(&r.feed, maxLine)
	r.csv = csv.NewReader(r.buf)
	r.csv.FieldsPerRecord = -1
	r.csv.ReuseRecord = true
	return r
}

// next returns the next record and its line, or the reason why the line has none.
// The error is io.EOF at the end, or the source's own. The fields are valid until
// the next call.
func (r *recordReader) next() (fields []string, no int64, flaw Reason, err error) {
	for {
		l, err := r.take()
		if err != nil {
			return nil, r.no, "", err
		}
		r.no = l.no
		if l.flaw != "" {
			return nil, l.no, l.flaw, nil
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		if bytes.Count(l.text, []byte{'"'})%2 == 1 {
			fields, flaw, err = r.join(l)
			return fields, l.no, flaw, err
		}
		fields, flaw = r.parse(l.text)
		return fields, l.no, flaw, nil
	}
}

func (r *recordReader) parse(text []byte) ([]string, Reason) {
	r.feed.rest = text
	fields, err := r.csv.Read()
	if err != nil {
		r.drop()
		return nil, BadQuotes
	}
	if r.columns == 0 {
		r.columns = len(fields)
	}
	if len(fields) != r.columns {
		r.drop()
		return nil, BadColumns
	}
	return fields, ""
}

// drop throws away what the CSV reader has not consumed.
func (r *recordReader) drop() {
	r.feed.rest = nil
	r.buf.Reset(&r.feed)
}

// join looks for the lines that close an open quotation mark.
func (r *recordReader) join(first line) ([]string, Reason, error) {
	text := slices.Clone(first.text)
	for i := range maxJoin - 1 {
		l, err := r.peek(i)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", err
		}
		if l.flaw != "" {
			break
		}
		text = append(text, l.text...)
		if bytes.Count(l.text, []byte{'"'})%2 == 0 {
			continue
		}
		if len(text) > maxLine {
			break
		}
		if fields, flaw := r.parse(text); flaw == "" {
			r.no = l.no
			r.ahead = r.ahead[i+1:]
			return fields, "", nil
		}
		break
	}
	return nil, BadQuotes, nil
}

// peek returns the i-th line ahead.
func (r *recordReader) peek(i int) (line, error) {
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

func (r *recordReader) take() (line, error) {
	if len(r.ahead) > 0 {
		l := r.ahead[0]
		r.ahead = r.ahead[1:]
		return l, nil
	}
	return r.read(r.no + 1)
}

// read reads one line of the text; the last may lack its end.
func (r *recordReader) read(no int64) (line, error) {
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

func (r *recordReader) skip() error {
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

func flawOf(text []byte) Reason {
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
