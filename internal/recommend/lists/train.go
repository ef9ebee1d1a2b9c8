package lists

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend"
	"thimble/internal/recommend/recommenddb"
)

// A Shop makes lists. It is a thimble.Holder of the model.
type Shop struct {
	Deps
	training sync.Mutex
	live     atomic.Pointer[live]
}

// live is the model that serves, with its version.
type live struct {
	model   *recommend.Model
	version recommenddb.Version
}

// New returns a shop without a model; Load or Train gives it one.
func New(d Deps) *Shop { return &Shop{Deps: d} }

// Load takes up the serving version, checking the file against its hash. The
// error is of kind ErrNotFound when there is none, ErrDenied when the file is not
// what was released.
func (s *Shop) Load(ctx context.Context) error {
	v, err := s.Versions.Serving(ctx)
	if err != nil {
		return err
	}
	content, err := s.Files.Get(ctx, blob.Hash(v.Hash))
	if err != nil {
		return fmt.Errorf("recommend: loading version %d: %w", v.Number, err)
	}
	m, err := recommend.UnmarshalModel(content)
	if err != nil {
		return fmt.Errorf("recommend: loading version %d: %w", v.Number, err)
	}
	s.live.Store(&live{model: m, version: v})
	return nil
}

// Version returns the version that serves.
func (s *Shop) Version() (recommenddb.Version, bool) {
	l := s.live.Load()
	if l == nil {
		return recommenddb.Version{}, false
	}
	return l.version, true
}

// Train learns from the orders of everyone who permits it now, releases the
// result and destroys the file it replaces. Progress, when given, is called with
// columns solved.
func (s *Shop) Train(ctx context.Context, reason string, progress func(done, total int)) (recommenddb.Version, error) {
	s.training.Lock()
	defer s.training.Unlock()
	began := s.Now()
	data, people, err := s.dataset(ctx)
	if err != nil {
		return recommenddb.Version{}, fmt.Errorf("recommend: gathering: %w", err)
	}
	v, m, err := s.made(ctx, data, progress)
	if err != nil {
		return v, err
	}
	// Who has changed their mind since they were counted is taken out before anybody
	// is served by the model.
	without := func(ctx context.Context, left []thimble.SubjectID) error {
		for _, who := range left {
			data.Forget(who)
		}
		v, m, err = s.made(ctx, data, progress)
		return err
	}
	err = people.Publish(ctx, without, func(ctx context.Context) (err error) {
		now := s.Now().UTC()
		v.Reason, v.Took, v.TrainedAt = reason, now.Sub(began), now
		if v, err = s.Versions.Release(ctx, v); err == nil {
			s.live.Store(&live{model: m, version: v})
		}
		return err
	})
	if err != nil {
		return v, fmt.Errorf("recommend: releasing: %w", err)
	}
	return v, s.keepOnly(ctx, blob.Hash(v.Hash))
}

// made learns from the data, and keeps the file. Nobody is served by it yet.
func (s *Shop) made(ctx context.Context, data *recommend.Dataset, progress func(done, total int)) (v recommenddb.Version, m *recommend.Model, err error) {
	recipe := recommend.DefaultRecipe()
	if m, err = recommend.Train(ctx, recipe, data, progress); err != nil {
		return v, nil, fmt.Errorf("recommend: training: %w", err)
	}
	content, err := m.MarshalBinary()
	if err != nil {
		return v, nil, err
	}
	h, err := s.Files.Put(ctx, content)
	return recommenddb.Version{Hash: h, Recipe: string(recipe.JSON()), Stats: m.Stats(), Bytes: len(content)}, m, err
}

// keepOnly destroys every other model file, also one that a crash left behind.
func (s *Shop) keepOnly(ctx context.Context, keep blob.Hash) error {
	files, err := s.Files.List()
	for _, h := range files {
		if h != keep {
			err = errors.Join(err, s.Files.Delete(ctx, h))
		}
	}
	return err
}

// dataset gathers who bought what, of the people who permit training, and who they
// are.
func (s *Shop) dataset(ctx context.Context) (*recommend.Dataset, *gate.Cohort, error) {
	products, err := s.Catalog.IDs(ctx, catalog.Goods)
	if err != nil {
		return nil, nil, err
	}
	data, people := recommend.NewDataset(products), s.Gate.Cohort(trainer, thimble.TrainAISystem, thimble.PurchaseHistory)
	known := make(map[thimble.ItemID]bool, len(products))
	for _, id := range products {
		known[id] = true
	}
	for g, err := range s.Gate.Scan(ctx, trainer, thimble.TrainAISystem, thimble.PurchaseHistory) {
		if err != nil {
			return nil, nil, err
		}
		history, err := s.history(ctx, g)
		if gone(ctx, g, err) {
			continue // changed their mind since the scan came to them
		}
		if errors.Is(err, thimble.ErrDenied) {
			// One damaged order must not keep everyone else from being forgotten. Its
			// person is left out until it is mended.
			s.Log.ErrorContext(ctx, "a history cannot be opened and is not learned from", slog.String("cause", err.Error()))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		items := make([]thimble.ItemID, 0, len(history))
		for _, h := range history {
			if known[h.Item] {
				items = append(items, h.Item)
			}
		}
		if err := data.Add(g.Subject(), items); err != nil {
			return nil, nil, err
		}
		people.Add(g)
	}
	return data, people, nil
}

// history opens what a person bought.
func (s *Shop) history(ctx context.Context, g thimble.Grant) ([]thimble.Interaction, error) {
	var orders []order.Order
	for _, who := range g.Members() {
		sealed, err := s.Orders.Of(ctx, who, 0)
		if err != nil {
			return nil, err
		}
		for _, o := range sealed {
			opened, err := order.Open(ctx, g, o)
			if err != nil {
				return nil, err
			}
			orders = append(orders, opened)
		}
	}
	return slices.Clip(order.History(orders)), nil
}
