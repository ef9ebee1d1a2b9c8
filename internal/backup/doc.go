// Package backup keeps copies of an installation that do not bring back whoever was erased.
//
// There are two folders. The *set* holds the copies: sealed objects, and for each backup a
// manifest that names those it consists of. It may be kept anywhere. What is *kept apart*
// lies in another folder, on another disk: the tombstones of everybody whose keys were
// destroyed, the wrapped epoch keys that live, and a signed statement of how far into the
// ledger both reach. Without it no set opens.
//
// It promises:
//
//   - An object is sealed twice: for the recipients that the operator names, and with a key
//     of its own that only manifests hold, sealed by the epoch key of their day
//     ([vault.Perishable]). When that epoch key is destroyed the manifest opens to nobody,
//     whatever identities and roots they have. An object lives as long as a manifest that
//     names it.
//   - An object is named by the hash of its bytes and is never changed; a manifest is signed by the
//     ledger's key and written last. A backup that was cut short leaves whole objects that
//     no manifest names, and the manifests from before.
//   - What is in the set already is not written again: parts of the log and files are named in
//     the next manifest too, with their keys sealed for its day.
//   - A file that changes in few places, such as core's, is a whole copy and then the blocks that
//     differ ([Blocks]); what is put together has the hash that the manifest names, or is refused. It is
//     built upon within one day alone: nothing of core is named under the key of a later one, so
//     that whoever was erased meanwhile is in no backup for longer than was promised.
//   - Reading checks: one bit that changed, a byte that is missing, a manifest by
//     another key are refused, with the name of what is wrong and nothing of what is in it.
//   - The list of tombstones is a chain of hashes. A list that is older than what the ledger
//     was seen to have, that lacks a line or is another installation's is refused.
//
// Which order the parts are copied in, and what is done before a copy serves, is for package
// app to say: it knows who depends on whom.
package backup
