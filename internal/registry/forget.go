package registry

import (
	"context"
	"crypto/sha256"
	"fmt"

	"thimble"
)

// A ForgetKind is how a model forgets.
type ForgetKind string

// The kinds.
const (
	// Incremental: the statistics are sums over people. One is subtracted, and what
	// depends on the sums is solved again.
	Incremental ForgetKind = "incremental"
	// Refit: the model is made anew from what is left, under the same recipe. Whatever is
	// drawn at random is drawn by the ids of people, so that who stays is treated alike.
	Refit ForgetKind = "refit"
)

// Forgets says how a model forgets and how long that takes.
type Forgets struct {
	Kind ForgetKind `json:"kind"`
	// Latency is a sentence: how long, on what, and what is served meanwhile.
	Latency string `json:"latency"`
}

// Check refuses an unknown kind and an empty sentence.
func (f Forgets) Check() error {
	if f.Kind != Incremental && f.Kind != Refit || f.Latency == "" {
		return fmt.Errorf("registry: forgets: kind is incremental or refit, and latency is a sentence: %w", thimble.ErrInvalid)
	}
	return short("forgets", f.Latency)
}

// A Forgetter is a model that can take people out.
//
// After Forget has returned without an error, the weights of each version that is kept,
// whatever its stage, equal byte for byte those of a training without these people under
// that version's own frozen recipe and window, in whatever order people were forgotten;
// a version of which that cannot be had is destroyed. Forgetting nobody that the model
// knows changes nothing, and forgetting twice is forgetting once. After an error, such
// as that of an interruption, calling again finishes it.
//
// Package registrytest holds a model to all of this.
type Forgetter interface {
	Forgets() Forgets
	// Forget returns the digests of the serving weights before and after; zero for none.
	Forget(ctx context.Context, people ...thimble.SubjectID) (before, after [sha256.Size]byte, err error)
}
