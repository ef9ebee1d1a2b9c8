// Package subjectdb keeps who people are in SQL, sealed.
//
// It promises:
//
//   - A subject's id is random, and is never given again: an erased subject leaves
//     its bare id behind.
//   - Identifiers and residence are stored sealed; nothing in the tables tells who
//     somebody is without the vault.
//   - One identifier belongs to one subject. Of two that are created with the same
//     identifier at the same time, one is, and the other gets thimble.ErrConflict.
//   - Keys are made before the transaction that commits their owner ([Store.Draft],
//     [Store.Create]); a draft that is thrown away leaves a key that vault's Sweep
//     removes.
//   - [Store.Erase] deletes the identifiers, and keeps a hash of each under a key of
//     its own, in one transaction: whoever was forgotten is known as such, and as
//     nothing else. It does not destroy the person's key: what has all holders
//     erase does that last, with vault's Shred.
//
// The tables lie in the set sqldb.Core.
package subjectdb
