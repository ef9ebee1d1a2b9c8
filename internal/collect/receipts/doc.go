// Package receipts reads what a store's tills have sold while nobody was connected: a file
// of receipts that the till has signed, like its batches of choices (package
// consent/till), with the same key.
//
// A batch is JSON Lines: a header (till, key, sequence, when it was closed, how many
// receipts follow), one line a receipt (number, time, currency, lines; who bought, if they
// said so; whether goods came back), and a line with the signature. What is signed is not
// the file but its canonical form ([Batch.Canonical]), so that blanks and the order of keys
// do not matter and nothing else can change.
//
// It promises:
//
//   - a batch counts whole or not at all where its origin is in doubt: a line that cannot
//     be read, an unknown or revoked key, a wrong signature, a number that this till has
//     used before, a clock from tomorrow, a buyer of an unknown kind;
//   - of a batch whose origin is sure, a receipt that breaks a rule of orders is left out
//     and listed by line and rule; the rest counts, each receipt once: its number is
//     till/NAME:NUMBER, which no other till's and no other receipt's is;
//   - nothing personal is in an error.
package receipts
