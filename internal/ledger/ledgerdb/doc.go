// Package ledgerdb keeps the ledger in the core database.
//
// A change and its leaf commit together: [Log.Queue] inserts the leaf in the
// caller's transaction, and reads nothing. One sequencer, [Log.Run], moves queued
// leaves into the tree in batches and signs each tree it commits.
//
// It promises:
//
//   - A leaf whose transaction committed gets into the tree, once; one that was
//     rolled back never does. After kill -9 the queue is simply still there.
//   - A tree is signed in the transaction that stores it, and handed out only from
//     there: no signature on a tree that a crash undid.
//   - Of several processes on one database one integrates. It holds a lease, and
//     each of its writes proves it by the lease's fence, so a stale holder's fails.
//   - A stored tree that is not the signed one, or is older than what this process
//     has seen, is not extended: the sequencer stops, the log falls silent
//     ([Log.Silent]), the gate says no.
//   - A receipt is checked before it is handed out.
//   - Witnesses are asked beside the sequencer: no commit and no receipt waits for one.
//     A witness that refuses is an alarm: an error in the journal, a callout on the page.
//   - What lies outside of the database is announced by a leaf before it is done and
//     closed by a leaf after: [Log.Act]. After [Log.Recover] no act is half done.
//   - [Log.Sound] notices a database that was put back, [Log.Compare] a row that is not what its leaf
//     commits to.
//   - After [OpenEpoch] the old log is not extended, and its leaves stay provable.
//
// Tables: ledger_queue, ledger_leaves, ledger_hashes, ledger_state, ledger_lease,
// ledger_epochs, ledger_cosigned, ledger_witnesses, ledger_intents, ledger_audits.
// None holds personal data.
package ledgerdb
