// Package sourcedb keeps the sources of events and their write keys in the core
// database, and finds the source of a key for the door.
//
// It promises:
//
//   - whatever staff does about a source is a leaf of the ledger, in the transaction that
//     does it;
//   - a key that was ended, and one of a source that was ended, opens nothing any more: in
//     this process once [Store.End] has returned, in every other within a second. When the
//     database does not answer for a second, no key opens anything ([thimble.ErrUnavailable]);
//   - an unknown key, an ended one and one of an ended source get the same answer;
//   - finding a source reads memory: the database is asked twice a second at most,
//     whatever keys are tried. While it hangs, nobody waits for it as long as what is known
//     is younger than a second, and then nobody longer than two: one read is under way,
//     however many ask.
//
// No row of it is about a customer.
package sourcedb
