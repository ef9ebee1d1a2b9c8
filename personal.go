package thimble

import (
	"fmt"
	"io"
	"log/slog"
)

// Personal carries a value about a person. Whatever prints it prints
// "[personal]"; [Personal.Reveal] is the one way to the value, and each caller of
// it says why.
type Personal[T any] struct {
	// The value hides behind a function: a printer that walks fields by
	// reflection finds an address, never the value.
	value func() T
}

const personalMark = "[personal]"

// Hide wraps v.
func Hide[T any](v T) Personal[T] { return Personal[T]{value: func() T { return v }} }

// Reveal returns the value, or the zero value when nothing was hidden.
func (p Personal[T]) Reveal() T {
	if p.value == nil {
		var zero T
		return zero
	}
	return p.value()
}

// Format implements fmt.Formatter for every verb and flag.
func (Personal[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, personalMark) }

// String implements fmt.Stringer.
func (Personal[T]) String() string { return personalMark }

// GoString implements fmt.GoStringer.
func (Personal[T]) GoString() string { return personalMark }

// MarshalText implements encoding.TextMarshaler, and with it JSON and YAML.
func (Personal[T]) MarshalText() ([]byte, error) { return []byte(personalMark), nil }

// MarshalBinary refuses: gob and its kin have no place for a mark.
func (Personal[T]) MarshalBinary() ([]byte, error) {
	return nil, fmt.Errorf("thimble: a personal value has no binary form: %w", ErrDenied)
}

// LogValue implements slog.LogValuer.
func (Personal[T]) LogValue() slog.Value { return slog.StringValue(personalMark) }
