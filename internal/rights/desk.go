package rights

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"thimble"
)

// A Derived holder keeps only what it makes from the others, such as a model. It is
// asked after them, and once.
type Derived interface {
	thimble.Holder
	Derived()
}

// A Settler keeps something in memory before it is durable. It is asked to write it
// before an archive is made.
type Settler interface {
	Flush(ctx context.Context) error
}

// People knows who is one person with whom.
type People interface {
	// Members returns the subjects that are one person with s, the one that stands
	// for all first.
	Members(ctx context.Context, s thimble.SubjectID) ([]thimble.SubjectID, error)
}

// Snapshots runs f with a context in which everything is read as of one instant;
// *sqldb.DB does for all that lies in it.
type Snapshots interface {
	Snapshot(ctx context.Context, f func(context.Context) error) error
}

// Config has working zero values.
type Config struct {
	People    People    // nil: everybody is one alone
	Snapshots Snapshots // nil: exports are read as they come
	Now       func() time.Time
	Amends    Amends // what a correction reaches
	// Surroundings know what a certificate says; nil: there are no certificates.
	Surroundings Surroundings
	Holds        Holds // nil: nothing is held
	// Left is told of a request that an error has left open, for [Desk.Retry]; nil: nobody is.
	Left func()
}

// A Desk executes requests.
type Desk struct {
	store   Store
	holders []thimble.Holder
	keys    Shredder
	model   func() string // the serving model's hash in hexadecimal; "" for none
	cfg     Config

	mu    sync.Mutex
	under map[thimble.ID]bool // requests under way in this process
}

// NewDesk returns a desk over all holders. Their order is the order in which they
// erase: first the one that knows who exists, so that nothing is opened any more.
func NewDesk(s Store, keys Shredder, model func() string, holders ...thimble.Holder) *Desk {
	d := &Desk{store: s, holders: holders, keys: keys, model: model, under: map[thimble.ID]bool{}}
	return d.With(Config{})
}

// With gives a desk what it may know besides, before its first use.
func (d *Desk) With(cfg Config) *Desk {
	if cfg.People == nil {
		cfg.People = alone{}
	}
	if cfg.Snapshots == nil {
		cfg.Snapshots = asItComes{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Left == nil {
		cfg.Left = func() {}
	}
	d.cfg = cfg
	return d
}

// Holders returns who is looped over, and the keys, which are destroyed last.
func (d *Desk) Holders() []thimble.Holder {
	return append(slices.Clone(d.holders), keyring{keys: d.keys})
}

// alone is everybody as long as nobody was merged.
type alone struct{}

func (alone) Members(_ context.Context, s thimble.SubjectID) ([]thimble.SubjectID, error) {
	return []thimble.SubjectID{s}, nil
}

type asItComes struct{}

func (asItComes) Snapshot(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

// members returns a person's subjects, the one that stands for all first.
func (d *Desk) members(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error) {
	all, err := d.cfg.People.Members(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("rights: asking who somebody is: %w", err)
	}
	if len(all) == 0 {
		return []thimble.SubjectID{who}, nil
	}
	return all, nil
}

// within bounds a request, training included. What it does not manage is taken up
// again.
const within = 30 * time.Minute

// patiently is a context that does not end when the caller goes away: a closed window
// does not stop a request half-way.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), within)
}

// take marks a request as under way here, or reports that it is already.
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

// first runs a request that was opened now.
func (d *Desk) first(ctx context.Context, r Request) (Report, error) {
	report, err := d.run(ctx, r)
	if err != nil && !errors.Is(err, thimble.ErrConflict) { // one that is under way was left by nobody
		d.cfg.Left()
	}
	return report, err
}

// run executes an open request and closes it.
func (d *Desk) run(ctx context.Context, r Request) (Report, error) {
	if !d.take(r.ID) {
		return Report{}, fmt.Errorf("rights: request %s is under way: %w", r.ID.Token(TokenPrefix), thimble.ErrConflict)
	}
	defer d.leave(r.ID)
	err := d.execute(ctx, &r)
	if err == nil {
		err = d.store.Finish(ctx, r)
	}
	if err != nil {
		return Report{}, fmt.Errorf("rights: %s %s: %w", r.Kind, r.ID.Token(TokenPrefix), err)
	}
	return r.Report, nil
}

func (d *Desk) execute(ctx context.Context, r *Request) error {
	if r.Subject.IsZero() && r.Kind != Expire && r.Kind != Unmerge {
		r.Report.Refused = "the person was erased meanwhile"
		return nil
	}
	switch r.Kind {
	case Access:
		return nil // its reader has gone
	case Erase:
		return d.erase(ctx, r)
	case Merge:
		return d.merge(ctx, r)
	case Unmerge:
		return d.unmerge(ctx, r)
	case Rectify:
		return d.rectify(ctx, r)
	}
	return d.apply(ctx, r)
}

// Resume finishes what a crash left open. It runs before anything is served, when
// no request can be under way. An access request is closed as it is.
func (d *Desk) Resume(ctx context.Context) (int, error) {
	return d.finish(ctx, func(Request) bool { return true })
}

// Retry finishes the requests that an error left open, and those that are opened in
// the transaction they follow from. It runs now and then while serving, and leaves
// alone what is under way, and who reads.
func (d *Desk) Retry(ctx context.Context) (int, error) {
	return d.finish(ctx, func(r Request) bool { return r.Kind != Access })
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
		_, err := d.run(ctx, r)
		switch {
		case err == nil:
			done++
		case !errors.Is(err, thimble.ErrConflict): // under way, or done meanwhile
			failed = errors.Join(failed, err)
		}
	}
	return done, failed
}
