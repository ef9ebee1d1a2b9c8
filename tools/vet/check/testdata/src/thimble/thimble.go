// Package thimble is as much of the vocabulary as the checks look at.
package thimble

import (
	"context"
	"time"
)

type SubjectID [16]byte

func (s SubjectID) String() string { return "sub_" }

type ID [16]byte

func (id ID) Token(prefix string) string { return prefix }

type Purpose string

type Category string

type Personal[T any] struct{ value func() T }

func Hide[T any](v T) Personal[T] { return Personal[T]{func() T { return v }} }

func (p Personal[T]) Reveal() T { return p.value() }

type Cell struct {
	Owner         SubjectID
	Table, Column string
}

type Datum struct {
	Name  string
	Value any
	At    time.Time
}

type Grant interface {
	Subject() SubjectID
	Purpose() Purpose
	Open(ctx context.Context, c Cell, sealed []byte) ([]byte, error)
}
