// Package retentiondb keeps what package retention says: the operator's documents, holds,
// runs with their proofs, and what is proposed for deletion. It is a thimble.Holder.
//
// It promises:
//
//   - a document, a hold, its release, and each decision about them is a leaf of the
//     ledger with who did it; so is each run;
//   - a hold is opened only when nobody whom it concerns is being erased, and what it keeps
//     is left out by the statements that delete, so that it holds from its transaction on;
//   - it is released by two members of staff, once. Whoever's erasure it had stopped is
//     erased then, with nothing asked anew;
//   - what a run is to destroy is counted and committed to before it begins, and what is
//     older is looked for in the tables afterwards, by other statements than those that
//     destroyed it. A run that was interrupted goes on;
//   - who was there is taken down from tables and log before anything expires; whoever is
//     forgotten for staying away was told, and is looked at again just before;
//   - since when a purpose may use what was collected only ever moves on.
package retentiondb
