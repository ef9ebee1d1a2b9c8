package registrydb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/ledger"
	"thimble/internal/registry"
)

// Files keeps packages; *blob.Store does.
type Files interface {
	Put(ctx context.Context, content []byte) (blob.Hash, error)
	Get(ctx context.Context, h blob.Hash) ([]byte, error)
	Delete(ctx context.Context, h blob.Hash) error
	List() ([]blob.Hash, error)
}

// A Shelf is the store with its files and its keys: where versions are put and taken
// from.
type Shelf struct {
	*Store
	files Files
	seed  func(ctx context.Context, name string) ([]byte, error)
	log   *slog.Logger
}

// NewShelf returns a shelf. Seed gives the installation's own secret of a name, of
// [registry.SeedSize] bytes, and makes it on first use.
func NewShelf(s *Store, f Files, seed func(ctx context.Context, name string) ([]byte, error), log *slog.Logger) *Shelf {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Shelf{Store: s, files: f, seed: seed, log: log}
}

// signer is the signer of a generation, which begins with 1.
func (s *Shelf) signer(ctx context.Context, generation int64) (*registry.Signer, error) {
	name := "registry-signing-seed"
	if generation > 1 {
		name = fmt.Sprintf("%s-%d", name, generation)
	}
	seed, err := s.seed(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("registry: the secret of the signing key: %w", err)
	}
	return registry.NewSigner(seed)
}

// trust says which keys count now, and signs with the newest.
func (s *Shelf) trust(ctx context.Context) (t registry.Trust, newest *registry.Signer, generation int64, err error) {
	known, err := s.Keys(ctx)
	if err != nil {
		return t, nil, 0, err
	}
	t.Revoked, generation = map[string]bool{}, 1
	for _, k := range known {
		if !k.Revoked.IsZero() {
			t.Revoked[k.Hint] = true
			generation = max(generation, k.Generation+1)
		} else {
			generation = max(generation, k.Generation)
		}
	}
	for g := int64(1); g <= generation; g++ {
		if newest, err = s.signer(ctx, g); err != nil {
			return t, nil, 0, err
		}
		t.Keys = append(t.Keys, newest.Key())
	}
	return t, newest, generation, nil
}

// Trust says whose signatures count.
func (s *Shelf) Trust(ctx context.Context) (registry.Trust, error) {
	t, _, _, err := s.trust(ctx)
	return t, err
}

// A Made is a version that was trained and is not kept yet.
type Made struct {
	Version
	content []byte
}

// Content returns the package.
func (m Made) Content() []byte { return m.content }

// Make packs and signs a version. It takes number, model, stage, reason, when it was made and how long that took
// from v, and fills in the rest.
func (s *Shelf) Make(ctx context.Context, v Version, c registry.Card, l registry.Lineage, weights []byte) (Made, error) {
	_, signer, _, err := s.trust(ctx)
	if err != nil {
		return Made{}, err
	}
	c.Model, c.Version, l.Reason = v.Model, v.Number, v.Reason
	content, err := registry.Pack(signer, c, l, weights)
	if err != nil {
		return Made{}, err
	}
	p, err := registry.Open(content, registry.Trust{Keys: []registry.Key{signer.Key()}})
	if err != nil {
		return Made{}, fmt.Errorf("registry: a package that was just made: %w", err)
	}
	card, err := registry.Document(p.Card)
	if err != nil {
		return Made{}, err
	}
	lineage, err := registry.Document(p.Lineage)
	if err != nil {
		return Made{}, err
	}
	v.Package, v.Hash, v.Signer, v.Bytes = sha256.Sum256(content), sha256.Sum256(weights), p.Signer, len(content)
	v.Card, v.Lineage, v.card, v.lineage = p.Card, p.Lineage, string(card), string(lineage)
	return Made{v, content}, nil
}

// Release keeps the files of new versions and makes the kept versions those of r. Every
// other file of the model, and every file that is of no version, is announced to be
// destroyed: perform the act that it returns, unless it is nil.
func (s *Shelf) Release(ctx context.Context, r Release, made []Made) (destroy *ledger.Intent, err error) {
	_, signer, generation, err := s.trust(ctx)
	if err != nil {
		return nil, err
	}
	var hashes [][sha256.Size]byte
	for _, m := range made {
		if m.Signer != signer.Key().Hint() {
			return nil, fmt.Errorf("registry: releasing: the key was revoked meanwhile: %w", thimble.ErrConflict)
		}
		r.New, hashes = append(r.New, m.Version), append(hashes, m.Package)
	}
	do := func(act *ledger.Intent) error {
		if r.Replaced, err = s.replaced(ctx, r, hashes); err != nil {
			return err
		}
		for _, m := range made {
			if _, err := s.files.Put(ctx, m.content); err != nil {
				return err
			}
		}
		destroy, err = s.release(ctx, r, signer.Key(), generation, act)
		return err
	}
	if len(made) == 0 {
		return destroy, do(nil)
	}
	err = s.keep(ctx, hashes, func(i ledger.Intent) error { return do(&i) })
	return destroy, err
}

// replaced are the files that no version is of after a release.
func (s *Shelf) replaced(ctx context.Context, r Release, fresh [][sha256.Size]byte) (gone [][sha256.Size]byte, err error) {
	keep := map[[sha256.Size]byte]bool{}
	for _, h := range fresh {
		keep[h] = true
	}
	all, err := s.read(ctx, `where `+keptStages)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if _, stays := r.Stay[v.Number]; stays || v.Model != r.Model {
			keep[v.Package] = true
		}
	}
	there, err := s.files.List()
	for _, h := range there {
		if !keep[h] {
			gone = append(gone, h)
		}
	}
	return gone, err
}

// Destroy does a destruction that was announced; of nil it does nothing.
func (s *Shelf) Destroy(ctx context.Context, i *ledger.Intent) error {
	if i == nil {
		return nil
	}
	return s.ledger.Perform(ctx, *i, s.Performers()[DestroyFiles])
}

// Performers finish the acts that a crash left open.
func (s *Shelf) Performers() map[string]ledger.Performer {
	return s.performers(func(ctx context.Context, h [sha256.Size]byte) error { return s.files.Delete(ctx, h) })
}

// Withdraw ends all versions of a model, and destroys their files and those of nobody.
func (s *Shelf) Withdraw(ctx context.Context, model string, o Order) error {
	files, err := s.replaced(ctx, Release{Model: model}, nil)
	if err != nil {
		return err
	}
	destroy, err := s.Store.Withdraw(ctx, model, o, files)
	if err != nil {
		return err
	}
	return s.Destroy(ctx, destroy)
}

// Open verifies the file of a version and reads it, and writes down what it found. An
// error that is a [registry.Refusal] is about the file; any other is not.
func (s *Shelf) Open(ctx context.Context, v Version) (registry.Package, error) {
	p, err := s.open(ctx, v)
	refusal, refused := errors.AsType[*registry.Refusal](err)
	if err != nil && !refused {
		return p, err
	}
	rule := registry.Rule("")
	if refused {
		rule = refusal.Rule
		s.log.ErrorContext(ctx, "a model's file was refused", slog.String("model", v.Model), slog.Int64("version", v.Number), slog.String("rule", string(rule)))
	}
	if noted := s.note(ctx, v, rule); noted != nil {
		// What was found counts although it cannot be written down.
		s.log.ErrorContext(ctx, "a verification was not written down", slog.String("cause", noted.Error()))
	}
	return p, err
}

func (s *Shelf) open(ctx context.Context, v Version) (p registry.Package, err error) {
	t, err := s.Trust(ctx)
	if err != nil {
		return p, err
	}
	line, err := s.Line(ctx, v.Model)
	if err != nil {
		return p, err
	}
	now, err := s.Version(ctx, v.Model, v.Number) // its stage may have changed since
	if err != nil {
		return p, err
	}
	content, err := s.files.Get(ctx, v.Package)
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		return p, registry.Refuse(registry.RuleMissing, "")
	case errors.Is(err, thimble.ErrDenied):
		return p, registry.Refuse(registry.RuleFile, "")
	case err != nil:
		return p, err
	}
	return registry.Admit(content, t, registry.Release{Model: v.Model, Version: v.Number, Stage: now.Stage, Package: v.Package, Weights: v.Hash, Floor: line.Floor})
}

// Export returns the package of a version as it is, for somebody to verify elsewhere.
func (s *Shelf) Export(ctx context.Context, v Version) ([]byte, error) {
	if _, err := s.Open(ctx, v); err != nil {
		return nil, err
	}
	return s.files.Get(ctx, v.Package)
}

// FileName is the name of an exported package.
func (v Version) FileName() string {
	return fmt.Sprintf("%s-v%d-%s.tar", v.Model, v.Number, hex.EncodeToString(v.Package[:4]))
}
