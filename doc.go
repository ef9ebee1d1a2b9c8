// Package thimble is the vocabulary of Thimble: the words in which every other
// package talks about people, purposes, items and the places where data lies.
//
// It imports the standard library only and does no I/O, so that every layer
// may use it and none is pulled in by it.
//
// It promises:
//
//   - a [SubjectID] is random, never derived from an identifier, never reused;
//   - a [Personal] value cannot be printed, logged or marshalled by accident:
//     every verb of fmt, encoding/json and log/slog show "[personal]";
//   - an error that crosses a package carries one of the kinds [ErrNotFound],
//     [ErrInvalid], [ErrConflict], [ErrDenied] or [ErrUnavailable], or is internal;
//   - whatever keeps data about people can be a [Holder].
package thimble
