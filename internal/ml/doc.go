// Package ml is the numerics under Thimble's models: sparse lists, selection,
// a conjugate-gradient solver and fixed-point arithmetic. It knows no domain and
// does no I/O.
//
// It promises that a result depends on the numbers alone:
//
//   - sums that many parts contribute to are integer sums, so their order and
//     the number of workers do not show;
//   - where floating point is used, each operation is rounded on its own, in one
//     fixed order. No multiply-add is fused, so that amd64 and arm64 agree to the
//     last bit;
//   - every choice among equals is decided, so that no two runs differ.
package ml
