// Package suspectdb keeps what package suspect found and what a person decided about
// it: the quarantine, who is left out of learning. It is a thimble.Holder.
//
// It promises:
//
//   - a finding is a leaf of the ledger and names nobody; so is each decision;
//   - nobody is left out of learning before a person of the staff decided so, with a
//     note, and a decision is taken back by another;
//   - with a decision, in its transaction, the list's revision moves and a training is
//     asked for: a model that learned from who is left out does not stay;
//   - a person reads that they are left out, since when and why, in their own export;
//     erased, they are in no finding any more;
//   - what was dismissed is raised again only when it has grown to twice as many.
package suspectdb
