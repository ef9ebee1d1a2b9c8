package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
	"thimble/internal/rights/certificate"
	"thimble/internal/sqldb"
)

// A Result is what a proof found.
type Result struct {
	Planted int // strings
	Doors   map[string]int
	// Kept counts the strings that the person's own download held before the erasure.
	Kept    int
	Refused []string // forms that were meant to be taken, and were not
	Request string   // of the erasure
	Took    time.Duration

	Files, Packs int
	Bytes        int64
	Needles      int
	Hashes       int // keyed hashes by which the person was found
	Hits         []Hit

	Backups Backups

	Statement certificate.Statement
	Text      []byte // the certificate
	Key       string // of the log
}

// Holds reports whether nothing was left, and nothing came back.
func (r Result) Holds() bool { return len(r.Hits) == 0 && r.Backups.holds() }

// Options are what tests change.
type Options struct {
	Say func(format string, args ...any) // progress; nil: silence
	// Leak is called when the person is forgotten and before anything is looked for, with
	// the folder and some planted strings: what it writes must be found.
	Leak func(w Leaking) error
	// LeakBack is called when the older backup was put back, with the folder of it.
	LeakBack func(w Leaking) error
}

// Leaking is what a leak may use.
type Leaking struct {
	Dir   string
	Core  *sqldb.DB
	Words []string
}

// Prove makes an installation in an empty folder, plants, erases and looks.
func Prove(ctx context.Context, dir string, o Options) (r Result, err error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	w, err := begin(ctx, dir)
	if err != nil {
		return r, err
	}
	defer func() {
		if ended := errors.Join(w.end(), w.log.Close()); err == nil {
			err = ended
		}
	}()
	o.Say("A person is made up in a fresh installation.")
	if err := w.plant(ctx); err != nil {
		return r, err
	}
	r.Planted, r.Doors, r.Refused, r.Key = len(w.all), w.by(), w.refused, w.Ledger.VerifierKey()
	hashes, err := w.before(ctx, &r)
	if err != nil {
		return r, err
	}
	o.Say("%d strings came in by %d ways; the person's own download held %d of them.", r.Planted, len(r.Doors), r.Kept)
	safe, err := w.backUp(ctx, &r, hashes)
	if err != nil {
		return r, err
	}
	if err := w.erase(ctx, &r); err != nil {
		return r, err
	}
	o.Say("The person was forgotten in %s, and the certificate verified.", r.Took.Round(time.Millisecond))
	if o.Leak != nil {
		if err := o.Leak(Leaking{dir, w.Core, w.values()}); err != nil {
			return r, err
		}
	}
	if err := w.look(ctx, &r, hashes, safe); err != nil {
		return r, err
	}
	return r, w.putBack(ctx, &r, hashes, safe, o)
}

// before notes what can be seen of the person before they are forgotten: their own
// download, and the keyed hashes by which the database finds them.
func (w *world) before(ctx context.Context, r *Result) (hashes [][]byte, err error) {
	a, err := w.Desk.Access(ctx, w.who)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	r.Kept = w.within(string(text))
	err = w.Core.Read(ctx, func(tx *sqldb.Tx) error {
		hashes = nil
		for _, q := range []string{`select blind from subject_identifiers where subject = $1`, `select number_index from order_orders where subject_id = $1`, `select lookup from disclose_people where subject_id = $1`} {
			rows, err := tx.Query(ctx, q, w.who)
			if err != nil {
				return err
			}
			for rows.Next() {
				var h []byte
				if err := rows.Scan(&h); err != nil {
					return err
				}
				hashes = append(hashes, h)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	r.Hashes = len(hashes)
	if err == nil && len(hashes) < 10 {
		err = fmt.Errorf("canary: only %d keyed hashes lead to the person: %w", len(hashes), thimble.ErrInvalid)
	}
	return hashes, err
}

// erase has the person ask for it, on the page, and reads the certificate without them.
func (w *world) erase(ctx context.Context, r *Result) error {
	if err := w.signIn(ctx); err != nil {
		return err
	}
	began := time.Now()
	status, text, err := w.form(ctx, "/privacy/forget", url.Values{"word": {"FORGET"}})
	r.Took = time.Since(began)
	if err != nil {
		return err
	}
	if status != http.StatusSeeOther {
		return fmt.Errorf("canary: the erasure was answered %d: %.200s: %w", status, text, thimble.ErrInvalid)
	}
	all, err := w.Requests.List(ctx, 10)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(q rights.Request) bool { return q.Kind == rights.Erase })
	if i < 0 || all[i].State != rights.Fulfilled {
		return fmt.Errorf("canary: the erasure is not done: %w", thimble.ErrInvalid)
	}
	r.Request = all[i].Report.Request
	w.ownCookie = nil
	opening, err := w.Requests.Certificate(ctx, all[i].ID)
	if err != nil {
		return err
	}
	receipt, err := ledgerweb.Sealed(ctx, w.Ledger, opening)
	if err != nil {
		return err
	}
	if r.Text, err = certificate.Write(receipt); err != nil {
		return err
	}
	v, err := certificate.Verify(r.Text, r.Key)
	r.Statement = v.Statement
	return err
}

// look reads everything that was written: while the program runs, and when it has ended.
func (w *world) look(ctx context.Context, r *Result, hashes [][]byte, by *safe) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	if err := by.after(ctx, w, r); err != nil {
		return err
	}
	s := newScanner(w.all, hashes)
	r.Needles = len(s.needle)
	s.when = "while it ran"
	if err := s.folder(ctx, w.dir); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	s.when = "when it had ended"
	err := s.folder(ctx, w.dir)
	r.Files, r.Bytes, r.Packs, r.Hits = s.Files, s.Bytes, s.Packs, s.Hits
	return err
}

// Kinds counts hits that are alike: by file, form and door.
func (r Result) Kinds() (lines []string) {
	n := map[string]int{}
	for _, h := range r.Hits {
		n[strings.Join([]string{h.File, h.Form, h.Door, h.When}, " · ")]++
	}
	for what, count := range n {
		lines = append(lines, fmt.Sprintf("%d × %s", count, what))
	}
	slices.Sort(lines)
	return lines
}
