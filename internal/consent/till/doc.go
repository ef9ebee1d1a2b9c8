// Package till reads batches of choices that were made where there is no network: at
// a till, or on paper that somebody types in. A batch is signed by the till.
//
// A batch is JSON Lines: a header (till, key, notice, sequence, when it was closed,
// how many entries follow), one line per entry (whose identifier, which purposes,
// which choice, when, which notice was shown), and a line with the signature. What is
// signed is not the file but its canonical form ([Batch.Canonical]), so that blanks and
// the order of keys do not matter and nothing else can change.
//
// It promises:
//
//   - a batch counts whole or not at all where its origin is in doubt: a line that
//     cannot be read, an unknown or revoked key, a wrong signature, a number that this
//     till has used before, a clock from tomorrow, an unknown notice;
//   - of a batch whose origin is sure, an entry with an unknown purpose, a time after
//     the batch was closed or an identifier that is none is left out and listed by line
//     and rule; a grant also when its notice was never shown; the rest counts;
//   - where a batch says yes and no to the same, no holds;
//   - nothing personal is in an error.
//
// Verification is a pure function; consentdb keeps the tills' keys and the numbers
// used, and records.
package till
