// Package collectdb carries imports into SQL: it finds out whose orders they are,
// seals them, and writes them with the import's progress in one transaction.
//
// It promises what package collect does, and:
//
//   - Keys and seals are made before the transaction, so that it is short.
//   - A transaction begins by checking that the import is where the batch begins:
//     of two that write the same batch one gets ErrConflict.
//   - No order names a subject that is not there: a batch that was planned with the
//     people of an earlier batch is refused until that one is committed.
//   - The tables of this package hold hashes, line numbers, rules and counts only.
package collectdb
