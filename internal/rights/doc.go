// Package rights executes what a person may ask for: so far to see everything
// held about them, and to be forgotten. Package rightsdb keeps the requests.
//
// It promises:
//
//   - access and erasure are loops over the holders; a test fails when a place of
//     people's data belongs to no holder;
//   - an erasure that a crash interrupts is taken up again at the next start, and
//     is never called done before every holder erased, and the person's keys are
//     destroyed;
//   - each request is a leaf of the ledger that holds counts and hashes, no person.
//
// The desk with its clocks, the other rights, retention by law, certificates and
// recipients come with their own issue.
package rights
