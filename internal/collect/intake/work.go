package intake

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/segment"
	"thimble/internal/gate"
)

// An item is one event on its way.
type item struct {
	ev     *segment.Event
	name   name
	who    thimble.SubjectID // zero: unknown
	can    gate.Permission
	closed uint64     // classes that are permitted, and not kept by decision
	denied gate.Pairs // by signals
	mask   uint64
	repeat frame.Key
	order  frame.Key
	drop   Drop // "" while it is to be kept
	said   bool // what somebody has just chosen was taken down
	record int  // its place in the records, -1 without one
	owner  int  // its person's place among the owners
}

// heard is the state of an event that says who is who, or what somebody permits: that
// is taken down, and nothing else of it. It counts as kept.
const heard Drop = "heard"

// work is what one body needs on its way. It is used again.
type work struct {
	in     *Intake
	run    *running
	reader *segment.Reader
	hash   *hasher

	ctx     context.Context
	src     Source
	b       *segment.Body
	arrival Arrival

	items   []item
	records []frame.Record
	parts   []frame.Part
	counts  []frame.Count
	plain   []byte
	sealed  []byte
	unknown []int // items whose name is to be looked up
	owners  []thimble.SubjectID
	seen    map[thimble.SubjectID]int // the places of the owners
	seals   thimble.Seals
	judged  []gate.Judged       // who has a record
	there   []thimble.SubjectID // whom the events are about
	random  []byte
	cell    thimble.Cell // of the part that is being sealed
	result  frame.Appended
}

func newWork(in *Intake, r *running) *work {
	return &work{in: in, run: r, reader: segment.NewReader(r.plan), hash: in.keys.hasher(), seen: map[thimble.SubjectID]int{}}
}

func (w *work) begin(ctx context.Context, src Source, b *segment.Body, a Arrival) {
	w.ctx, w.src, w.b, w.arrival, w.result = ctx, src, b, a, frame.Appended{}
	w.items, w.records, w.parts, w.counts = w.items[:0], w.records[:0], w.parts[:0], w.counts[:0]
	w.plain, w.sealed, w.unknown, w.owners = w.plain[:0], w.sealed[:0], w.unknown[:0], w.owners[:0]
}

// forget wipes what was plain.
func (w *work) forget() {
	clear(w.plain[:cap(w.plain)])
	clear(w.items[:cap(w.items)])
	clear(w.records[:cap(w.records)])
	clear(w.seen)
	w.ctx, w.b, w.arrival, w.seals = nil, nil, Arrival{}, nil
}

// take does all that is done to a body that was read.
func (w *work) take() error {
	w.sort()
	if err := w.identify(); err != nil {
		return err
	}
	for _, step := range []func(*work) error{(*work).strangers, (*work).hear, (*work).permit, (*work).devices, (*work).traits, (*work).prepare} {
		if err := step(w); err != nil {
			return err
		}
	}
	w.draw()
	for i := range w.items {
		if err := w.write(i); err != nil {
			return err
		}
	}
	return w.settle()
}

// sort puts aside what is not planned or came before, and reads what the rest says of
// consent.
func (w *work) sort() {
	shared := w.run.signals.gpc(w.arrival.GPC).Or(w.run.signals.of(w.hash, w.b, &w.b.Shared))
	for i := range w.b.Events {
		ev := &w.b.Events[i]
		it := item{ev: ev, record: -1}
		it.repeat = w.hash.repeat(w.src.Number, w.b.Bytes(ev.MessageID))
		switch {
		case w.in.deps.Log.Seen(it.repeat):
			it.drop = Repeated
		case ev.Call == segment.Alias && w.src.Trusted(), w.src.Consents && ev.Call == segment.Track && string(w.b.Bytes(ev.Name)) == Preference:
			it.drop = heard
			it.denied = shared.Or(w.run.signals.of(w.hash, w.b, &ev.Signals))
		case ev.Message == nil:
			it.drop = Unplanned
		default:
			it.denied = shared.Or(w.run.signals.of(w.hash, w.b, &ev.Signals))
			if w.src.Trusted() && once(ev.Message) {
				if order := w.b.OrderID(ev); len(order) > 0 {
					it.order = w.hash.order(w.src.Number, order, ev.Message.Name)
				}
			}
			if it.order != (frame.Key{}) && w.in.deps.Log.Seen(it.order) {
				it.drop = Repeated
			}
		}
		w.items = append(w.items, it)
	}
}

// permit finds what of each event may be kept, and whether an alias may join anybody.
func (w *work) permit() error {
	for i := range w.items {
		it := &w.items[i]
		alias := it.drop == heard && it.ev.Call == segment.Alias
		if it.drop != "" && !alias {
			continue
		}
		if err := w.mask(it); err != nil {
			return err
		}
		switch {
		case alias:
		case it.who.IsZero():
			// Nobody was made of them: what happened is counted, and that is all.
			it.drop = Nobody
		case it.closed>>it.ev.Message.Class&1 == 1:
			it.drop = NotKept
		case it.mask>>it.ev.Message.Class&1 == 0:
			it.drop = Denied
		}
	}
	return nil
}

// mask asks what is permitted of the person of an event now.
func (w *work) mask(it *item) (err error) {
	it.can, err = w.run.door.Permits(w.ctx, it.who)
	if err == nil && !it.can.Known && !it.who.IsZero() {
		// They were erased since they were found.
		it.who = thimble.SubjectID{}
		it.can, err = w.run.door.Permits(w.ctx, it.who)
	}
	if err != nil {
		return unavailable(err)
	}
	may := w.run.door.Mask(it.can.Pairs.Without(it.denied))
	closed := w.run.closed(w.in.deps.NotKept)
	it.mask, it.closed = may&^closed, may&closed
	return nil
}

// prepare has the keys of everybody at hand.
func (w *work) prepare() error {
	for i := range w.items {
		it := &w.items[i]
		if it.drop != "" {
			continue
		}
		n, there := w.seen[it.who]
		if !there {
			n = len(w.owners)
			w.seen[it.who], w.owners = n, append(w.owners, it.who)
		}
		it.owner = n
	}
	if len(w.owners) == 0 {
		return nil
	}
	var err error
	w.seals, err = w.in.deps.Vault.Prepare(w.ctx, frame.Class, w.arrival.At, w.owners...)
	if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
		return nil // one was erased meanwhile; sealing tells who
	}
	return unavailable(err)
}

// draw draws the ids of records.
func (w *work) draw() {
	n := len(w.items) * len(thimble.ID{})
	if cap(w.random) < n {
		w.random = make([]byte, n)
	}
	w.random = w.random[:n]
	random(w.random)
	// The records hold on to each other's parts: no list may move while they grow.
	if cap(w.records) < len(w.items) {
		w.records = make([]frame.Record, 0, len(w.items))
	}
}

// write makes the record of an event: sealed parts, or counts, which are of a day and say
// nothing of an order; of a choice that was taken down only that it came.
func (w *work) write(i int) error {
	it := &w.items[i]
	rec := frame.Record{ID: thimble.ID(w.random[i*16:]), Received: w.arrival.At.UnixMicro(), Source: w.src.Number, Repeat: it.repeat, Order: it.order, Subject: it.who}
	switch {
	case it.said:
		w.records = append(w.records, frame.Record{Repeat: it.repeat})
		return nil
	case it.drop == Nobody:
		day := w.arrival.At.Truncate(24 * time.Hour).UnixMicro()
		rec = frame.Record{ID: rec.ID, Received: day, Source: rec.Source, Repeat: rec.Repeat, Counts: w.count(it)}
		if len(rec.Counts) == 0 {
			return nil
		}
	case it.drop != "":
		return nil
	}
	it.record = len(w.records)
	w.records = append(w.records, rec)
	if it.drop == Nobody {
		return nil
	}
	return w.seal(it)
}

// seal seals what the mask permits, one part for each category.
func (w *work) seal(it *item) error {
	rec := &w.records[it.record]
	it.ev.Country = w.country(it)
	first := len(w.parts)
	for left := w.b.Parts(it.ev, it.mask); left != 0; left &= left - 1 {
		place := bits.TrailingZeros64(left)
		var ok bool
		if w.plain, ok = w.b.EmitPart(w.plain[:0], it.ev, it.mask, place); !ok {
			continue
		}
		category := w.b.Category(place)
		w.cell = frame.PartCell(rec, category)
		from := len(w.sealed)
		var err error
		w.sealed, err = w.seals.Append(w.sealed, it.owner, &w.cell, w.plain)
		if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
			w.lose(it)
			return nil
		}
		if err != nil {
			return unavailable(err)
		}
		w.parts = append(w.parts, frame.Part{Category: category, Sealed: w.sealed[from:len(w.sealed):len(w.sealed)]})
	}
	rec.Parts = w.parts[first:len(w.parts):len(w.parts)]
	return nil
}

// lose drops an event of somebody whose key is gone: they were erased meanwhile.
func (w *work) lose(it *item) {
	it.drop = Gone
	w.void(it)
}

// void takes a record away that is not to be written after all.
func (w *work) void(it *item) {
	w.records[it.record] = frame.Record{}
	it.record = -1
}

// again is how often what is permitted is asked for before the sender is told to come
// again.
const again = 4

// settle asks once more, now that everything is ready, writes anew what changed, and has
// the log take it while nobody's choices change. When somebody does not come to rest,
// nothing is kept: what they permit must not be lost, and nothing else be written.
func (w *work) settle() error {
	for round := range again {
		if err := w.run.door.Ready(w.ctx); err != nil {
			return fmt.Errorf("intake: %w", err)
		}
		w.judged = w.judged[:0]
		for i := range w.items {
			it := &w.items[i]
			if round > 0 && it.record >= 0 && !w.run.door.Holds(it.who, &it.can) {
				if err := w.anew(it); err != nil {
					return err
				}
			}
			if it.record >= 0 {
				w.judged = append(w.judged, gate.Judged{Who: it.who, Permission: &it.can})
			}
		}
		if ran, err := w.run.door.Write(w.ctx, w.judged, w.append); ran || err != nil {
			return err
		}
	}
	return fmt.Errorf("intake: somebody's choices kept changing: %w", thimble.ErrUnavailable)
}

// anew judges an event again, and seals again what may be kept of it now.
func (w *work) anew(it *item) error {
	was, who := it.mask, it.who
	if err := w.mask(it); err != nil {
		return err
	}
	switch {
	case it.who != who:
		w.lose(it)
	case who.IsZero() || it.mask == was:
	case it.mask>>it.ev.Message.Class&1 == 0:
		it.drop = Denied
		w.void(it)
	default:
		return w.seal(it)
	}
	return nil
}

// append writes the records.
func (w *work) append(ctx context.Context) (err error) {
	kept := w.records[:0]
	for _, r := range w.records {
		if r.Repeat != (frame.Key{}) { // else it was taken away
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	if w.result, err = w.in.deps.Log.Append(ctx, kept); err != nil {
		return fmt.Errorf("intake: %w", err)
	}
	return nil
}

// here says whom the events are about: they are there, whatever may be kept of them.
func (w *work) here() {
	if w.in.deps.Here == nil {
		return
	}
	w.there = w.there[:0]
	for i := range w.items {
		if who := w.items[i].who; !who.IsZero() && (len(w.there) == 0 || w.there[len(w.there)-1] != who) {
			w.there = append(w.there, who)
		}
	}
	if len(w.there) > 0 {
		w.in.deps.Here(w.there...)
	}
}

// taken says what became of the body.
func (w *work) taken() Taken {
	t := Taken{Events: len(w.b.Events) + len(w.b.Refused), Dropped: map[Drop]int{}}
	for i := range w.items {
		if it := &w.items[i]; it.drop != "" && it.drop != heard {
			t.Dropped[it.drop]++
		} else {
			t.Kept++
		}
	}
	if n := len(w.b.Refused); n > 0 {
		t.Dropped[Broken] += n
	}
	// What another body brought at the same moment is known to the log alone. It does
	// not say which it was: those that were to be kept are taken for it first.
	if n := min(w.result.Repeated, t.Kept); n > 0 {
		t.Kept -= n
		t.Dropped[Repeated] += n
	}
	return t
}

// unavailable makes an error of a store one that asks to be sent again.
func unavailable(err error) error {
	if err == nil || errors.Is(err, thimble.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("intake: %w (%w)", err, thimble.ErrUnavailable)
}
