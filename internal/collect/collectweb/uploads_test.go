package collectweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thimble"
	"thimble/internal/collect"
)

const oneCustomer = "Customer ID,Name\n7,Ada\n"

func uploadsIn(t *testing.T) *Uploads {
	t.Helper()
	return NewUploads(t.TempDir(), nil, time.Now, slog.New(slog.DiscardHandler))
}

func (u *Uploads) files(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir(u.dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// Nobody has to come by for it: a file that nobody confirms goes when its hour is over.
func TestAnUploadThatNobodyConfirmsIsRemovedThoughNobodyUploadsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := uploadsIn(t)
		ctx, stop := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		serving.Go(func() { _ = u.Run(ctx) })
		if _, err := u.receive(ctx, "ines", collect.Customers, "a.csv", strings.NewReader(oneCustomer)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(uploadLife)
		synctest.Wait()
		if n := u.files(t); n != 1 {
			t.Errorf("within its hour: %d files, want it there", n)
		}
		time.Sleep(2 * expireEach)
		synctest.Wait()
		if n := u.files(t); n != 0 || len(u.all) != 0 {
			t.Errorf("%d files and %d uploads are left behind", n, len(u.all))
		}
		stop()
		serving.Wait()
	})
}

// While a file arrives it has its place: many at once are no more than are allowed.
func TestManyUploadsAtOnceAreNoMoreThanAreAllowed(t *testing.T) {
	u := uploadsIn(t)
	var sending sync.WaitGroup
	var pipes []*io.PipeWriter
	answers := make(chan error, 3*maxUploads)
	for range cap(answers) {
		r, w := io.Pipe()
		pipes = append(pipes, w)
		sending.Go(func() {
			_, err := u.receive(t.Context(), "ines", collect.Customers, "a.csv", r)
			answers <- errors.Join(err, r.Close())
		})
	}
	for range cap(answers) - maxUploads {
		if err := <-answers; !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("one too many: %v", err)
		}
	}
	for id := range u.all { // nobody writes to it: all that are left wait for bytes
		if _, err := u.find("ines", id); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("an upload is seen that has not arrived: %v", err)
		}
		break
	}
	for _, w := range pipes {
		_, _ = io.WriteString(w, oneCustomer) // to those who were refused nobody listens
		w.Close()
	}
	sending.Wait()
	if n := u.files(t); n != maxUploads || len(u.all) != maxUploads {
		t.Errorf("%d files and %d uploads, want %d", n, len(u.all), maxUploads)
	}
}

// What cannot be read gives its place back.
func TestAnUploadThatIsRefusedLeavesNothing(t *testing.T) {
	u := uploadsIn(t)
	for range maxUploads + 1 {
		if _, err := u.receive(t.Context(), "ines", collect.Customers, "a.csv", strings.NewReader("")); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("got %v", err)
		}
	}
	if n := u.files(t); n != 0 || len(u.all) != 0 {
		t.Errorf("%d files and %d uploads are left", n, len(u.all))
	}
}

// A shop brings more files in an hour than may wait at once: what was imported waits no more.
func TestAnImportThatEndedKeepsNobodyOut(t *testing.T) {
	full := fmt.Errorf("sqldb: committing: the disk is full: %w", thimble.ErrUnavailable)
	u := NewUploads(t.TempDir(), func(context.Context, collect.Kind, collect.Source, collect.Options) (collect.Report, error) {
		return collect.Report{}, full
	}, time.Now, slog.New(slog.DiscardHandler))
	var last *upload
	for n := range maxUploads + 3 {
		one, err := u.receive(t.Context(), "ines", collect.Customers, "a.csv", strings.NewReader(oneCustomer))
		if err != nil {
			t.Fatalf("file %d: %v", n, err)
		}
		u.work(t.Context(), one)
		last = one
	}
	if len(u.all) != maxUploads {
		t.Errorf("%d uploads are remembered, want %d", len(u.all), maxUploads)
	}
	got, err := u.find("ines", last.id)
	if err != nil || !errors.Is(got.failed, full) {
		t.Fatalf("%v, %v: want to see why the last one stopped", got.failed, err)
	}
	if text := progress(got).Callout.Text; !strings.HasPrefix(text, "The database or the disk could not take it") || strings.Contains(text, "sqldb") {
		t.Errorf("the page says %q", text)
	}
}
