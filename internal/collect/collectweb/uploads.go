package collectweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
)

// Bounds of uploads.
const (
	MaxUpload  = 512 << 20 // bytes of one file
	maxUploads = 20        // at a time
	uploadLife = time.Hour // of one that nobody confirms
	expireEach = time.Minute
)

// Uploads are files on their way in: kept sealed, looked at, confirmed by who brought them,
// and imported one after the other.
type Uploads struct {
	// Shops lists the other shops whose numbers are here; may be nil.
	Shops func(context.Context) ([]string, error)

	dir string
	run func(context.Context, collect.Kind, collect.Source, collect.Options) (collect.Report, error)
	now func() time.Time
	log *slog.Logger

	mu    sync.Mutex
	all   map[thimble.ID]*upload
	queue chan *upload
}

// A stage says how far an upload has come.
type stage int

const (
	arriving stage = iota // it has its place, and nobody sees it yet
	waiting               // to be confirmed
	queued
	running
	ended
)

type upload struct {
	id    thimble.ID
	staff string
	kind  collect.Kind
	name  string
	at    time.Time
	file  *sealedFile
	guess table.Guess
	shops []string // whose numbers it may have

	// What follows changes while it is imported.
	stage   stage
	mapping table.Mapping
	strict  bool
	done    collect.Progress
	report  collect.Report
	failed  error
}

// NewUploads keeps files in a folder of its own, and imports by run.
func NewUploads(dir string, run func(context.Context, collect.Kind, collect.Source, collect.Options) (collect.Report, error), now func() time.Time, log *slog.Logger) *Uploads {
	return &Uploads{dir: dir, run: run, now: now, log: log, all: map[thimble.ID]*upload{}, queue: make(chan *upload, maxUploads)}
}

// Sweep removes what a process before has left behind: it opens nowhere. Whoever holds the
// data folder calls it before anything is served.
func (u *Uploads) Sweep() error { return os.RemoveAll(u.dir) }

// Run imports what is confirmed, and removes what nobody confirms, until the context ends.
func (u *Uploads) Run(ctx context.Context) error {
	var aging sync.WaitGroup
	defer aging.Wait()
	aging.Go(func() {
		tick := time.NewTicker(expireEach)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				u.expire()
			}
		}
	})
	for {
		select {
		case <-ctx.Done():
			return nil
		case one := <-u.queue:
			u.work(ctx, one)
		}
	}
}

func (u *Uploads) work(ctx context.Context, one *upload) {
	u.change(one, func() { one.stage = running })
	m := one.mapping
	r, err := u.run(ctx, one.kind, one.source(), collect.Options{Map: &m, Strict: one.strict, Progress: func(p collect.Progress) {
		u.change(one, func() { one.done = p })
	}})
	one.file.remove()
	if err != nil {
		u.log.WarnContext(ctx, "an uploaded import stopped", slog.String("kind", string(one.kind)), slog.String("cause", err.Error()))
	}
	u.change(one, func() { one.stage, one.report, one.failed = ended, r, err })
}

func (u *Uploads) change(_ *upload, f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
}

func (one *upload) source() collect.Source {
	return collect.Source{Name: one.name, Open: one.file.Open}
}

// receive keeps a file and guesses what it is.
func (u *Uploads) receive(ctx context.Context, staff string, kind collect.Kind, name string, r io.Reader) (_ *upload, err error) {
	u.expire()
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return nil, unkept(err)
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return nil, err
	}
	one := &upload{id: id, staff: staff, kind: kind, name: filepath.Base(name), at: u.now()}
	if len(one.name) > 100 {
		one.name = one.name[:100]
	}
	// It has its place before its first byte is kept: of two that arrive at once for the
	// last place one is refused.
	if err := u.reserve(one); err != nil {
		return nil, err
	}
	file, err := newSealedFile(filepath.Join(u.dir, id.Token(uploadPrefix)), r, MaxUpload)
	var guess table.Guess
	if err == nil {
		guess, err = collect.Look(ctx, kind, collect.Source{Name: one.name, Open: file.Open}, nil)
	}
	if err == nil && u.Shops != nil {
		one.shops, err = u.Shops(ctx)
		collect.AskShop(kind, &guess, one.shops)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		if file != nil {
			file.remove()
		}
		delete(u.all, id)
		return nil, err
	}
	one.file, one.guess, one.stage, one.at = file, guess, waiting, u.now()
	return one, nil
}

func (u *Uploads) reserve(one *upload) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) >= maxUploads {
		u.forget()
	}
	if len(u.all) >= maxUploads {
		return fmt.Errorf("collectweb: %d files wait already; confirm or drop one first: %w", maxUploads, thimble.ErrUnavailable)
	}
	u.all[one.id] = one
	return nil
}

// forget takes the place of the import that ended first, if one has: its report is kept
// elsewhere.
func (u *Uploads) forget() {
	var first *upload
	for _, one := range u.all {
		if one.stage == ended && (first == nil || one.at.Before(first.at)) {
			first = one
		}
	}
	if first != nil {
		delete(u.all, first.id)
	}
}

// expire drops what nobody confirmed, and forgets what is done.
func (u *Uploads) expire() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, one := range u.all {
		if (one.stage == waiting || one.stage == ended) && u.now().Sub(one.at) > uploadLife {
			one.file.remove()
			delete(u.all, id)
		}
	}
}

// find returns a copy of an upload, as it is now. Only who brought it finds it.
func (u *Uploads) find(staff string, id thimble.ID) (upload, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.all[id]
	if one == nil || one.staff != staff || one.stage == arriving {
		return upload{}, fmt.Errorf("collectweb: the upload is not here any more; upload the file again: %w", thimble.ErrNotFound)
	}
	return *one, nil
}

// confirm has an upload imported by a mapping.
func (u *Uploads) confirm(staff string, id thimble.ID, m table.Mapping, strict bool) error {
	if _, err := u.find(staff, id); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.all[id]
	if one == nil || one.stage != waiting {
		return nil // sent twice
	}
	if err := collect.CheckMapping(one.kind, m); err != nil {
		return err
	}
	select {
	case u.queue <- one:
	default:
		return errors.Join(errors.New("collectweb: too many imports wait"), thimble.ErrUnavailable)
	}
	one.mapping, one.strict, one.stage = m, strict, queued
	return nil
}

// drop takes an upload away that was not confirmed, or is done.
func (u *Uploads) drop(staff string, id thimble.ID) error {
	if _, err := u.find(staff, id); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if one := u.all[id]; one != nil && (one.stage == waiting || one.stage == ended) {
		one.file.remove()
		delete(u.all, id)
	}
	return nil
}
