package lists

import (
	"context"
	"crypto/sha256"
	"encoding/json"
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
	"thimble/internal/ledger"
	"thimble/internal/order"
	"thimble/internal/recommend"
	"thimble/internal/recommend/recommenddb"
)

// A Shop makes lists. It is a thimble.Holder of the model.
type Shop struct {
	Deps
	training sync.Mutex
	live     atomic.Pointer[serving]
}

// serving is the model that serves, with its version.
type serving struct {
	model   *recommend.Model
	version recommenddb.Version
}

// New returns a shop without a model; Load or Train gives it one.
func New(d Deps) *Shop {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Shop{Deps: d}
}

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
	s.live.Store(&serving{model: m, version: v})
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
	return s.train(ctx, reason, progress)
}

func (s *Shop) train(ctx context.Context, reason string, progress func(done, total int)) (recommenddb.Version, error) {
	began := s.Now()
	data, people, err := s.dataset(ctx)
	if err != nil {
		return recommenddb.Version{}, fmt.Errorf("recommend: gathering: %w", err)
	}
	v, m, content, err := made(ctx, data, progress)
	if err != nil {
		return v, err
	}
	// Who has changed their mind since they were counted is taken out before anybody
	// is served by the model.
	without := func(ctx context.Context, left []thimble.SubjectID) error {
		for _, who := range left {
			data.Forget(who)
		}
		v, m, content, err = made(ctx, data, progress)
		return err
	}
	var replaced *ledger.Intent
	err = people.Publish(ctx, without, func(ctx context.Context) (err error) {
		now := s.Now().UTC()
		v.Reason, v.Took, v.TrainedAt = reason, now.Sub(began), now
		v, replaced, err = s.release(ctx, v, m, content)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("recommend: releasing: %w", err)
	}
	if replaced == nil {
		return v, nil
	}
	return v, s.Versions.Destroy(ctx, *replaced, s.destroy)
}

// made learns from the data. Nothing is kept yet, and nobody is served by it.
func made(ctx context.Context, data *recommend.Dataset, progress func(done, total int)) (v recommenddb.Version, m *recommend.Model, content []byte, err error) {
	recipe := recommend.DefaultRecipe()
	if m, err = recommend.Train(ctx, recipe, data, progress); err != nil {
		return v, nil, nil, fmt.Errorf("recommend: training: %w", err)
	}
	if content, err = m.MarshalBinary(); err != nil {
		return v, nil, nil, err
	}
	return recommenddb.Version{Hash: sha256.Sum256(content), Recipe: string(recipe.JSON()), Stats: m.Stats(), Bytes: len(content)}, m, content, nil
}

// release keeps the file and has the version serve. It returns the act that destroys
// what it replaces.
func (s *Shop) release(ctx context.Context, v recommenddb.Version, m *recommend.Model, content []byte) (_ recommenddb.Version, replaced *ledger.Intent, err error) {
	err = s.Versions.Keep(ctx, v.Hash, func(keep ledger.Intent) error {
		others, err := s.others(v.Hash)
		if err != nil {
			return err
		}
		if _, err := s.Files.Put(ctx, content); err != nil {
			return err
		}
		v, replaced, err = s.Versions.Release(ctx, v, keep, others)
		return err
	})
	if err == nil {
		s.live.Store(&serving{model: m, version: v})
	}
	return v, replaced, err
}

// others are the model files that a version with the given one replaces, also those
// that a crash left behind.
func (s *Shop) others(keep blob.Hash) (others [][sha256.Size]byte, err error) {
	files, err := s.Files.List()
	for _, h := range files {
		if h != keep {
			others = append(others, h)
		}
	}
	return others, err
}

func (s *Shop) destroy(ctx context.Context, h [sha256.Size]byte) error { return s.Files.Delete(ctx, h) }

// Performers finish what was left half done with model files, one at a time with
// training, which may be about to serve from a file that is to be destroyed.
func (s *Shop) Performers() map[string]ledger.Performer {
	all := s.Versions.Performers(s.destroy)
	for kind, finish := range all {
		all[kind] = func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
			s.training.Lock()
			defer s.training.Unlock()
			return finish(ctx, i)
		}
	}
	return all
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
		history, err := s.learned(ctx, g)
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

// history opens what a person bought, as any of their members. Without returns, none
// is opened, and what came back counts as bought.
func (s *Shop) history(ctx context.Context, g thimble.Grant, returns bool) ([]thimble.Interaction, error) {
	var orders []order.Order
	for _, who := range g.Members() {
		sealed, err := s.Orders.Of(ctx, who, 0)
		if err != nil {
			return nil, err
		}
		for _, o := range sealed {
			if !returns && o.Direction == order.Back {
				continue
			}
			opened, err := order.Open(ctx, g, o)
			if err != nil {
				return nil, err
			}
			if !returns && opened.Return {
				continue // sealed before directions were kept: opened, and not used
			}
			orders = append(orders, opened)
		}
	}
	return slices.Clip(order.History(orders)), nil
}
