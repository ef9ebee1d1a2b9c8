// Package disclosedb keeps recipients, agreements and the outbox, and is the only code
// that hands data about people to the transports.
//
// It promises:
//
//   - a message, its people and a leaf for each of them are committed in one transaction
//     before the first byte leaves; the transports ask [Store.Begin] and write nothing
//     for a disclosure without its leaf;
//   - what a message holds about a person lies sealed under that person's key until it
//     was sent, and is assembled for each try from those who may be sent at that moment: a
//     withdrawal takes one person out, an erasure makes their part unreadable, and the
//     others go. While bytes leave, a change of anybody's choices is not answered
//     ([thimble/internal/gate.Grant.Output]);
//   - the agreement is asked again before each try: one that ended cancels the message;
//   - a message is tried at least once, under one id, whatever dies in between; a lease
//     that ends gives it to another worker, and the result of the one who lost it is not
//     recorded (the fence);
//   - two recipients get no word in common about a person: pseudonyms and numbers are
//     keyed hashes per recipient, times are coarse, and the order of people is drawn anew
//     for each message;
//   - when a person is erased, each recipient that may have something of them is told
//     under the recipient's own pseudonym, and the confirmation is kept without the person.
//
// Each person of a message has a leaf of their own, so each has a plain receipt, and no
// receipt tells how many others there were.
package disclosedb
