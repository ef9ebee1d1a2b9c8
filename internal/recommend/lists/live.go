package lists

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// A Leaver is one change of somebody who may be in a model that is kept: it was written
// down in the transaction of the change.
type Leaver struct {
	Row thimble.ID
	Who thimble.SubjectID
}

// material is what the versions that are kept were made of, in the memory of the process that
// made them. It is used under the lock of trainings.
type material struct {
	mu      sync.Mutex // of the sets: who notices a leaver looks into them, without that lock
	people  *gate.Cohort
	sets    map[int64]*set // by number of the version
	leftOut int64          // the revision of the list of who is left out of learning
	at      time.Time      // since when everybody in them permitted it, as far as was looked
}

// A notice is what is known of those who are to be taken out of the model that serves.
type notice struct {
	mu      sync.Mutex
	version int64
	rows    map[thimble.ID]bool
	stale   map[thimble.ItemID]bool
	whole   bool // nothing of the model may be shown
}

// shown is the model that serves, with the items whose columns knew somebody who has left.
type shown struct {
	*serving
	stale map[thimble.ItemID]bool
}

// mostNoticed bounds how many leavers a list waits to be looked at. Of more, nothing of
// the model is shown until they are taken out.
const mostNoticed = 64

// shows returns the model that serves, and what of it may not be shown; nil when none
// serves, or nothing of it may be. Who leaves is written down in the transaction that says
// so, and the rows are read first: no list that begins later has a column that knew them.
func (s *Shop) shows(ctx context.Context) (*shown, error) {
	if s.live.Load() == nil {
		return nil, nil
	}
	turn, waiting, err := s.Leaving.Waiting(ctx, mostNoticed+1)
	if err != nil {
		return nil, err
	}
	if turn != s.turn.Load() && !s.turned(ctx, turn) {
		return nil, nil
	}
	now := s.live.Load()
	if now == nil {
		return nil, nil
	}
	if len(waiting) == 0 {
		return &shown{serving: now}, nil
	}
	stale, whole := s.noticed(ctx, now, waiting)
	if whole {
		return nil, nil
	}
	return &shown{now, stale}, nil
}

// turned takes up what the registry has serve, when rows were deleted since the model was
// read: it may be one from before somebody was taken out. It reports false while it cannot.
func (s *Shop) turned(ctx context.Context, turn int64) bool {
	if !s.training.TryLock() {
		return false
	}
	defer s.training.Unlock()
	if err := s.follow(ctx); err != nil {
		s.Log.WarnContext(ctx, "what serves cannot be read again", slog.String("cause", err.Error()))
		return false
	}
	s.turn.Store(turn)
	return true
}

// noticed returns the items whose columns the leavers make stale, or that nothing may be
// shown: while the set is not here, or is just being changed.
func (s *Shop) noticed(ctx context.Context, now *serving, waiting []Leaver) (stale map[thimble.ItemID]bool, whole bool) {
	n := &s.notices
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.version == now.version.Number && !slices.ContainsFunc(waiting, func(l Leaver) bool { return !n.rows[l.Row] }) {
		return n.stale, n.whole
	}
	h := s.held.Load()
	if h == nil || len(waiting) > mostNoticed || !h.mu.TryLock() {
		return nil, true
	}
	defer h.mu.Unlock()
	of := h.sets[now.version.Number]
	if of == nil {
		return nil, true
	}
	items, err := s.stale(ctx, now.model, of, waiting)
	if err != nil {
		s.Log.WarnContext(ctx, "it is not known what may still be shown", slog.String("cause", err.Error()))
		return nil, true
	}
	n.version, n.rows, n.stale = now.version.Number, map[thimble.ID]bool{}, map[thimble.ItemID]bool{}
	for _, l := range waiting {
		n.rows[l.Row] = true
	}
	for _, id := range items {
		n.stale[id] = true
	}
	// The list of stale columns is whole as long as they are not most of all.
	n.whole = 2*len(items) > len(of.items)
	return n.stale, n.whole
}

func (s *Shop) stale(ctx context.Context, m *recommend.Model, of *set, waiting []Leaver) ([]thimble.ItemID, error) {
	who := make([]thimble.SubjectID, len(waiting))
	for i, l := range waiting {
		who[i] = l.Who
	}
	people, err := s.afresh(ctx, who, nil, of)
	if err != nil {
		return nil, err
	}
	var changes []recommend.Change
	for _, p := range people {
		changes = append(changes, of.changes(p)...)
	}
	return m.Stale(of.data, changes)
}

// anew is what may be learned of a person now.
type anew struct {
	who    thimble.SubjectID   // the canonical subject
	others []thimble.SubjectID // that are the same person, and have no history of their own
	orders []recorded
	did    *doing      // nil: nothing
	said   taste.State // about their lists
	grant  *gate.Grant // nil: nothing may be learned
}

// learnable returns what may be learned of a person.
func (s *Shop) learnable(ctx context.Context, members []thimble.SubjectID) (p *anew, err error) {
	p = &anew{who: members[0], others: members[1:]}
	p.grant, err = s.Gate.Open(ctx, trains(p.who))
	if denied(err) {
		p.grant = nil
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("recommend: asking what may be learned of a person: %w", err)
	}
	p.grant, p.orders, p.said, err = s.learned(ctx, p.grant)
	switch {
	case err == nil:
	case damaged(err):
		s.Log.ErrorContext(ctx, "a history cannot be opened and is not learned from", slog.String("cause", err.Error()))
		p.grant = nil
	default:
		return nil, err
	}
	return p, nil
}

// errAnew is why a model has to be made anew, from everybody's orders.
var errAnew = errors.New("recommend: what the model was made of is not here")

// mostAtOnce bounds how many people are looked at one by one.
const mostAtOnce = 2000

// CatchUp takes out of every version that is kept who has left since: exactly, by solving
// again the columns that knew them. Where what the versions were made of is not here, such
// as after a start, they are made anew.
func (s *Shop) CatchUp(ctx context.Context) error {
	s.training.Lock()
	defer s.training.Unlock()
	_, waiting, err := s.Leaving.Waiting(ctx, everyLeaver)
	if err != nil || len(waiting) == 0 {
		return err
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		return s.settled(ctx, waiting)
	}
	return s.forget(ctx, "somebody's choices have changed", nil, nil)
}

const everyLeaver = 1 << 30

// forget makes every version that is kept what it is without those who have left; but are
// taken out in any case, and again are looked at besides those who are written down.
func (s *Shop) forget(ctx context.Context, reason string, again, but []thimble.SubjectID) error {
	_, waiting, err := s.Leaving.Waiting(ctx, everyLeaver)
	if err != nil {
		return err
	}
	who := slices.Concat(again, but)
	for _, l := range waiting {
		who = append(who, l.Who)
	}
	err = s.solve(ctx, reason, who, but)
	if errors.Is(err, errAnew) {
		_, err = s.train(ctx, Training{Reason: reason, but: but, still: true})
		return err // it has settled
	}
	if err != nil {
		s.held.Store(nil) // it may be half changed
		return err
	}
	return s.settled(ctx, waiting)
}

// settled says that nobody of these is in a version that is kept.
func (s *Shop) settled(ctx context.Context, all []Leaver) error {
	if len(all) == 0 {
		return nil
	}
	turn, err := s.Leaving.Settled(ctx, all)
	if err == nil {
		s.turn.Store(turn)
	}
	return err
}

// solve puts what may be learned of some people now into the sets that are held, and
// releases the versions that come of it.
func (s *Shop) solve(ctx context.Context, reason string, who, but []thimble.SubjectID) error {
	h := s.held.Load()
	if h == nil || len(who) > mostAtOnce {
		return errAnew
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, revision, err := s.leftOut(ctx); err != nil || revision != h.leftOut {
		return errors.Join(err, errAnew) // everybody's part may have changed
	}
	b := &batch{shop: s, data: &gathered{people: h.people}, training: Training{Reason: reason, still: true}, began: s.Now(), updated: map[int64]*recommend.Model{}}
	all, err := s.standingLines(ctx, h, b)
	if err != nil {
		return err
	}
	people, err := s.afresh(ctx, who, but, b.data.sets...)
	if err != nil {
		return err
	}
	if err := b.put(ctx, all, people); err != nil {
		return err
	}
	if err := b.make(ctx, all); err != nil {
		return err
	}
	if len(b.made) == 0 && len(b.stay) == len(all) {
		return nil // nobody was in them
	}
	if err := b.publish(ctx, all); err != nil {
		return err
	}
	h.sets = b.sets
	return nil
}

// standingLines are the versions that are kept, with their sets and models.
func (s *Shop) standingLines(ctx context.Context, h *material, b *batch) ([]line, error) {
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return nil, err
	}
	state, err := s.Models.Line(ctx, ModelName)
	if err != nil {
		return nil, err
	}
	b.held = state.Held
	var all []line
	for _, v := range kept {
		of := h.sets[v.Number]
		if of == nil {
			return nil, errAnew
		}
		m, err := s.modelOf(ctx, v)
		if err != nil {
			return nil, errors.Join(err, errAnew) // such as one that is refused: it is destroyed
		}
		if v.Serving() {
			b.before = v
		}
		b.updated[v.Number] = m
		b.data.sets = append(b.data.sets, of)
		all = append(all, line{stage: v.Stage, recipe: m.Recipe(), until: v.Lineage.Until, set: of, of: v, chosen: v.Lineage.Chosen})
	}
	if b.before.Number == 0 {
		return nil, errAnew
	}
	inOrder(all)
	return all, nil
}

// modelOf is the model of a version: the one in memory when that serves.
func (s *Shop) modelOf(ctx context.Context, v registrydb.Version) (*recommend.Model, error) {
	if now := s.live.Load(); now != nil && now.version.Number == v.Number && now.version.Hash == v.Hash {
		return now.model, nil
	}
	return s.opened(ctx, v)
}

// afresh looks at people again, each once, for some sets. Of those in but nothing may be
// learned.
func (s *Shop) afresh(ctx context.Context, who, but []thimble.SubjectID, sets ...*set) (all []*anew, err error) {
	suspects, _, err := s.leftOut(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[thimble.SubjectID]bool{}
	for _, one := range who {
		members, err := s.People.Members(ctx, one)
		if err != nil {
			return nil, err
		}
		if seen[members[0]] {
			continue
		}
		seen[members[0]] = true
		p, err := s.learnable(ctx, members)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(members, func(m thimble.SubjectID) bool { return suspects[m] || slices.Contains(but, m) }) {
			p.grant, p.orders = nil, nil
		}
		all = append(all, p)
	}
	return all, s.teach(ctx, all, sets...)
}

// teach reads what may be learned of what people did, for some sets.
func (s *Shop) teach(ctx context.Context, all []*anew, sets ...*set) error {
	who := []thimble.SubjectID{}
	for _, p := range all {
		if p.grant != nil {
			who = append(who, p.grant.Members()...)
		}
	}
	course, err := s.lessons(ctx, who, sets...)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.did, err = s.unlearned(ctx, p.said, course.take(p.who)); err != nil {
			return err
		}
	}
	return nil
}

// put changes the sets, and updates the models to them.
func (b *batch) put(ctx context.Context, all []line, people []*anew) error {
	for _, l := range all {
		var changes []recommend.Change
		for _, p := range people {
			changes = append(changes, l.set.changes(p)...)
			l.set.note(p)
		}
		m, columns, err := b.updated[l.of.Number].Update(ctx, l.set.data, changes)
		if err != nil {
			return fmt.Errorf("recommend: solving again what knew people who left: %w", err)
		}
		b.updated[l.of.Number] = m
		if l.stage == registry.Champion {
			b.columns = columns
		}
	}
	for _, p := range people {
		b.data.people.Drop(p.who)
		for _, o := range p.others {
			b.data.people.Drop(o) // who was added when they were two
		}
		if p.grant != nil {
			b.data.people.Add(p.grant)
		}
	}
	return nil
}

// Gathered is since when everybody who is learned from permitted it, as far as was looked;
// the zero time when that is not known to this process.
func (s *Shop) Gathered() time.Time {
	if h := s.held.Load(); h != nil {
		return h.at
	}
	return time.Time{}
}

// Gather has what the kept versions were made of in memory, so that somebody who leaves is
// taken out of them at once. It makes each again from the orders and compares: one that is
// not what it says is replaced. It does nothing when that is there, or nothing is kept.
func (s *Shop) Gather(ctx context.Context) error {
	s.training.Lock()
	defer s.training.Unlock()
	if s.held.Load() != nil {
		return nil
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil || len(kept) == 0 {
		return err
	}
	_, err = s.train(ctx, Training{Reason: "what a version was made of was compared", still: true, same: true})
	return err
}
