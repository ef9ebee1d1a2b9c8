package ledger

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A Receipt proves that an entry is in the log. Its text is one file in the
// format c2sp.org/tlog-proof@v1 with the opening in the extra line:
//
//	c2sp.org/tlog-proof@v1
//	extra <base64 of leaf, salt, record>
//	index <number of the leaf>
//	<base64 hash> …
//
//	<origin>
//	<tree size>
//	<base64 root>
//
//	— <origin> <base64 of key id and signature>
//	— <witness> <base64 of key id, time and cosignature> …
//
// Cosignatures may be missing. They stand in ascending order.
//
// It contains the record, and so belongs to the person the record is about.
//
// The receipt of an entry in a batch is two: the proof in the batch, and below it, as
// above, the receipt of the batch's root:
//
//	thimble/batch-proof@v1
//	extra <base64 of leaf, salt, record>
//	index <number of the leaf in the batch>
//	<base64 hash> …
//
//	c2sp.org/tlog-proof@v1
//	…
type Receipt struct {
	Opening Opening
	Index   int64
	Proof   tlog.RecordProof
	Note    []byte // the signed checkpoint, verbatim
}

const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	dash        = "— "
	// maxReceipt bounds what ParseReceipt looks at: a record, sixty-odd hashes, a note.
	maxReceipt = (LeafSize+SaltSize+MaxRecord)*4/3 + 24576
)

// MarshalText writes the receipt as a file.
func (r *Receipt) MarshalText() ([]byte, error) {
	if r.Opening.Batch != nil {
		head, err := r.batchHead()
		if err != nil {
			return nil, err
		}
		root, err := r.Rooted().MarshalText()
		return append(head, root...), err
	}
	extra, err := r.Opening.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return r.text("extra " + encode64(extra) + "\n"), nil
}

// Bare writes the proof without the opening: that some leaf is in the log, and not what
// it says. It belongs to nobody.
func (r *Receipt) Bare() []byte { return r.text("") }

func (r *Receipt) text(extra string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%sindex %d\n", proofHeader, extra, r.Index)
	for _, h := range r.Proof {
		b.WriteString(encode64(h[:]) + "\n")
	}
	b.WriteByte('\n')
	b.Write(r.Note)
	return b.Bytes()
}

// ParseReceipt reads a receipt's form without believing it: see [Verify]. It is
// strict, so that ParseReceipt(text) succeeds for exactly one text per receipt.
// The error is ErrForm.
func ParseReceipt(text []byte) (*Receipt, error) {
	if len(text) > maxReceipt {
		return nil, fmt.Errorf("%w: the file is longer than any receipt", ErrForm)
	}
	if strings.HasPrefix(string(text), batchHeader) {
		return parseBatch(string(text))
	}
	proof, signed, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return nil, fmt.Errorf("%w: the file does not begin like a receipt", ErrForm)
	}
	r := &Receipt{Note: []byte(signed)}
	if err := r.parseProof(strings.Split(proof, "\n"), proofHeader); err != nil {
		return nil, err
	}
	if _, _, err := r.head(); err != nil {
		return nil, err
	}
	return r, nil
}

// parseProof reads the lines of a proof: header, opening, index, hashes.
func (r *Receipt) parseProof(lines []string, header string) error {
	if len(lines) < 3 || lines[0] != header {
		return fmt.Errorf("%w: the file does not begin like a receipt", ErrForm)
	}
	if err := r.parseExtra(lines[1]); err != nil {
		return fmt.Errorf("%w: the extra line: %w", ErrForm, err)
	}
	index, ok := strings.CutPrefix(lines[2], "index ")
	var err error
	if r.Index, err = parseNumber(index); !ok || err != nil {
		return fmt.Errorf("%w: the index line", ErrForm)
	}
	for i, line := range lines[3:] {
		h, err := decode64(line)
		if err != nil || len(h) != tlog.HashSize {
			return fmt.Errorf("%w: line %d is not a hash", ErrForm, i+4)
		}
		r.Proof = append(r.Proof, tlog.Hash(h))
	}
	return nil
}

func (r *Receipt) parseExtra(line string) error {
	extra, ok := strings.CutPrefix(line, "extra ")
	if !ok {
		return invalid("it is missing")
	}
	b, err := decode64(extra)
	if err != nil {
		return err
	}
	return r.Opening.UnmarshalBinary(b)
}

// head reads the checkpoint: first one signature in the log's name, then at most
// sixteen lines that have the form of cosignatures, in ascending order, all in
// canonical base64. signed-note would have a verifier ignore other lines; in a
// receipt they would be bytes that anyone may change.
func (r *Receipt) head() (Checkpoint, []sigLine, error) {
	text, sigs, ok := strings.Cut(string(r.Note), "\n\n")
	if !ok {
		return Checkpoint{}, nil, fmt.Errorf("%w: the checkpoint is not signed", ErrForm)
	}
	c, err := parseHead(text + "\n")
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c.Note = r.Note
	own, rest, ok1 := strings.Cut(sigs, "\n")
	sig, ok2 := strings.CutPrefix(own, dash+c.Origin+" ")
	if b, err := decode64(sig); !ok1 || !ok2 || err != nil || len(b) != 4+64 {
		return Checkpoint{}, nil, fmt.Errorf("%w: one signature in the name of the log was expected", ErrForm)
	}
	var lines []sigLine
	for text := range strings.Lines(rest) {
		l, err := parseSigLine(text)
		if n := len(lines); err != nil || n == maxCosignatures || n > 0 && lines[n-1].text >= text {
			return Checkpoint{}, nil, fmt.Errorf("%w: at most %d cosignatures in ascending order were expected", ErrForm, maxCosignatures)
		}
		lines = append(lines, l)
	}
	return c, lines, nil
}
