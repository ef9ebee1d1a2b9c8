// Package gate answers whether data about a person may be used for a purpose, and
// is the only way to open it.
//
// It promises:
//
//   - nothing is opened without a subject, a purpose and the categories asked for;
//
//   - the answer is made of the law's rule for the purpose, the person's consent
//     and who asks; each verdict carries its reasons; doubt is no: an unknown
//     purpose, a person who is gone, a silent ledger;
//
//   - a use is recorded: a staff read is a leaf of the ledger, durable before the
//     data is seen; reads by machines are counted, and the counts of each second
//     are one leaf;
//
//   - a [Grant] opens one person's cells of the categories asked for, nothing
//     else, and dies when an epoch of theirs moves: a withdrawal ends it. A person
//     whom links join of several subjects is judged as one: the strictest of their
//     standings counts until they decide again ([thimble/internal/consent.Join]), a
//     use is written down for each subject, and a scan meets them once;
//
//   - of a person who had the use of their data restricted, data is opened only
//     for what the law obliges to, which their own look at it is.
//
//   - what leaves the process about a person leaves while a grant holds ([Grant.Output],
//     [Sink], [Cohort]), and a change of anything that enters a verdict is answered
//     when such output has left or was stopped, in every process ([Moves], [Lease]);
//
//   - a process without a live lease denies, and drops what it knew;
//
//   - a verdict is a few loads and takes no memory: what it needs of a person and of
//     a law is compiled, and says what [Judge], the pure function, says.
//
// For a capability a refusal is an answer: recommendations become the popular list,
// which each capability declares ([Without]). Alarms come with their own issue.
package gate
