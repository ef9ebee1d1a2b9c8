// Package lettersdb keeps which letters are owed, and what became of each.
//
// It promises:
//
//   - a letter is owed from the transaction that keeps the step which owes it: neither is
//     there without the other, and a crash loses none;
//   - that is one statement, the same one whoever the case is for, and for nobody: writing
//     and sending come later, off the path of who asked ([Runner.Run]);
//   - what is written is queued with the note that it was, in one transaction of the outbox:
//     a letter is queued once for each address;
//   - one that cannot be written is tried again for three days, and the outbox tries for
//     three days more; what became of it is kept, and the case goes on without it;
//   - there is no address here and no word of a letter. The last letter of who is erased
//     lies in the outbox alone, sealed by the installation, until the mail server has it,
//     and for as long as the outbox tries.
package lettersdb
