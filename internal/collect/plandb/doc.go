// Package plandb keeps the tracking plan: each version as it was written, and the
// drafts of the next.
//
// It promises:
//
//   - the plan in force is what [plan.Compile] makes of the newest version's text, in
//     every process within a second, and [Store.Compiled] waits for nobody;
//   - a text that cannot be read or compiled never becomes a version, and a version
//     that does not come out as it was recorded is refused at the start;
//   - a version is there with its leaf of the ledger (class plan) or not at all; the
//     leaf commits to who, when, why and to the hashes of the texts before and after;
//   - what keeps more than before needs somebody who may accept that, and their reason;
//   - of two who change the same version the second is told of a conflict, and nothing
//     of the first is lost; going back is a new version;
//   - no row is about a customer.
package plandb
