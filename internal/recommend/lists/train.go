package lists

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// A Shop makes lists. It is a thimble.Holder of the model.
type Shop struct {
	Deps
	training sync.Mutex
	live     atomic.Pointer[serving]
	// challenger is what an experiment serves beside the champion.
	challenger atomic.Pointer[serving]
	held       atomic.Pointer[material]
	turn       atomic.Int64 // of the rows of leavers, when the model that serves was read
	notices    notice
	shelves    shelves
	placings   placings
}

// New returns a shop without a model; Load or Train gives it one.
func New(d Deps) *Shop {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Shop{Deps: d}
}

// A Training is what somebody wants trained, and why. The zero Stage is Champion.
type Training struct {
	Reason string
	// Stage is where the new version begins: as champion it serves at once and the
	// present champion is retired; as challenger or shadow it is only kept.
	Stage registry.Stage
	// Asked is whether a person asked for it. Then it replaces a version that somebody
	// has rolled back to; else that is derived anew, and stays.
	Asked    bool
	Progress func(done, total int) // of the new version's columns; may be nil

	but   []thimble.SubjectID // who is left out although they permit it
	still bool                // nothing new is wanted: a version that is the same stays
	same  bool                // nothing new is made: the kept versions are made again
	judge bool                // what is new is measured on what it has not seen
}

// Train learns from the orders of everyone who permits it now, and releases the result.
// Progress, when given, is called with columns solved.
func (s *Shop) Train(ctx context.Context, reason string, progress func(done, total int)) (registrydb.Version, error) {
	return s.TrainAs(ctx, Training{Reason: reason, Progress: progress})
}

// TrainAs is Train into a stage. Every version that is kept is derived anew from those
// who permit it now, or destroyed: none remembers anybody whom another has forgotten. It
// returns the version that serves after.
func (s *Shop) TrainAs(ctx context.Context, t Training) (registrydb.Version, error) {
	s.training.Lock()
	defer s.training.Unlock()
	t.judge = true
	return s.train(ctx, t)
}

func (s *Shop) train(ctx context.Context, t Training) (registrydb.Version, error) {
	began := s.Now()
	t.Stage = cmp.Or(t.Stage, registry.Champion)
	turn, waiting, err := s.Leaving.Waiting(ctx, everyLeaver) // before anybody is asked
	if err != nil {
		return registrydb.Version{}, err
	}
	all, before, held, err := s.lines(ctx, t)
	if err != nil {
		return registrydb.Version{}, err
	}
	sets := make([]*set, len(all))
	for i, l := range all {
		sets[i] = l.set
	}
	data, err := s.gather(ctx, t.but, sets...)
	if err != nil {
		return registrydb.Version{}, fmt.Errorf("recommend: gathering: %w", err)
	}
	for i := range all {
		all[i].recipe.Quarantine = data.leftOut // every version obeys the list of now
	}
	if err := bound(all); err != nil {
		return registrydb.Version{}, err
	}
	b := &batch{shop: s, data: data, training: t, began: began, before: before, held: held}
	if err := b.make(ctx, all); err != nil {
		return registrydb.Version{}, err
	}
	if !t.same || len(b.made) > 0 || len(b.stay) != len(all) {
		if err := b.publish(ctx, all); err != nil {
			return b.champion(), err
		}
		s.look(ctx, all[0])
	}
	s.held.Store(&material{people: data.people, sets: b.sets, leftOut: data.leftOut, at: began})
	s.turn.Store(turn)
	return b.champion(), s.settled(ctx, waiting)
}

// publish releases what was made. Who has changed their mind since they were counted is
// taken out before anybody is served by the model.
func (b *batch) publish(ctx context.Context, all []line) error {
	tried := false
	without := func(ctx context.Context, left []thimble.SubjectID) error {
		tried = false
		if b.updated == nil {
			b.data.forget(left)
			return b.make(ctx, all)
		}
		people := make([]*anew, len(left))
		for i, who := range left {
			people[i] = &anew{who: who}
		}
		if err := b.put(ctx, all, people); err != nil {
			return err
		}
		return b.make(ctx, all)
	}
	var replaced *ledger.Intent
	err := b.data.people.Publish(ctx, without, func(ctx context.Context) (err error) {
		if tried { // and cut short: what was written may stand, so that its numbers are taken
			if err := b.pack(ctx); err != nil {
				return err
			}
		}
		tried = true
		replaced, err = b.release(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("recommend: releasing: %w", err)
	}
	return b.shop.Models.Destroy(ctx, replaced)
}

// A line is one version to be made: a new one, or one that is kept, derived anew.
type line struct {
	stage  registry.Stage
	recipe recommend.Recipe
	until  time.Time
	set    *set
	of     registrydb.Version // that it is derived from; zero for a new one
	chosen *registry.Chosen   // who chose the recipe; nil for the one that ships
}

// lines are the versions that are to be after a training, in order of what they need of
// each other: first the champion. It returns the champion of now, and reports whether
// that is held.
func (s *Shop) lines(ctx context.Context, t Training) (all []line, before registrydb.Version, held bool, err error) {
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return nil, before, false, err
	}
	state, err := s.Models.Line(ctx, ModelName)
	if err != nil {
		return nil, before, false, err
	}
	for _, v := range kept {
		m, err := s.opened(ctx, v)
		if _, refused := errors.AsType[*registry.Refusal](err); refused {
			continue // nobody can derive what nobody can read: it is destroyed
		}
		if err != nil {
			return nil, before, false, err
		}
		if v.Serving() {
			before = v
		}
		all = append(all, line{stage: v.Stage, recipe: m.Recipe(), until: v.Lineage.Until, set: newSet(m.Items(), v.Lineage.Through, v.Lineage.Events, m.Recipe()), of: v, chosen: v.Lineage.Chosen})
	}
	if t.same {
		inOrder(all)
		return all, before, state.Held, nil
	}
	last, err := s.Orders.LastBatch(ctx) // before they are read: none of these is missed
	if err != nil {
		return nil, before, false, err
	}
	recipe, chosen, err := s.recipe(ctx)
	if err != nil {
		return nil, before, false, err
	}
	recipe, events, err := s.interested(ctx, recipe)
	if err != nil {
		return nil, before, false, err
	}
	serves := before.Number > 0
	products, err := s.products(ctx)
	if err != nil {
		return nil, before, false, err
	}
	fresh := line{stage: t.Stage, recipe: recipe, chosen: chosen, until: s.Now().UTC().Truncate(time.Microsecond), set: newSet(products, last, events, recipe)}
	held = state.Held && serves && !(t.Asked && t.Stage == registry.Champion)
	if !serves || t.Stage == registry.Champion && !held {
		for i := range all {
			if all[i].stage == registry.Champion {
				all[i].stage = registry.Retired
			}
		}
		fresh.stage = registry.Champion
		all = append(all, fresh)
	} else if t.Stage != registry.Champion {
		all = append(all, fresh)
	}
	inOrder(all)
	return all, before, held, nil
}

// inOrder sorts lines by what they need of each other.
func inOrder(all []line) {
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Compare(rank(a.stage), rank(b.stage)) })
}

// rank puts the champion first and what is only kept to go back to last.
func rank(s registry.Stage) int {
	return slices.Index([]registry.Stage{registry.Champion, registry.Challenger, registry.Shadow, registry.Retired}, s)
}

// A batch is what one training makes.
type batch struct {
	shop     *Shop
	data     *gathered
	training Training
	began    time.Time
	before   registrydb.Version // that serves now; zero for none
	held     bool
	// updated are the models of the kept versions, when these were not trained but changed,
	// and columns how many of the champion's were solved again.
	updated map[int64]*recommend.Model
	columns int
	others  map[int64]standing // kept versions that nothing is done to

	judged map[[sha256.Size]byte]*recommend.Held // by the hash of the model that was measured last

	stay  map[int64]registry.Stage
	sets  map[int64]*set    // of what stays and of what was made
	fresh []weights         // what is new, the champion last
	made  []registrydb.Made // of it
	live  *serving          // the champion
}

// A standing is a version that stays as it is, and what it was made of.
type standing struct {
	stage registry.Stage
	set   *set
}

// weights are those of one line.
type weights struct {
	line
	model   *recommend.Model
	content []byte
}

// make learns every line. Nothing is kept yet, and nobody is served by it.
func (b *batch) make(ctx context.Context, all []line) error {
	b.stay, b.made, b.live, b.sets = map[int64]registry.Stage{}, nil, nil, map[int64]*set{}
	for number, o := range b.others {
		b.stay[number], b.sets[number] = o.stage, o.set
	}
	var fresh []weights
	champion, retired := weights{}, false
	for _, l := range all {
		back := l.stage == registry.Retired
		if back && (retired || l.same(champion.line)) {
			continue // one is kept to go back to, and it is another than what serves
		}
		w, err := b.learn(ctx, l, champion)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(w.content)
		if back && sum == champion.model.Hash() {
			continue
		}
		retired = retired || back
		if l.stage == registry.Champion {
			champion = w
		}
		if old := b.standing(l); old.Number > 0 && old.Hash == sum {
			b.stay[old.Number] = l.stage
			l.set.through, l.set.events = old.Lineage.Through, old.Lineage.Events
			b.sets[old.Number] = l.set
			if l.stage == registry.Champion {
				b.live = &serving{w.model, old}
			}
			continue
		}
		fresh = append(fresh, w)
	}
	slices.Reverse(fresh)
	b.fresh = fresh
	return b.pack(ctx)
}

// standing is the kept version that a line is the same as if its weights are.
func (b *batch) standing(l line) registrydb.Version {
	if l.of.Number == 0 && l.stage == registry.Champion && b.training.still {
		return b.before
	}
	return l.of
}

// same reports whether two lines are of the same data by the same recipe.
func (a line) same(b line) bool { return a.recipe == b.recipe && a.set.same(b.set) }

func (b *batch) learn(ctx context.Context, l line, champion weights) (w weights, err error) {
	w = weights{line: l, model: champion.model, content: champion.content}
	if champion.model != nil && l.same(champion.line) {
		return w, nil
	}
	if m := b.updated[l.of.Number]; m != nil {
		w.model = m
		w.content, err = m.MarshalBinary()
		return w, err
	}
	progress := b.training.Progress
	if l.of.Number > 0 {
		progress = nil
	}
	if w.model, err = recommend.Train(ctx, l.recipe, l.set.data, progress); err != nil {
		return w, fmt.Errorf("recommend: training: %w", err)
	}
	w.content, err = w.model.MarshalBinary()
	return w, err
}

// pack numbers and signs what is new: the champion last, so that it has the highest
// number.
func (b *batch) pack(ctx context.Context) error {
	if len(b.fresh) == 0 {
		return nil
	}
	for _, m := range b.made {
		delete(b.sets, m.Version.Number)
	}
	b.made = nil
	number, err := b.shop.Models.Reserve(ctx, ModelName, int64(len(b.fresh)))
	if err != nil {
		return err
	}
	for i, w := range b.fresh {
		now := b.shop.Now().UTC().Truncate(time.Microsecond)
		v := registrydb.Version{Model: ModelName, Number: number + int64(i), Stage: w.stage, Reason: b.training.Reason, MadeAt: now, Took: now.Sub(b.began)}
		from, to := w.set.months()
		judged, err := b.judge(ctx, w)
		if err != nil {
			return err
		}
		made, err := b.shop.Models.Make(ctx, v, card(w.model, judged, from, to), b.shop.lineage(w.line), w.content)
		if err != nil {
			return err
		}
		b.made = append(b.made, made)
		b.sets[v.Number] = w.set
		if w.stage == registry.Champion {
			b.live = &serving{w.model, made.Version}
		}
	}
	return nil
}

// judge measures the recipe of a new version, when that was asked for. One that is derived
// from another says nothing: what that was measured at knew more people.
func (b *batch) judge(ctx context.Context, w weights) (*recommend.Held, error) {
	if !b.training.judge || w.of.Number > 0 {
		return nil, nil
	}
	if had, ok := b.judged[w.model.Hash()]; ok {
		return had, nil
	}
	held, err := recommend.HoldOut(ctx, w.recipe, w.set.data)
	if err != nil {
		return nil, fmt.Errorf("recommend: measuring: %w", err)
	}
	b.judged = map[[sha256.Size]byte]*recommend.Held{w.model.Hash(): &held}
	return &held, nil
}

// release keeps the files and has the champion serve. It returns the act that destroys
// what is replaced.
func (b *batch) release(ctx context.Context) (replaced *ledger.Intent, err error) {
	replaced, err = b.shop.Models.Release(ctx, registrydb.Release{
		Model: ModelName, Stay: b.stay, Order: registrydb.Order{Reason: b.training.Reason}, Hold: b.held,
	}, b.made)
	if err == nil {
		b.live.version.Stage = registry.Champion
		b.shop.live.Store(b.live)
		b.shop.challenger.Store(nil)
	}
	return replaced, err
}

func (b *batch) champion() registrydb.Version {
	if b.live == nil {
		return registrydb.Version{}
	}
	return b.live.version
}
