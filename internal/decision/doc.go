// Package decision is the record of what a machine decided, and why.
//
// It promises:
//
//   - a record holds everything that is needed to check it: the model, the inputs
//     by category with their legal basis, and for each result the additive terms
//     that made its score;
//   - the terms are integers and sum exactly to the score: [Record.Check] proves
//     it, and a record that does not add up is not kept;
//   - what a shop's rules do to a list is in its record: each boost as a term of its own
//     within the bound that the record states, each place that a campaign holds as one
//     that no score wins, and the replay does all of it again;
//   - the record is a leaf of the ledger, queued in the transaction that keeps it,
//     so the receipt its subject gets proves what was decided at that time;
//   - it is sealed under the person's key and forgotten with them.
//
// Contest, human review and batch trees come with their own issue.
package decision
