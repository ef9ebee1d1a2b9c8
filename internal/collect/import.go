package collect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"thimble"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// A Door says what may be collected: the gate does. Its denial is an error of kind
// ErrDenied.
type Door interface {
	Collect(ctx context.Context, purpose thimble.Purpose, categories ...thimble.Category) error
}

// A Store keeps imports: collectdb does.
type Store interface {
	// Begin finds the import of the source or opens one.
	Begin(ctx context.Context, kind Kind, name string, source []byte) (Run, error)
	// Feed finds or opens the import without end of a feed.
	Feed(ctx context.Context, kind Kind, feed string) (Run, error)
	// Shop returns what stands before the numbers of another shop, which is known from
	// then on.
	Shop(ctx context.Context, name string) (prefix string, err error)
	// Shops lists the other shops.
	Shops(ctx context.Context) ([]string, error)
}

// A Run is one import at work.
type Run interface {
	// State reads how far the import has come, by whoever's hand.
	State(ctx context.Context) (State, error)
	// Plan readies a batch outside of any transaction: whose orders they are, keys,
	// seals. A batch is planned while the one before it may not be saved yet, and
	// may be planned again at the same time as a later one. Save writes the batch and the
	// import's progress in one transaction; its error is of kind ErrConflict when
	// the state has moved on since, and then the batch is planned anew.
	Plan(ctx context.Context, b Batch) (save func(context.Context) error, err error)
	// Rejects lists the first rejected rows.
	Rejects(ctx context.Context) ([]Reject, error)
}

// Options of an import; the zero value works.
type Options struct {
	Strict      bool           // stop at the first broken row; its batch is not written
	BatchOrders int            // in one transaction; 0 means 500 orders, or 2000 other rows
	Zone        *time.Location // of dates that name none; nil means UTC
	Currency    string         // of prices, with two decimals; "" means GBP
	DateLayout  string         // of package time; "" means the ISO 8601 forms
	// Map is the confirmed mapping; zone, currency and layout are in it. Without one only
	// orders under the names of docs/collect.md are read.
	Map *table.Mapping
	Now time.Time // zero means now; nothing is from after tomorrow

	prefix   string         // before the numbers of customers, orders and reviews
	object   *table.Parsed  // what a feed has delivered, in the place of a text
	Progress func(Progress) // called between batches, by one goroutine
}

func (o Options) normal(k Kind) (Options, error) {
	if o.BatchOrders == 0 {
		// A batch costs two commits, and is lost when the power goes out within it.
		o.BatchOrders = 2000
		if k == Orders {
			o.BatchOrders = 500
		}
	}
	o.Currency = cmp.Or(o.Currency, "GBP")
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.BatchOrders < 1 || o.BatchOrders > 10_000 {
		return o, fmt.Errorf("collect: a batch must have 1 to 10000 orders: %w", thimble.ErrInvalid)
	}
	if !isCurrency(o.Currency) {
		return o, fmt.Errorf("collect: the currency must be three capital letters: %w", thimble.ErrInvalid)
	}
	return o, nil
}

func (o Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Now()
	}
	return o.Now
}

// reading is the version of what rows mean. It is part of a source's identity, so
// that a newer Thimble does not resume what an older one read differently.
const reading = "thimble %s 2"

// identity names the source and whatever changes the meaning of its rows.
func (o Options) identity(k Kind, content []byte) ([]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, reading+"\n%q %q %q\n%x", k, o.Zone, o.Currency, o.DateLayout, content)
	if o.Map != nil {
		b, err := o.Map.Bytes()
		if err != nil {
			return nil, err
		}
		h.Write(b)
	}
	return h.Sum(nil), nil
}

// An Importer imports files.
type Importer struct {
	store Store
	door  Door
}

// New returns an importer.
func New(store Store, door Door) *Importer { return &Importer{store: store, door: door} }

// Orders is Import of orders.
func (im *Importer) Orders(ctx context.Context, src Source, opt Options) (Report, error) {
	return im.Import(ctx, Orders, src, opt)
}

// Import imports a source. With an error it returns what was done until then; the same
// call takes it up again.
func (im *Importer) Import(ctx context.Context, kind Kind, src Source, opt Options) (Report, error) {
	report := Report{Name: src.Name, Kind: kind}
	opt, err := opt.normal(kind)
	if err != nil {
		return report, err
	}
	if opt.Map != nil {
		if err := CheckMapping(kind, *opt.Map); err != nil {
			return report, err
		}
	} else if kind != Orders {
		return report, fmt.Errorf("collect: %s need a mapping that somebody has confirmed: %w", kind, thimble.ErrInvalid)
	}
	may, err := im.ask(ctx, kind, opt.Map)
	report.Withheld, report.NotKept = may.withheld, may.notKept
	if err != nil {
		return report, err
	}
	if opt.prefix, err = im.whose(ctx, kind, opt.Map); err != nil {
		return report, err
	}
	content, size, err := digest(ctx, src)
	if err != nil {
		return report, err
	}
	// The header is read before the import has a row: what is no order file leaves
	// no trace.
	job := job{kind: kind, src: src, opt: opt, may: may, content: content, size: size}
	if err := job.probe(ctx); err != nil {
		return report, err
	}
	identity, err := opt.identity(kind, content)
	if err != nil {
		return report, err
	}
	if job.run, err = im.store.Begin(ctx, kind, src.Name, identity); err != nil {
		return report, err
	}
	if job.state, err = job.run.State(ctx); err != nil {
		return report, err
	}
	report.Import, report.Repeated = job.state.ID, job.state.Finished
	report.Resumed = !job.state.Finished && job.state.Line > 0
	if !job.state.Finished {
		err = job.work(ctx)
	}
	// What was done is told even when the caller has hung up.
	return report, errors.Join(err, job.tell(context.WithoutCancel(ctx), &report))
}

// allowed is what the door lets in.
type allowed struct {
	denied   map[thimble.Category]bool
	withheld []thimble.Category
	notKept  map[thimble.Category]string
	nobodys  *tally // reviews of nobody so far; the batches of a source come in their order
}

func (may allowed) ok(c thimble.Category) bool { return !may.denied[c] }

// ask asks the door for each category that the source may have. Orders without
// purchase history are none, so its denial is the import's; and an answer other than
// yes or no is no answer. What no field of the data map needs is not asked for: nothing
// would keep it.
func (im *Importer) ask(ctx context.Context, kind Kind, m *table.Mapping) (allowed, error) {
	may := allowed{denied: map[thimble.Category]bool{}, nobodys: newTally()}
	for _, n := range specs[kind].needs {
		if m != nil && len(n.fields) > 0 && !slices.ContainsFunc(n.fields, func(f string) bool { return m.Columns[f] != "" }) {
			continue
		}
		if m == nil && n.category == emailCategory {
			continue // files that need no mapping have none
		}
		err := im.door.Collect(ctx, thimble.EssentialService, n.category)
		if err == nil {
			continue
		}
		may.denied[n.category] = true
		may.withheld = append(may.withheld, n.category)
		if decided, ok := errors.AsType[*NotKept](err); ok {
			if may.notKept == nil {
				may.notKept = map[thimble.Category]string{}
			}
			may.notKept[n.category] = decided.Error()
		}
		if n.must || !errors.Is(err, thimble.ErrDenied) {
			return may, fmt.Errorf("collect: asking to collect %s: %w", n.category, err)
		}
	}
	return may, nil
}

// strip takes out what the door denies.
func (may allowed) strip(b Batch) Batch {
	for i := range b.Sales {
		s := &b.Sales[i]
		s.Anonymous = !may.ok(s.Customer.Kind.Category())
		if !may.ok(thimble.Country) {
			s.Order.Country, s.Countryless = "", false
		}
	}
	for i := range b.Reviews {
		r := &b.Reviews[i]
		r.Anonymous = !may.ok(r.Customer.Kind.Category())
		if r.Nobodys() {
			may.nobodys.number(r)
		}
	}
	for i := range b.People {
		may.stripCustomer(&b.People[i])
	}
	return b
}

func (may allowed) stripCustomer(c *Customer) {
	c.All = c.IDs
	c.IDs = slices.DeleteFunc(slices.Clone(c.IDs), func(id subject.Identifier) bool { return !may.ok(id.Kind.Category()) })
	c.Dropped += int64(len(c.All) - len(c.IDs))
	if !may.ok(NameCategory) {
		c.Name = thimble.Hide("")
	}
	if !may.ok(StateCategory) {
		c.Region = thimble.Hide("")
	}
	if !may.ok(thimble.Country) {
		c.Country = ""
	}
	if !may.ok(subject.AgeCategory) {
		c.Age = ""
	}
}

// A job is one run of one import.
type job struct {
	kind    Kind
	src     Source
	opt     Options
	may     allowed
	content []byte
	size    int64
	run     Run
	state   State
}

func (j *job) probe(ctx context.Context) error {
	s, err := openStream(ctx, j.src)
	if err != nil {
		return err
	}
	_, err = newBatcher(j.kind, s.text, j.opt, 0)
	return errors.Join(err, s.Close())
}

// A step is a batch on its way through the pipeline, or the error that ends it:
// batches before an error are still saved.
type step struct {
	batch Batch
	save  func(context.Context) error
	err   error
}

// work reads, plans and saves at the same time: while one batch is being committed
// the next is sealed and the one after it parsed.
func (j *job) work(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var stages sync.WaitGroup
	defer stages.Wait()
	defer cancel()
	read, planned := make(chan step, 2), make(chan step, 1)
	from := j.state.Line
	stages.Go(func() { defer close(read); j.read(ctx, from, read) })
	stages.Go(func() { defer close(planned); j.plan(ctx, from, read, planned) })
	for s := range planned {
		if s.err == nil {
			s.err = j.save(ctx, s)
		}
		if s.err != nil {
			return s.err
		}
		c := j.state.Counts
		j.opt.Progress(Progress{Bytes: s.batch.Bytes, Total: j.size, Rows: c.Rows, Orders: c.Orders, Rejected: c.Rejected, Written: c.Written})
	}
	return ctx.Err()
}

// send reports whether the next stage took the step.
func send(ctx context.Context, out chan<- step, s step) bool {
	select {
	case out <- s:
		return s.err == nil
	case <-ctx.Done():
		return false
	}
}

func (j *job) read(ctx context.Context, from int64, out chan<- step) {
	s, err := openStream(ctx, j.src)
	if err != nil {
		send(ctx, out, step{err: err})
		return
	}
	defer s.Close() //nolint:errcheck // it was only read
	r, err := newBatcher(j.kind, s.text, j.opt, from)
	for err == nil {
		var b Batch
		b, err = r.next()
		if err == nil && b.Last {
			err = s.check(j.content)
		}
		if err == nil {
			b.Bytes = min(s.read.Load(), j.size)
			if !send(ctx, out, step{batch: j.may.strip(b)}) {
				return
			}
		}
	}
	if errors.Is(err, io.EOF) {
		return
	}
	if !errors.Is(err, thimble.ErrInvalid) {
		err = s.failure(err)
	}
	send(ctx, out, step{err: err})
}

func (j *job) plan(ctx context.Context, from int64, in <-chan step, out chan<- step) {
	for s := range in {
		if s.err == nil && s.batch.To <= from && !s.batch.Last {
			continue // an earlier run has committed it
		}
		if s.err == nil {
			s.batch = s.batch.after(from)
			s.save, s.err = j.run.Plan(ctx, s.batch)
		}
		if !send(ctx, out, s) {
			return
		}
	}
}

// patience is how often a batch that met another importer is planned anew.
const patience = 10

// save writes a batch. When somebody else has moved the import or its people on,
// it looks at what is left to do.
func (j *job) save(ctx context.Context, s step) error {
	b, save := s.batch, s.save
	for try := 0; ; try++ {
		var err error
		if j.done(b) {
			return nil
		}
		if err = save(ctx); err == nil {
			j.state, err = j.run.State(ctx)
			return err
		}
		if !errors.Is(err, thimble.ErrConflict) || try == patience {
			return err
		}
		if j.state, err = j.run.State(ctx); err != nil {
			return err
		}
		if b = b.after(j.state.Line); j.done(b) {
			return nil
		}
		if save, err = j.run.Plan(ctx, b); err != nil {
			return err
		}
	}
}

// done reports whether nothing of the batch is left.
func (j *job) done(b Batch) bool {
	return j.state.Finished || b.To <= j.state.Line && !b.Last
}

// tell fills in what the import has done over all its runs.
func (j *job) tell(ctx context.Context, r *Report) error {
	state, err := j.run.State(ctx)
	if err != nil {
		return err
	}
	r.Finished, r.Counts = state.Finished, state.Counts
	r.Rejects, err = j.run.Rejects(ctx)
	return err
}
