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
//   - A subject has several identifiers, up to [Limits]. One that is removed leads to
//     nobody, or to whoever claims it next.
//   - [Store.Link] links two subjects, with a leaf of the ledger in the same
//     transaction, and the epochs of all that are now one person move. The result does
//     not depend on the order of arguments or of merges. [Store.Unlink] leaves exactly
//     two people, with the links and the data each had.
//   - [Store.Rotate] gives the indexes new keys while people are looked up, come and
//     go. No look-up is wrong meanwhile: it asks under every generation of keys its own
//     snapshot has. It can be interrupted anywhere and goes on where it was.
//   - Keys are made before the transaction that commits their owner ([Store.Draft],
//     [Store.Create]); a draft that is thrown away leaves a key that vault's Sweep
//     removes.
//   - The day on which somebody was there last moves forward only, and is written at most
//     once a day for each ([Store.SawTx], [Presence]). Of one person with several subjects the
//     latest counts. A day that has not come is taken back.
//   - [Store.Erase] deletes the identifiers, and keeps a hash of each under a key of
//     its own, in one transaction: whoever was forgotten is known as such, and as
//     nothing else. It does not destroy the person's key: what has all holders
//     erase does that last, with vault's Shred. [Store.Suppress] keeps such a hash of
//     somebody who never was here.
//
// The tables lie in the set sqldb.Core.
package subjectdb
