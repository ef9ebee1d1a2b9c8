package lists

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// A Proof compares the model that serves with trainings from the store, and forgetting one
// by one with trainings without them. Nothing is kept of it.
type Proof struct {
	Version registrydb.Version
	Waiting int // people who are still to be taken out; nothing that knew them is shown
	// Anew is the model of now trained from the store, and Took how long that took.
	Anew  [sha256.Size]byte
	Took  time.Duration
	Cases []Case
}

// A Case is one person taken out twice: by solving again the columns that knew them, and
// by a training from the store without them.
type Case struct {
	Subject       thimble.SubjectID
	In            bool // whether they were in the model at all
	Columns       int  // that were solved again
	Items         int
	Solved, Anew  [sha256.Size]byte
	Back          bool // put back in, the model is the one of before
	Took, Trained time.Duration
}

// Holds reports whether everything came out the same.
func (p Proof) Holds() bool {
	return p.Served() && !slices.ContainsFunc(p.Cases, func(c Case) bool { return !c.Holds() })
}

// Served reports whether the model that serves is what a training from the store gives.
func (p Proof) Served() bool { return p.Version.Hash == p.Anew }

// Holds reports whether solving again gave what a training without the person gives.
func (c Case) Holds() bool { return c.Solved == c.Anew && c.Back }

// Prove takes people out of what the serving model was made of, without erasing them: the
// subjects, and some more that are drawn by a seed. It reads the store and writes nothing.
// The error is of kind ErrNotFound when no model serves.
func (s *Shop) Prove(ctx context.Context, subjects []thimble.SubjectID, more int, seed uint64) (p Proof, err error) {
	if p.Version, err = s.Models.Champion(ctx, ModelName); err != nil {
		return p, err
	}
	_, waiting, err := s.Leaving.Waiting(ctx, everyLeaver)
	if err != nil {
		return p, err
	}
	p.Waiting = len(waiting)
	stored, err := s.opened(ctx, p.Version)
	if err != nil {
		return p, err
	}
	began := time.Now()
	of, m, err := s.fromStore(ctx, stored, p.Version.Lineage, nil)
	if err != nil {
		return p, err
	}
	p.Anew, p.Took = m.Hash(), time.Since(began)
	for _, who := range slices.Concat(subjects, drawn(of, more, seed)) {
		c, err := s.proveOne(ctx, p.Version, m, of, who)
		if err != nil {
			return p, err
		}
		p.Cases = append(p.Cases, c)
	}
	return p, nil
}

// fromStore gathers what a model was made of, until where its lineage says, but for some people, and
// trains on it.
func (s *Shop) fromStore(ctx context.Context, stored *recommend.Model, l registry.Lineage, but []thimble.SubjectID) (*set, *recommend.Model, error) {
	of := newSet(stored.Items(), l.Through, l.Events, stored.Recipe())
	if _, err := s.gather(ctx, but, of); err != nil {
		return nil, nil, fmt.Errorf("recommend: gathering: %w", err)
	}
	m, err := recommend.Train(ctx, stored.Recipe(), of.data, nil)
	return of, m, err
}

func (s *Shop) proveOne(ctx context.Context, v registrydb.Version, m *recommend.Model, of *set, who thimble.SubjectID) (c Case, err error) {
	members, err := s.People.Members(ctx, who)
	if err != nil {
		return c, err
	}
	who = members[0]
	c = Case{Subject: who, In: of.data.Has(who), Items: len(of.items)}
	p, err := s.learnable(ctx, members)
	if err == nil {
		err = s.teach(ctx, []*anew{p}, of)
	}
	if err != nil {
		return c, err
	}
	began := time.Now()
	without, columns, err := m.Forget(ctx, of.data, who)
	if err != nil {
		return c, err
	}
	c.Solved, c.Columns, c.Took = without.Hash(), columns, time.Since(began)
	began = time.Now()
	_, anew, err := s.fromStore(ctx, m, v.Lineage, members)
	if err != nil {
		return c, err
	}
	c.Anew, c.Trained = anew.Hash(), time.Since(began)
	c.Back = !c.In
	if c.In {
		back, _, err := without.Update(ctx, of.data, of.changes(p))
		if err != nil {
			return c, err
		}
		c.Back = back.Hash() == m.Hash()
	}
	return c, nil
}

// drawn are n people of a set, the same for the same seed and people.
func drawn(of *set, n int, seed uint64) (some []thimble.SubjectID) {
	all := slices.SortedFunc(maps.Keys(of.spans), func(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) })
	all = slices.DeleteFunc(all, func(who thimble.SubjectID) bool { return !of.data.Has(who) })
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(all))[:min(n, len(all))] {
		some = append(some, all[i])
	}
	return some
}
