// Package catalogdb keeps the catalogue in SQL.
//
// It promises what package catalog does, and:
//
//   - Upsert and AddDemand change nothing outside the caller's transaction.
//   - What was seen later wins, in whatever order it is written.
//   - The sums on a product equal the sums of its demand.
package catalogdb
