package devicedb

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend"
	"thimble/internal/recommend/device"
)

// A Catalog knows the products.
type Catalog interface {
	IDs(ctx context.Context, k catalog.Kind) ([]thimble.ItemID, error)
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// People are those who permit training, and what was learned from them; *lists.Shop has both.
type People interface {
	// Model returns the model that serves; nil when none does, or while somebody who has left
	// is not taken out of it yet.
	Model(ctx context.Context) (*recommend.Model, error)
	Publish(ctx context.Context, make func(context.Context, *recommend.Dataset) error, leave func(context.Context) error) error
}

// Deps are what a desk is made of.
type Deps struct {
	Store   *Store
	Catalog Catalog
	People  People
	Secret  func(ctx context.Context, name string) ([]byte, error) // of the signing key
	Chance  io.Reader                                              // of noise: crypto/rand.Reader
	Now     func() time.Time
	Log     *slog.Logger
	// Alike says which products are alike by their fields, and names those fields.
	Alike func([]catalog.Product) (fields []string, of func(thimble.ItemID) []device.Neighbour)
	// Bound, Budget and Needs are for tests; nil means those of package device.
	Bound  *device.Bound
	Budget *device.Budget
	Refuse func(people int) error
}

// A Desk makes the file that browsers are served, and carries out what the staff order.
type Desk struct {
	Deps
	*Store
	mu      sync.Mutex
	signer  *device.Signer
	content served
	counted served
	tried   time.Time // when a file without noise was last begun
}

// Served is a signed file.
type Served struct {
	device.Head
	Body  []byte
	Name  string // its SHA-256
	Items int
	Cells int
}

// served is a file that was made in memory, and of what.
type served struct {
	Served
	at    time.Time
	model *recommend.Model
	of    int64 // the acceptance
}

// How long files are valid, and made ones are kept before they are made anew.
const (
	ContentLife = 72 * time.Hour
	NoisedLife  = 90 * 24 * time.Hour
	AcceptLife  = 30 * 24 * time.Hour
	contentKept = 10 * time.Minute
	countedKept = 12 * time.Hour
	countedRest = 10 * time.Minute // between two, however often the model changes
)

// NewDesk returns a desk.
func NewDesk(d Deps) *Desk {
	if d.Bound == nil {
		d.Bound = &device.Bound{Items: 8}
	}
	if d.Budget == nil {
		b := device.TheBudget()
		d.Budget = &b
	}
	if d.Refuse == nil {
		d.Refuse = func(people int) error { return d.Bound.Refuse(people, d.Budget.Each()) }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Desk{Deps: d, Store: d.Store}
}

// Key is the public key of the files, as the SDK takes it.
func (d *Desk) Key(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.sign(ctx)
	if err != nil {
		return "", err
	}
	return s.Key(), nil
}

func (d *Desk) sign(ctx context.Context) (*device.Signer, error) {
	if d.signer != nil {
		return d.signer, nil
	}
	seed, err := d.Secret(ctx, "device/1")
	if err != nil {
		return nil, err
	}
	d.signer, err = device.NewSigner(seed)
	return d.signer, err
}

// Current returns the file to serve now: one without noise while that is accepted, else a
// noised one while it is valid, else that of the catalogue. One that cannot be made gives way
// to the next.
func (d *Desk) Current(ctx context.Context) (Served, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	signer, err := d.sign(ctx)
	if err != nil {
		return Served{}, err
	}
	if r, ok, err := d.standing(ctx, device.Counted); err != nil {
		return Served{}, err
	} else if ok {
		f, err := d.currentCounted(ctx, signer, r)
		if err == nil {
			return f, nil
		}
		d.Log.InfoContext(ctx, "no file without noise can be served to browsers now", slog.String("cause", err.Error()))
	}
	if r, ok, err := d.standing(ctx, device.Noised); err != nil {
		return Served{}, err
	} else if ok {
		f, err := opened(r.body, signer.Key(), d.Now())
		if err == nil {
			return f, nil
		}
		d.Log.ErrorContext(ctx, "the noised file for browsers cannot be used", slog.String("cause", err.Error()))
	}
	return d.currentContent(ctx, signer)
}

func opened(b []byte, key string, now time.Time) (Served, error) {
	f, err := device.Open(b, key, now)
	if err != nil {
		return Served{}, err
	}
	return Served{Head: f.Head, Body: b, Name: device.Name(b), Items: len(f.Items()), Cells: f.Cells()}, nil
}

func pack(f *device.File, signer *device.Signer) (Served, error) {
	b, err := signer.Sign(f)
	return Served{Head: f.Head, Body: b, Name: device.Name(b), Items: len(f.Items()), Cells: f.Cells()}, err
}

// The statements say in plain words whose data is in a file; browsers show them.
const (
	contentWords = "Made from the fields of the catalogue alone, such as category, name and price. No person is in it."
	countedWords = "Made from what people bought who permit that we learn from it. Only pairs that at least %d of them have in common are in it, without noise. It is valid for a day."
	noisedWords  = "Made from what people bought who permit that we learn from it, with noise that hides each of them: (ε %g, δ %g)-differential privacy for each person, of whom at most the last %d items count. It is not changed when somebody is erased later, and ends by itself."
)

// currentContent is the file of the catalogue. It is the same on every server for a day.
func (d *Desk) currentContent(ctx context.Context, signer *device.Signer) (Served, error) {
	now := d.Now().UTC()
	day := now.Truncate(24 * time.Hour)
	if d.content.Body != nil && now.Sub(d.content.at) < contentKept && d.content.Made.Equal(day) {
		return d.content.Served, nil
	}
	products, items, currency, err := d.products(ctx)
	if err != nil {
		return Served{}, err
	}
	fields, of := d.Alike(products)
	h := device.Head{Kind: device.Content, Made: day, Until: day.Add(ContentLife), Statement: contentWords, Fields: fields, Currency: currency}
	f, err := device.New(h, items, device.Rows(items, device.Width, of))
	if err != nil {
		return Served{}, err
	}
	made, err := pack(f, signer)
	if err == nil {
		d.content = served{Served: made, at: now}
	}
	return made, err
}

func (d *Desk) currentCounted(ctx context.Context, signer *device.Signer, r Release) (Served, error) {
	m, err := d.People.Model(ctx)
	if err != nil {
		return Served{}, err
	}
	now := d.Now().UTC()
	if c := d.counted; c.Body != nil && c.model == m && c.of == r.Number && now.Sub(c.at) < countedKept && now.After(c.at.Add(-time.Second)) {
		return c.Served, nil
	}
	d.counted = served{} // somebody who has left may be in it
	if m == nil {
		return Served{}, fmt.Errorf("device: no model serves, or somebody is being taken out of it: %w", thimble.ErrNotFound)
	}
	if since := now.Sub(d.tried); since >= 0 && since < countedRest {
		return Served{}, fmt.Errorf("device: the last one was begun a moment ago: %w", thimble.ErrUnavailable)
	}
	d.tried = now
	_, items, currency, err := d.products(ctx)
	if err != nil {
		return Served{}, err
	}
	until := now.Add(device.CountedLife)
	if r.Until.Before(until) {
		until = r.Until
	}
	h := device.Head{Kind: device.Counted, Made: now, Until: until, Statement: fmt.Sprintf(countedWords, device.LeastBehind), Currency: currency}
	var f *device.File
	err = d.People.Publish(ctx, func(_ context.Context, data *recommend.Dataset) (err error) {
		f, err = device.New(h, items, device.CountedRows(items, m, data, device.LeastBehind, device.MostCells))
		return err
	}, func(context.Context) error { return nil })
	if err != nil {
		return Served{}, err
	}
	if now, err := d.People.Model(ctx); err != nil || now != m {
		return Served{}, fmt.Errorf("device: somebody has left meanwhile: %w", thimble.ErrUnavailable)
	}
	made, err := pack(f, signer)
	if err == nil {
		d.counted = served{Served: made, at: now, model: m, of: r.Number}
	}
	return made, err
}

// Accept has files without noise served from now on, for thirty days at most.
func (d *Desk) Accept(ctx context.Context, o Order) (Release, error) {
	now := d.Now().UTC().Truncate(time.Microsecond)
	return d.release(ctx, Release{Kind: device.Counted, Made: now, Until: now.Add(AcceptLife), Order: o, Statement: fmt.Sprintf(countedWords, device.LeastBehind)}, *d.Budget)
}

// Release makes a noised file and has it served, unless the shop is too small or the budget
// is spent. Noise is drawn once for each spend: what did not leave is not spent, and is
// destroyed.
func (d *Desk) Release(ctx context.Context, o Order) (out Release, err error) {
	if err := o.Check(); err != nil {
		return out, err
	}
	each := d.Budget.Each()
	spent, err := d.Spent(ctx)
	if err == nil {
		err = d.Budget.Fits(spent, each) // before anybody's data is read
	}
	if err != nil {
		return out, err
	}
	d.mu.Lock()
	signer, err := d.sign(ctx)
	d.mu.Unlock()
	if err != nil {
		return out, err
	}
	_, items, currency, err := d.products(ctx)
	if err != nil {
		return out, err
	}
	g, err := each.Guarantee(d.Budget.Delta)
	if err != nil {
		return out, err
	}
	now := d.Now().UTC().Truncate(time.Second)
	out = Release{Kind: device.Noised, Made: now, Until: now.Add(NoisedLife), Order: o, Spend: each, Statement: fmt.Sprintf(noisedWords, g.Epsilon, g.Delta, d.Bound.Items)}
	err = d.People.Publish(ctx, func(_ context.Context, data *recommend.Dataset) error {
		if err := d.Refuse(data.People()); err != nil {
			return err
		}
		pairs := device.NewPairs(items, *d.Bound)
		for history := range data.Histories() {
			pairs.Add(history)
		}
		noised, err := pairs.Noised(each, d.Chance)
		if err != nil {
			return err
		}
		h := device.Head{Kind: device.Noised, Made: out.Made, Until: out.Until, Statement: out.Statement, Currency: currency}
		f, err := device.New(h, items, noised.Rows(len(items), device.Width))
		if err != nil {
			return err
		}
		out.body, err = signer.Sign(f)
		out.SHA256 = device.Name(out.body)
		return err
	}, func(ctx context.Context) (err error) {
		out, err = d.release(ctx, out, *d.Budget)
		return err
	})
	return out, err
}

// products are those of the catalogue that are goods, in ascending order, as a file has them.
func (d *Desk) products(ctx context.Context) (all []catalog.Product, items []device.Item, currency string, err error) {
	ids, err := d.Catalog.IDs(ctx, catalog.Goods)
	if err != nil {
		return nil, nil, "", err
	}
	const step = 500
	for from := 0; from < len(ids); from += step {
		some, err := d.Catalog.Get(ctx, ids[from:min(from+step, len(ids))]...)
		if err != nil {
			return nil, nil, "", err
		}
		for _, p := range some {
			if p.Availability == catalog.Withdrawn {
				continue
			}
			all = append(all, p)
			if currency == "" && p.Price.Minor > 0 {
				currency = p.Price.Currency
			}
		}
	}
	for _, p := range all {
		it := device.Item{ID: p.ID, Name: p.Name, Category: p.Category}
		if p.Price.Currency == currency {
			it.Price = p.Price.Minor
		}
		items = append(items, it)
	}
	return all, device.Sorted(items), currency, nil
}

// Digest shows a key in short.
func Digest(key string) string {
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return ""
	}
	return device.Name(b)[:16]
}
