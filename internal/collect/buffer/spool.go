package buffer

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// An entry is one group commit in the spool.
type entry struct {
	message  // body only until it is in the cluster; the spool has it
	at       int64
	size     int
	sumKept  uint32
	file     *spoolFile
	taken    time.Time
	archived bool // one way or the other
	released bool // the stream says so

	// Kept by the cursor.
	calls     []*call // who waits for it
	attempt   int
	acked     bool // the stream had it
	published time.Time
}

// A spool is the copy of a node's own groups outside JetStream: what was answered
// is in it until it is archived, whatever becomes of the cluster.
type spool struct {
	folder, node string
	log          *slog.Logger
	now          func() time.Time

	mu      sync.Mutex
	entries []*entry // not archived, in order of runs and numbers
	files   []*spoolFile
	aside   []string // paths of files of which nothing can be read
	next    int      // number of the next file
	run     uint64   // of new entries
	seq     uint64   // the last one given in it
	current *spoolFile
	torn    int64 // bytes that could not be read at the start
	damaged map[uint64]bool
	given   map[uint64]uint64 // by run: the highest number in it
}

// openSpool reads what is left of earlier runs. New entries get a run of their own,
// so that no number is ever given twice, whatever the disk has forgotten.
func openSpool(folder, node string, now func() time.Time, log *slog.Logger) (*spool, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	s := &spool{folder: folder, node: node, now: now, log: log, damaged: map[uint64]bool{}, given: map[uint64]uint64{}}
	names, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, d := range names { // sorted: in the order in which they were written
		if strings.HasSuffix(d.Name(), asideSuffix) {
			s.aside = append(s.aside, filepath.Join(folder, d.Name()))
		}
		n, _, ok := readSpoolName(d.Name())
		if !ok {
			continue
		}
		s.next = max(s.next, n)
		if err := s.load(filepath.Join(folder, d.Name())); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	s.sweep()
	return s, s.startRun()
}

func (s *spool) load(path string) error {
	f, all, torn, err := openSpoolFile(path)
	if torn > 0 {
		s.torn += torn
		s.log.Warn("the end of a spool file could not be read", slog.String("file", filepath.Base(path)), slog.Int64("bytes", torn))
	}
	if err == nil && f == nil {
		err = s.setAside(path, torn)
	}
	if err != nil || f == nil {
		return err
	}
	s.files = append(s.files, f)
	s.damaged[f.run] = s.damaged[f.run] || torn > 0
	for _, e := range all {
		if e.kind == directEntry {
			s.noted(f.run, e.seq)
			continue
		}
		f.live++
		s.given[f.run] = max(s.given[f.run], e.seq)
		s.entries = append(s.entries, &entry{
			message: message{runKey: runKey{s.node, f.run}, seq: e.seq}, at: e.at, size: e.size, sumKept: e.sum, file: f, taken: e.taken,
		})
	}
	return nil
}

// A file of which nothing can be read is renamed, and removed a day later: what was in it
// is in the stream, or was, and whoever looks after the node has had time to look.
const (
	asideSuffix = ".damaged"
	asideFor    = 24 * time.Hour
)

// setAside takes a file out of the way of which nothing can be read. One without room for
// an entry is that of a process which was killed as it made it.
func (s *spool) setAside(path string, size int64) error {
	if size <= int64(fileHead) {
		return os.Remove(path)
	}
	now, aside := s.now(), path+asideSuffix
	if err := errors.Join(os.Chtimes(path, now, now), os.Rename(path, aside)); err != nil {
		return err
	}
	s.aside = append(s.aside, aside)
	s.log.Error("nothing of a spool file can be read; it is kept for a day", slog.String("file", filepath.Base(aside)), slog.Int64("bytes", size))
	return syncFolder(s.folder)
}

// clearAside removes the files that were set aside a day ago.
func (s *spool) clearAside() {
	s.aside = slices.DeleteFunc(s.aside, func(path string) bool {
		info, err := os.Stat(path)
		if err == nil && s.now().Sub(info.ModTime()) < asideFor {
			return false
		}
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil && !os.IsNotExist(err) {
			s.log.Warn("a damaged spool file was not removed", slog.String("cause", err.Error()))
			return false
		}
		return true
	})
}

// startRun begins to count anew. Whoever could not write, does: what of the entry is
// on the disk after all must not share a number with another.
func (s *spool) startRun() error {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return err
	}
	s.run, s.seq, s.current = binary.BigEndian.Uint64(b[:]), 0, nil
	return nil
}

// add makes a group durable, and gives it its number.
func (s *spool) add(body []byte, calls []*call) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &entry{message: message{runKey: runKey{s.node, s.run}, seq: s.seq + 1, body: body}, size: len(body), taken: s.now(), calls: calls}
	e.sumKept = e.sum()
	err := s.roll()
	if err == nil {
		e.at, err = s.current.append(bodyEntry, &e.message, e.taken)
	}
	if err != nil {
		return nil, errors.Join(err, s.startRun())
	}
	s.seq++
	s.given[s.run] = s.seq
	e.file = s.current
	e.file.live++
	s.entries = append(s.entries, e)
	return e, nil
}

// roll sees to it that there is a file to write to.
func (s *spool) roll() error {
	if s.current != nil && s.current.size < rotateSize {
		return nil
	}
	s.next++
	f, err := createSpoolFile(s.folder, s.next, s.run)
	if err != nil {
		return err
	}
	s.current, s.files = f, append(s.files, f)
	s.sweep()
	return nil
}

// message returns what an entry says, from the disk if need be; a void one when its
// records are in the archive already.
func (s *spool) message(e *entry) (message, error) {
	s.mu.Lock()
	m, f := e.message, e.file.f
	m.void = e.archived
	s.mu.Unlock()
	if m.void {
		m.body = nil
		return m, nil
	}
	if m.body != nil {
		return m, nil
	}
	m.body = make([]byte, e.size)
	if _, err := io.ReadFull(io.NewSectionReader(f, e.at, int64(e.size)), m.body); err != nil {
		if s.done(e) { // meanwhile, and its file is gone
			m.void, m.body = true, nil
			return m, nil
		}
		return m, fmt.Errorf("buffer: reading %d of run %s in the spool: %w", e.seq, formatRun(e.run), err)
	}
	if m.sum() != e.sumKept {
		return m, fmt.Errorf("buffer: %d of run %s fails its checksum in the spool", e.seq, formatRun(e.run))
	}
	return m, nil
}

func (s *spool) done(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.archived
}

// unload lets go of a body that the cluster has; the file keeps it.
func (s *spool) unload(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.body = nil
}

// direct notes that a group is in the archive although it never went through the
// cluster, so that it does not go there again after a start, when the archive may have
// forgotten its keys. Should the note fail, it does: the archive knows it for a day.
func (s *spool) direct(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.archived, e.body = true, nil
	if e.file.torn {
		s.log.Warn("a note in the spool was not written: its file is damaged")
		return
	}
	if _, err := e.file.append(directEntry, &message{runKey: e.runKey, seq: e.seq}, s.now()); err != nil {
		s.log.Warn("a note in the spool was not written", slog.String("cause", err.Error()))
		e.file.torn = true
		if e.file == s.current {
			s.current = nil
		}
	}
}

// noted takes a note of an earlier process for what it says.
func (s *spool) noted(run, seq uint64) {
	for _, e := range s.entries {
		if e.run == run && e.seq == seq {
			e.archived = true
		}
	}
}

// release drops what is archived of a run.
func (s *spool) release(run uint64, p *progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool {
		if e.run != run || !p.has(e.seq) {
			return false
		}
		e.archived, e.released, e.body = true, true, nil
		e.file.live--
		return true
	})
	s.sweep()
}

// sweep removes files in which everything is archived.
func (s *spool) sweep() {
	s.files = slices.DeleteFunc(s.files, func(f *spoolFile) bool {
		if f.live > 0 || f == s.current {
			return false
		}
		if err := errors.Join(f.f.Close(), os.Remove(f.path)); err != nil {
			s.log.Warn("a spool file was not removed", slog.String("cause", err.Error()))
		}
		return true
	})
}

// turn ends the file that is written to, so that what is archived in it goes.
func (s *spool) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearAside()
	if s.current != nil && s.current.size > int64(fileHead) {
		s.current = nil
		s.sweep()
	}
}

// runs returns the runs of which something is not archived, oldest first.
func (s *spool) runs() (all []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if !slices.Contains(all, e.run) {
			all = append(all, e.run)
		}
	}
	return all
}

// find returns the entry of a number. Where there is none, known says that it was
// there and is archived; of a run whose files are damaged that is not said.
func (s *spool) find(run, seq uint64) (e *entry, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.run == run && e.seq == seq })
	if i >= 0 {
		return s.entries[i], true
	}
	return nil, !s.damaged[run] && seq <= s.given[run]
}

func (s *spool) isCurrent(run uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return run == s.run
}

// isReleased reports whether the stream says that an entry is archived.
func (s *spool) isReleased(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.released
}

// choose returns the entries that f picks.
func (s *spool) choose(f func(*entry) bool) (all []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if f(e) {
			all = append(all, e)
		}
	}
	return all
}

// size returns what waits: entries, their bytes, and the age of the oldest.
func (s *spool) size() (n int, bytes int64, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		bytes += int64(e.size)
	}
	if len(s.entries) > 0 {
		age = s.now().Sub(s.entries[0].taken)
	}
	return len(s.entries), bytes, age
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, f := range s.files {
		if f.live == 0 {
			err = errors.Join(err, f.f.Close(), os.Remove(f.path))
			continue
		}
		err = errors.Join(err, f.f.Close())
	}
	s.files, s.current = nil, nil
	return err
}
