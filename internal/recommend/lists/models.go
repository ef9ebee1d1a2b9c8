package lists

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// ModelName is the name of the recommender in the registry and in records.
const ModelName = "item-item"

// serving is the model that serves, with its version.
type serving struct {
	model   *recommend.Model
	version registrydb.Version
}

// Load takes up the version that the registry has serve, after it was verified. The
// error is of kind ErrNotFound when there is none, ErrDenied when the file is not what
// was released.
func (s *Shop) Load(ctx context.Context) error {
	turn, _, err := s.Leaving.Waiting(ctx, 1)
	if err != nil {
		return err
	}
	defer s.turn.Store(turn) // of before it was asked which version serves
	v, err := s.Models.Champion(ctx, ModelName)
	if err != nil {
		return err
	}
	return s.take(ctx, v)
}

func (s *Shop) take(ctx context.Context, v registrydb.Version) error {
	m, err := s.opened(ctx, v)
	if err != nil {
		return fmt.Errorf("recommend: loading version %d: %w", v.Number, err)
	}
	s.live.Store(&serving{model: m, version: v})
	s.challenger.Store(nil)
	return nil
}

func (s *Shop) opened(ctx context.Context, v registrydb.Version) (*recommend.Model, error) {
	p, err := s.Models.Open(ctx, v)
	if err != nil {
		return nil, err
	}
	m, err := recommend.UnmarshalModel(p.Weights)
	if err != nil {
		return nil, registry.Refuse(registry.RuleWeights, "")
	}
	return m, nil
}

// Version returns the version that serves.
func (s *Shop) Version() (registrydb.Version, bool) {
	l := s.live.Load()
	if l == nil {
		return registrydb.Version{}, false
	}
	return l.version, true
}

// Follow takes up what the registry has serve when that is another version than the one
// in memory, such as after a rollback by command. It does nothing during a training,
// which does that itself.
func (s *Shop) Follow(ctx context.Context) error {
	if !s.training.TryLock() {
		return nil
	}
	defer s.training.Unlock()
	return s.follow(ctx)
}

func (s *Shop) follow(ctx context.Context) error {
	v, err := s.Models.Champion(ctx, ModelName)
	if errors.Is(err, thimble.ErrNotFound) {
		s.live.Store(nil)
		return nil
	}
	if err != nil {
		return err
	}
	if now := s.live.Load(); now != nil && now.version.Number == v.Number {
		return nil
	}
	if err := s.take(ctx, v); err != nil {
		return s.refused(ctx, v, err)
	}
	return nil
}

// Check verifies the files of every version that is kept, as they lie on disk now. A
// champion that is refused is followed by the newest version that is good; when there
// is none, everybody is shown the popular list until a training has succeeded.
func (s *Shop) Check(ctx context.Context) error {
	if !s.training.TryLock() {
		return nil // the next is soon
	}
	defer s.training.Unlock()
	if err := s.follow(ctx); err != nil {
		return err
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return err
	}
	for _, v := range kept {
		if _, err := s.opened(ctx, v); err != nil {
			if err := s.refused(ctx, v, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// refused ends a version whose file was refused. An error that is no refusal, such as
// that of a disk that does not answer, ends nothing.
func (s *Shop) refused(ctx context.Context, bad registrydb.Version, cause error) error {
	refusal, ok := errors.AsType[*registry.Refusal](cause)
	if !ok {
		return cause
	}
	reason := fmt.Sprintf("version %d was refused: %s", bad.Number, refusal.Rule)
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return err
	}
	stay, next := map[int64]registry.Stage{}, (*serving)(nil)
	for _, v := range kept {
		if v.Number == bad.Number {
			continue
		}
		stay[v.Number] = v.Stage
		if bad.Serving() && next == nil && v.Stage == registry.Retired {
			if m, err := s.opened(ctx, v); err == nil {
				stay[v.Number], next = registry.Champion, &serving{model: m, version: v}
			}
		}
	}
	if bad.Serving() && next == nil {
		s.Log.ErrorContext(ctx, "no version of the model is good; everybody is shown the popular list", slog.String("reason", reason))
		return s.withdraw(ctx, reason)
	}
	if bad.Serving() {
		next.version.Stage = registry.Champion
		s.live.Store(next)
		s.Log.ErrorContext(ctx, "the version before serves again", slog.Int64("version", next.version.Number), slog.String("reason", reason))
		if s.Ask != nil {
			if err := s.Ask(ctx, reason); err != nil {
				return err
			}
		}
	}
	destroy, err := s.Models.Release(ctx, registrydb.Release{Model: ModelName, Stay: stay, Order: registrydb.Order{Reason: reason}}, nil)
	if err != nil {
		return err
	}
	return s.Models.Destroy(ctx, destroy)
}

// Recover takes up the serving version, or the one before when that is refused. It
// reports whether one serves.
func (s *Shop) Recover(ctx context.Context) (bool, error) {
	s.training.Lock()
	defer s.training.Unlock()
	turn, _, err := s.Leaving.Waiting(ctx, 1)
	if err != nil {
		return false, err
	}
	defer s.turn.Store(turn)
	v, err := s.Models.Champion(ctx, ModelName)
	if errors.Is(err, thimble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	cause := s.take(ctx, v)
	if cause == nil {
		return true, nil
	}
	retired, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return false, err
	}
	for _, r := range retired {
		if r.Stage == registry.Retired {
			err := s.refused(ctx, v, cause)
			_, ok := s.Version()
			return ok, err
		}
	}
	return false, cause
}

// Rollback has the version before serve again, without a moment in which none does. It
// stays until somebody asks for a new version: trainings by themselves only take people
// out of it.
func (s *Shop) Rollback(ctx context.Context, o registrydb.Order) (registrydb.Version, error) {
	s.training.Lock()
	defer s.training.Unlock()
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return registrydb.Version{}, err
	}
	for _, v := range kept {
		if v.Stage == registry.Retired {
			return s.swap(ctx, v, func() error { _, err := s.Models.Rollback(ctx, ModelName, o); return err })
		}
	}
	return registrydb.Version{}, fmt.Errorf("recommend: no version is kept to go back to: %w", thimble.ErrNotFound)
}

// Promote moves a version to a stage; to champion, it serves from then on.
func (s *Shop) Promote(ctx context.Context, number int64, to registry.Stage, o registrydb.Order) error {
	s.training.Lock()
	defer s.training.Unlock()
	promote := func() error { return s.Models.Promote(ctx, ModelName, number, to, o) }
	if to != registry.Champion {
		return promote()
	}
	v, err := s.Models.Version(ctx, ModelName, number)
	if err != nil {
		return err
	}
	_, err = s.swap(ctx, v, promote)
	return err
}

// swap verifies a version before it becomes the champion, and serves from it after.
func (s *Shop) swap(ctx context.Context, v registrydb.Version, move func() error) (registrydb.Version, error) {
	m, err := s.opened(ctx, v)
	if err != nil {
		return v, err
	}
	if err := move(); err != nil {
		return v, err
	}
	v.Stage = registry.Champion
	s.live.Store(&serving{model: m, version: v})
	return v, nil
}

// Revoke ends a version for good and destroys its file. When it serves, the version
// before does from then on, or none until a training has succeeded.
func (s *Shop) Revoke(ctx context.Context, number int64, o registrydb.Order) error {
	s.training.Lock()
	defer s.training.Unlock()
	destroy, err := s.Models.Revoke(ctx, ModelName, number, o)
	if err != nil {
		return err
	}
	return s.settle(ctx, destroy, o)
}

// RevokeKey has a signing key count no more; every version that it signed is revoked.
func (s *Shop) RevokeKey(ctx context.Context, hint string, o registrydb.Order) error {
	s.training.Lock()
	defer s.training.Unlock()
	destroy, err := s.Models.RevokeKey(ctx, hint, o)
	if err != nil {
		return err
	}
	return s.settle(ctx, destroy, o)
}

// settle finds who serves after a revocation.
func (s *Shop) settle(ctx context.Context, destroy *ledger.Intent, o registrydb.Order) error {
	if now := s.live.Load(); now != nil {
		if v, err := s.Models.Version(ctx, ModelName, now.version.Number); err != nil || !v.Stage.Kept() {
			s.live.Store(nil) // at once, whatever fails later
		}
	}
	err := s.Models.Destroy(ctx, destroy)
	if s.live.Load() != nil || err != nil {
		return err
	}
	if s.Ask != nil {
		if err := s.Ask(ctx, "a version was revoked"); err != nil {
			return err
		}
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return err
	}
	for _, v := range kept {
		if v.Stage != registry.Retired {
			continue
		}
		_, err := s.swap(ctx, v, func() error { return s.Models.Promote(ctx, ModelName, v.Number, registry.Champion, o) })
		return err
	}
	return nil
}

// Performers finish what was left half done with model files, one at a time with
// training, which may be about to serve from a file that is to be destroyed.
func (s *Shop) Performers() map[string]ledger.Performer {
	all := s.Models.Performers()
	for kind, finish := range all {
		all[kind] = func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
			s.training.Lock()
			defer s.training.Unlock()
			return finish(ctx, i)
		}
	}
	return all
}
