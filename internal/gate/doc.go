// Package gate answers whether data about a person may be used for a purpose, and
// is the only way to open it.
//
// It promises:
//
//   - nothing is opened without a subject, a purpose and the categories asked for;
//   - the answer is made of the law's rule for the purpose, the person's consent
//     and who asks; each verdict carries its reasons; doubt is no: an unknown
//     purpose, a person who is gone, a silent ledger;
//   - a use is recorded: a staff read is a leaf of the ledger, durable before the
//     data is seen; reads by machines are counted, and the counts of each second
//     are one leaf;
//   - a [Grant] opens one subject's cells of the categories asked for, nothing
//     else, and dies when the subject's epoch moves: a withdrawal ends it.
//
// For a capability a refusal is an answer: recommendations become the popular
// list. Leases across nodes, compiled verdicts and alarms come with their own
// issue.
package gate
