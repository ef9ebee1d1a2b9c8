// Package rights executes what a person may ask for, and what the shop does about
// people: to see everything, to be forgotten, to have data restricted, to object, to
// let it expire, to say that two are one and two again. Package rightsdb keeps the
// requests.
//
// It promises:
//
//   - each verb is a loop over all holders and all members of a person; a test fails
//     when a place of people's data belongs to no holder;
//   - an archive shows the state of one instant, and names it;
//   - a request that a crash interrupts is taken up again at the next start. An erasure
//     is never called done before every holder erased, and the person's keys are
//     destroyed;
//   - that two are one, or two again, and that all holders are told of it, is durable
//     together; the undoing leaves nothing that was learned while two were one;
//   - an erasure that is done is certified, with a leaf, and nothing else is;
//   - each request is a leaf of the ledger that holds counts and hashes, no person;
//     looks of one person and day are one.
//
// Package cases has requests as people see them, with their dates. Correction and
// retention by law come with their own issue.
package rights
