package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"thimble"
	"thimble/internal/vault"
)

// A Kind is what is asked for.
type Kind string

// The kinds.
const (
	Access Kind = "access" // GDPR Art. 15, 20
	Erase  Kind = "erase"  // GDPR Art. 17
)

// A State is where a request stands.
type State string

// The states.
const (
	Executing State = "executing"
	Fulfilled State = "fulfilled"
)

// TokenPrefix is the prefix of a request's id in text.
const TokenPrefix = "req"

// A Request is what a person asked for, and what was done.
type Request struct {
	ID      thimble.ID
	Subject thimble.SubjectID // zero once an erasure is done
	Kind    Kind
	State   State
	At      time.Time
	Done    time.Time
	Report  Report
}

// A Report says what was done: holders, counts and hashes, nothing personal.
type Report struct {
	Request string       `json:"request"`
	Kind    Kind         `json:"kind"`
	At      time.Time    `json:"at"`
	Holders []HolderLine `json:"holders"`
	KeyHash string       `json:"key_sha256,omitempty"` // of the destroyed key
	// Resumed says that the erasure was interrupted: what was erased before that is
	// not in the counts.
	Resumed bool    `json:"resumed,omitempty"`
	Models  *Models `json:"models,omitempty"`
}

// A HolderLine is one holder's part in a request.
type HolderLine struct {
	Holder string         `json:"holder"`
	Count  int            `json:"count"`
	Kept   []thimble.Kept `json:"kept,omitempty"`
}

// Models are the hashes of the serving model before and after an erasure.
type Models struct {
	Before string `json:"before_sha256"`
	After  string `json:"after_sha256"`
}

// A Store keeps requests.
type Store interface {
	Begin(ctx context.Context, who thimble.SubjectID, k Kind) (Request, error)
	Note(ctx context.Context, r Request) error
	Finish(ctx context.Context, r Request) error
	Open(ctx context.Context) ([]Request, error)
}

// A Derived holder keeps only what it makes from the others, such as a model. It
// erases once, after they have.
type Derived interface {
	thimble.Holder
	Derived()
}

// A Shredder destroys a person's keys.
type Shredder interface {
	Shred(ctx context.Context, who thimble.SubjectID) (vault.Shredded, error)
}

// A Desk executes requests.
type Desk struct {
	store   Store
	holders []thimble.Holder
	keys    Shredder
	model   func() string // the serving model's hash in hexadecimal; "" for none

	mu    sync.Mutex
	under map[thimble.ID]bool // the erasures under way in this process
}

// NewDesk returns a desk over the holders, which erase in the given order: first
// the one that knows who exists, so that nobody opens anything any more.
func NewDesk(s Store, keys Shredder, model func() string, holders ...thimble.Holder) *Desk {
	return &Desk{store: s, holders: holders, keys: keys, model: model, under: map[thimble.ID]bool{}}
}

// Holders returns who is looped over, and the keys, which are destroyed last.
func (d *Desk) Holders() []thimble.Holder {
	return append(slices.Clone(d.holders), keyring{d.keys})
}

// A keyring is the holder of people's keys. A key is nothing to read, so there is
// nothing to export.
type keyring struct{ keys Shredder }

func (keyring) HolderName() string { return "vault" }

func (keyring) Places() []thimble.Place { return []thimble.Place{{Kind: "table", Name: "vault_keys"}} }

func (keyring) Export(context.Context, thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(func(thimble.Datum, error) bool) {}
}

func (k keyring) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	s, err := k.keys.Shred(ctx, who)
	if err != nil || !s.Existed {
		return thimble.Erasure{}, err
	}
	return thimble.Erasure{Erased: 1}, nil
}

// An Archive is everything held about a person.
type Archive struct {
	Report Report          `json:"report"`
	Data   []thimble.Datum `json:"data"`
}

// Access returns everything held about a person, from every holder.
func (d *Desk) Access(ctx context.Context, who thimble.SubjectID) (Archive, error) {
	r, err := d.store.Begin(ctx, who, Access)
	if err != nil {
		return Archive{}, fmt.Errorf("rights: opening an access request: %w", err)
	}
	var a Archive
	for _, h := range d.holders {
		line := HolderLine{Holder: h.HolderName()}
		for datum, err := range h.Export(ctx, who) {
			if err != nil {
				return Archive{}, fmt.Errorf("rights: request %s: %s: %w", r.ID.Token(TokenPrefix), h.HolderName(), err)
			}
			a.Data = append(a.Data, datum)
			line.Count++
		}
		r.Report.Holders = append(r.Report.Holders, line)
	}
	if err := d.store.Finish(ctx, r); err != nil {
		return Archive{}, fmt.Errorf("rights: closing request %s: %w", r.ID.Token(TokenPrefix), err)
	}
	a.Report = r.Report
	return a, nil
}

// eraseWithin bounds an erasure, training included. What it does not manage is
// taken up again.
const eraseWithin = 30 * time.Minute

// Erase forgets a person everywhere and returns what was done. It goes on when the
// caller goes away: a closed window does not stop it half-way. A call for somebody
// whose erasure was left open takes that up; one while it is under way is of kind
// ErrConflict; one after it finds nobody and is of kind ErrNotFound.
func (d *Desk) Erase(ctx context.Context, who thimble.SubjectID) (Report, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseWithin)
	defer cancel()
	r, err := d.store.Begin(ctx, who, Erase)
	if err != nil {
		return Report{}, fmt.Errorf("rights: opening an erasure: %w", err)
	}
	return d.erase(ctx, r)
}

// take marks an erasure as under way here, or reports that it is already.
func (d *Desk) take(id thimble.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.under[id] {
		return false
	}
	d.under[id] = true
	return true
}

func (d *Desk) leave(id thimble.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.under, id)
}

func (d *Desk) erase(ctx context.Context, r Request) (Report, error) {
	if !d.take(r.ID) {
		return Report{}, fmt.Errorf("rights: erasure %s is under way: %w", r.ID.Token(TokenPrefix), thimble.ErrConflict)
	}
	defer d.leave(r.ID)
	if r.Report.Models == nil {
		// What served before is noted before anything is erased: a resumed erasure
		// could not know it any more.
		r.Report.Models = &Models{Before: d.model()}
		if err := d.store.Note(ctx, r); err != nil {
			return Report{}, fmt.Errorf("rights: erasure %s: %w", r.ID.Token(TokenPrefix), err)
		}
	} else {
		r.Report.Resumed = true
	}
	lines, err := d.eraseAll(ctx, r)
	if err != nil {
		return Report{}, err
	}
	shredded, err := d.keys.Shred(ctx, r.Subject)
	if err != nil {
		return Report{}, fmt.Errorf("rights: erasure %s: destroying the keys: %w", r.ID.Token(TokenPrefix), err)
	}
	r.Report.Holders = lines
	r.Report.KeyHash = fmt.Sprintf("%x", shredded.KeyHash)
	r.Report.Models.After = d.model()
	if r.Report.Models.After == "" {
		r.Report.Models = nil // there is no model
	}
	if err := d.store.Finish(ctx, r); err != nil {
		return Report{}, fmt.Errorf("rights: closing erasure %s: %w", r.ID.Token(TokenPrefix), err)
	}
	return r.Report, nil
}

// passes bounds how often the holders are asked again for what arrived while they
// erased.
const passes = 3

// eraseAll asks each holder until none finds anything, then the derived ones.
func (d *Desk) eraseAll(ctx context.Context, r Request) ([]HolderLine, error) {
	lines := make([]HolderLine, len(d.holders))
	erase := func(i int) (int, error) {
		h := d.holders[i]
		e, err := h.Erase(ctx, r.Subject)
		if err != nil {
			return 0, fmt.Errorf("rights: erasure %s: %s: %w", r.ID.Token(TokenPrefix), h.HolderName(), err)
		}
		lines[i] = HolderLine{Holder: h.HolderName(), Count: lines[i].Count + e.Erased, Kept: append(lines[i].Kept, e.Kept...)}
		return e.Erased, nil
	}
	for range passes {
		found := 0
		for i, h := range d.holders {
			if _, derived := h.(Derived); derived {
				continue
			}
			n, err := erase(i)
			if err != nil {
				return nil, err
			}
			found += n
		}
		if found == 0 {
			break
		}
	}
	for i, h := range d.holders {
		if _, derived := h.(Derived); derived {
			if _, err := erase(i); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

// Resume finishes what a crash left open. It runs before anything is served, when
// no request can be under way. An access request is closed as it is: its reader
// has gone.
func (d *Desk) Resume(ctx context.Context) (int, error) {
	return d.finish(ctx, func(Request) bool { return true })
}

// Retry finishes the erasures that an error left open. It runs now and then while
// serving, and leaves alone what is under way.
func (d *Desk) Retry(ctx context.Context) (int, error) {
	return d.finish(ctx, func(r Request) bool { return r.Kind == Erase })
}

func (d *Desk) finish(ctx context.Context, which func(Request) bool) (done int, failed error) {
	open, err := d.store.Open(ctx)
	if err != nil {
		return 0, fmt.Errorf("rights: looking for open requests: %w", err)
	}
	for _, r := range open {
		if !which(r) {
			continue
		}
		if r.Kind == Erase {
			_, err = d.erase(ctx, r)
		} else {
			err = d.store.Finish(ctx, r)
		}
		switch {
		case err == nil:
			done++
		case !errors.Is(err, thimble.ErrConflict): // under way, or done meanwhile
			failed = errors.Join(failed, err)
		}
	}
	return done, failed
}

// Marshal returns the canonical form, to which the ledger's leaf commits.
func (r Report) Marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("rights: writing a report: %w", err)
	}
	return b, nil
}
