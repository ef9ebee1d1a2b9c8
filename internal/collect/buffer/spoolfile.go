package buffer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A file of the spool is a head and then entries, each a head of its own and a body.
// Numbers are big-endian.
//
//	file:  "thmbspl1", run (8), CRC32C of both (4)
//
// The run is in the name of the file as well, so that a damaged head costs nothing.
//
//	entry: length of the body (4), kind (1), 0 (3), number (8), microseconds (8),
//	       checksum of the message (4), CRC32C of the head up to here (4), body
const (
	fileMagic  = "thmbspl1"
	fileHead   = len(fileMagic) + 8 + 4
	entryHead  = 4 + 4 + 8 + 8 + 4 + 4
	rotateSize = 16 << 20
)

// The kinds of entry.
const (
	bodyEntry   = 1
	directEntry = 2 // the group of that number is in the archive
)

type spoolFile struct {
	f    *os.File
	path string
	run  uint64
	size int64
	live int  // entries that are not archived
	torn bool // what lies behind size cannot be read, and is not overwritten
}

// spoolName names a file by its place in the order and the run in it.
func spoolName(n int, run uint64) string { return fmt.Sprintf("%012d-%016x.spool", n, run) }

// readSpoolName reads the name of a file. Older ones have no run.
func readSpoolName(name string) (n int, run uint64, ok bool) {
	name, ok = strings.CutSuffix(name, ".spool")
	place, tail, named := strings.Cut(name, "-")
	n, err := strconv.Atoi(place)
	if err == nil && named {
		run, err = strconv.ParseUint(tail, 16, 64)
	}
	return n, run, ok && err == nil
}

func createSpoolFile(folder string, n int, run uint64) (*spoolFile, error) {
	path := filepath.Join(folder, spoolName(n, run))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	head := binary.BigEndian.AppendUint64([]byte(fileMagic), run)
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	s := &spoolFile{f: f, path: path, run: run, size: int64(fileHead)}
	if _, err = f.Write(head); err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return s, nil
}

// syncFolder makes the names in a folder durable: a file that is synced and has no
// name is lost.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func entryHeader(kind byte, m *message, taken time.Time) []byte {
	head := binary.BigEndian.AppendUint32(make([]byte, 0, entryHead+len(m.body)), uint32(len(m.body)))
	head = append(head, kind, 0, 0, 0)
	head = binary.BigEndian.AppendUint64(head, m.seq)
	head = binary.BigEndian.AppendUint64(head, uint64(taken.UnixMicro()))
	head = binary.BigEndian.AppendUint32(head, m.sum())
	return binary.BigEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
}

// append writes an entry and makes it durable.
func (s *spoolFile) append(kind byte, m *message, taken time.Time) (at int64, err error) {
	head := entryHeader(kind, m, taken)
	if _, err := s.f.WriteAt(append(head, m.body...), s.size); err != nil {
		return 0, err
	}
	if err := s.f.Sync(); err != nil {
		return 0, err
	}
	at = s.size + int64(entryHead)
	s.size = at + int64(len(m.body))
	return at, nil
}

// A found is an entry as it lies in a file.
type found struct {
	kind  byte
	seq   uint64
	at    int64
	size  int
	taken time.Time
	sum   uint32
}

// openSpoolFile reads a file that an earlier process left. What cannot be read ends
// the list: behind a damaged head nothing says where the next entry begins. torn is
// how many bytes lie there. The last entry of a process that was killed is such a one,
// and was answered to nobody.
func openSpoolFile(path string) (s *spoolFile, all []found, torn int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, 0, errors.Join(err, f.Close())
	}
	run, whole := readFileHead(f)
	if !whole {
		torn = min(info.Size(), int64(fileHead))
		if _, run, _ = readSpoolName(filepath.Base(path)); run == 0 {
			return nil, nil, info.Size(), f.Close()
		}
	}
	s = &spoolFile{f: f, path: path, run: run, size: int64(fileHead)}
	for {
		e, err := readEntryHead(f, s.size, info.Size())
		if err != nil {
			rest := max(0, info.Size()-s.size)
			s.torn = rest > 0
			return s, all, torn + rest, nil
		}
		all = append(all, e)
		s.size = e.at + int64(e.size)
	}
}

// readFileHead returns the run of a file, and whether its head is whole.
func readFileHead(f io.Reader) (run uint64, whole bool) {
	head := make([]byte, fileHead)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:len(fileMagic)]) != fileMagic {
		return 0, false
	}
	run = binary.BigEndian.Uint64(head[len(fileMagic):])
	return run, crc32.Checksum(head[:fileHead-4], castagnoli) == binary.BigEndian.Uint32(head[fileHead-4:])
}

var errTorn = errors.New("buffer: an entry of the spool is torn")

func readEntryHead(f io.ReaderAt, at, end int64) (found, error) {
	head := make([]byte, entryHead)
	if _, err := f.ReadAt(head, at); err != nil {
		return found{}, errTorn
	}
	e := found{
		kind: head[4], at: at + int64(entryHead), size: int(binary.BigEndian.Uint32(head)), seq: binary.BigEndian.Uint64(head[8:]),
		taken: time.UnixMicro(int64(binary.BigEndian.Uint64(head[16:]))), sum: binary.BigEndian.Uint32(head[24:]),
	}
	whole := crc32.Checksum(head[:entryHead-4], castagnoli) == binary.BigEndian.Uint32(head[entryHead-4:])
	if !whole || e.kind != bodyEntry && e.kind != directEntry || e.seq == 0 || e.at+int64(e.size) > end {
		return found{}, errTorn
	}
	return e, nil
}
