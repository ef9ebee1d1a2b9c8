// Package collectdb carries imports into SQL: it finds out whose rows they are, seals
// what is about people, and writes it with the import's progress in one transaction. It
// keeps what imports bring that is nobody else's to keep: names and regions of customers
// ("facts"), and reviews. It is a thimble.Holder of both.
//
// It promises what package collect does, and:
//
//   - Keys and seals are made before the transaction, so that it is short.
//   - A transaction begins by checking that the import is where the batch begins:
//     of two that write the same batch one gets ErrConflict.
//   - No row names a subject that is not there: a batch of orders that was planned with
//     the people of an earlier batch is refused until that one is committed; other rows
//     are held against what is written.
//   - Who is who: the account decides, then the e-mail address, then the phone. A row
//     with a new account and the address of somebody who has another account is
//     somebody new, and the address stays where it is. Nothing is merged.
//   - What people declared is not touched: an import sets where somebody lives, and
//     whether they are grown up, only where nothing is known of it.
//   - Whoever was forgotten under any identifier of a row stays out, unless a more telling
//     one names somebody who is there; then the forgotten identifier alone stays out. What a
//     row says of a forgotten account goes to nobody else.
//   - Of a review of nobody who is known only item, stars and day are kept, and no hash of
//     anything else: no erasure would reach its text or who wrote it.
//   - The tables of imports and rejected rows hold hashes, line numbers, rules and
//     counts only.
package collectdb
