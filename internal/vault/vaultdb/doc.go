// Package vaultdb keeps the vault's wrapped keys in SQL.
//
// It promises:
//
//   - Each method is one transaction, durable when it returns.
//   - What [Store.Shred] deleted is, after [Store.Scrub], neither in SQLite's file
//     nor in its write-ahead log: both are read byte by byte.
//   - A key that was deleted or replaced does not come back: replacing compares with
//     what was read.
//
// The tables lie in the set sqldb.Keys, whose backups are short-lived and leave out
// [Unbacked].
package vaultdb
