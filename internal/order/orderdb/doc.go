// Package orderdb keeps orders in SQL, sealed.
//
// It promises what package order does, and:
//
//   - What it returns is sealed; it cannot read what it keeps, but through the
//     opener it was given for a person's own export.
//   - An order's number is found by a keyed index and is unique.
//   - Drafting seals outside of any transaction; adding changes nothing outside
//     the caller's.
//
// Store is a [thimble.Holder].
package orderdb
