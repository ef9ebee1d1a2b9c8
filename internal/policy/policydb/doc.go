// Package policydb keeps what an installation has to remember of its laws: the packs it
// has had, what of older ones still applies, what was accepted, who reviewed which
// pack, and how many people live where.
//
// It promises:
//
//   - the packs of before are kept as they were written, so that what a new pack loosens
//     waits however the packs were changed: by an upgrade, a file, or the calendar;
//   - each change of the law that applies is a leaf of the ledger (class system) with the
//     marks of the law before and after, and so are acceptances and reviews;
//   - who hangs on the law is told of a change in the transaction that records it;
//   - an acceptance counts for the change that was seen, and for no later one of the
//     same value;
//   - a pack older than one that was here is refused, whoever signed it;
//   - the counts of people name nobody, and are replaced as a whole.
package policydb
