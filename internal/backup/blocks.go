package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"thimble"
)

// BlockSize is how much of a file is compared at once: a page of the database.
const BlockSize = 4096

// Blocks are the hashes of a file's blocks, by which what changes in it is told.
type Blocks struct {
	Plain string // SHA-256 of the file, in hexadecimal digits
	Bytes int64  // of the file
	sums  []byte // SHA-256 of each block, one behind the other; the last may be short
}

// BlocksOf reads a file.
func BlocksOf(r io.Reader) (b Blocks, err error) {
	c := count(io.Discard)
	block := make([]byte, BlockSize)
	for {
		n, err := io.ReadFull(r, block)
		if n > 0 {
			c.Write(block[:n]) //nolint:errcheck // nothing is written
			sum := sha256.Sum256(block[:n])
			b.sums = append(b.sums, sum[:]...)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return b, fmt.Errorf("backup: reading a file by its blocks: %w", err)
		}
	}
	b.Plain, b.Bytes = c.hash(), c.size
	return b, nil
}

func (b Blocks) sum(i int64) []byte {
	if (i+1)*sha256.Size > int64(len(b.sums)) {
		return nil
	}
	return b.sums[i*sha256.Size : (i+1)*sha256.Size]
}

// Changed returns how many bytes the blocks have that are others in next.
func (b Blocks) Changed(next Blocks) (n int64) {
	for i := range next.count() {
		if !bytes.Equal(b.sum(i), next.sum(i)) {
			n += next.length(i)
		}
	}
	return n
}

func (b Blocks) count() int64 { return int64(len(b.sums) / sha256.Size) }

// length is that of a block.
func (b Blocks) length(i int64) int64 { return min(BlockSize, b.Bytes-i*BlockSize) }

const (
	changesMagic = "thimble blocks 1\n"
	changesEnd   = -1 // in the place of a block's number
)

// WriteChanges writes the blocks of a file, whose hashes are next, that are not those of b: the
// length of the file, and then for each its number, its length and its bytes.
func (b Blocks) WriteChanges(to io.Writer, file io.ReaderAt, next Blocks) error {
	w := bufio.NewWriterSize(to, 1<<16)
	number := func(n int64) {
		w.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:errcheck // Flush says so
	}
	w.WriteString(changesMagic) //nolint:errcheck // as above
	number(next.Bytes)
	block := make([]byte, BlockSize)
	for i := range next.count() {
		if bytes.Equal(b.sum(i), next.sum(i)) {
			continue
		}
		n := next.length(i)
		if _, err := file.ReadAt(block[:n], i*BlockSize); err != nil {
			return fmt.Errorf("backup: reading a file by its blocks: %w", err)
		}
		if sum := sha256.Sum256(block[:n]); !bytes.Equal(sum[:], next.sum(i)) {
			return fmt.Errorf("backup: a file changes while its blocks are read: %w", thimble.ErrConflict)
		}
		number(i)
		number(n)
		w.Write(block[:n]) //nolint:errcheck // as above
	}
	number(changesEnd)
	return w.Flush()
}

// Apply makes changes in the file that they were told from. Whether the file is then what was
// copied, its hash says: see [CoreCopy].
func Apply(file *os.File, changes io.Reader) error {
	r := bufio.NewReaderSize(changes, 1<<16)
	magic := make([]byte, len(changesMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != changesMagic {
		return ErrDamaged
	}
	failed := false
	number := func() int64 {
		var b [8]byte
		_, err := io.ReadFull(r, b[:])
		failed = failed || err != nil
		return int64(binary.BigEndian.Uint64(b[:]))
	}
	size := number()
	block := make([]byte, BlockSize)
	for {
		i := number()
		if i == changesEnd && !failed {
			break
		}
		n := number()
		if failed || i < 0 || n < 1 || n > BlockSize || i > size/BlockSize || i*BlockSize+n > size {
			return ErrDamaged
		}
		if _, err := io.ReadFull(r, block[:n]); err != nil {
			return ErrDamaged
		}
		if _, err := file.WriteAt(block[:n], i*BlockSize); err != nil {
			return keeping(err)
		}
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return ErrDamaged
	}
	return keeping(file.Truncate(size))
}

const memoryMagic = "thimble blocks of a backup 1\n"

// Remember keeps the blocks of core in a backup, in the installation's own folder. It names the
// manifest, so that they count for no other backup and no other set.
func (b Blocks) Remember(path, manifest string) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s%s %s %d\n", memoryMagic, manifest, b.Plain, b.Bytes)
	text.Write(b.sums)
	sum := sha256.Sum256(text.Bytes())
	text.Write(sum[:])
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = replaceFile(path, text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("backup: keeping the hashes of blocks: %w: %w", err, thimble.ErrUnavailable)
	}
	return nil
}

// Remembered returns the blocks that were kept with a manifest. Those of another one, and a
// file that is damaged or not there, count for nothing: then core is copied whole.
func Remembered(path, manifest string) (b Blocks, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) < sha256.Size {
		return b, false
	}
	text, end := text[:len(text)-sha256.Size], text[len(text)-sha256.Size:]
	if sum := sha256.Sum256(text); !bytes.Equal(sum[:], end) {
		return b, false
	}
	text, ok = bytes.CutPrefix(text, []byte(memoryMagic))
	line, sums, found := bytes.Cut(text, []byte("\n"))
	var of string
	if _, err := fmt.Sscanf(string(line), "%s %s %d", &of, &b.Plain, &b.Bytes); err != nil || !ok || !found || of != manifest {
		return Blocks{}, false
	}
	b.sums = sums
	if want := (b.Bytes + BlockSize - 1) / BlockSize * sha256.Size; int64(len(sums)) != want {
		return Blocks{}, false
	}
	_, err = hex.DecodeString(b.Plain)
	return b, err == nil
}
