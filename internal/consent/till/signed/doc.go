// Package signed is the form of files that a store's till writes while nobody is connected,
// and signs: JSON Lines of a header, of entries, and of a signature. What the lines say is
// the business of who reads them: choices (package till), receipts of sales.
//
// It promises:
//
//   - What is signed is not the file but its canonical form ([Form.Canonical]): blanks and
//     the order of keys do not matter, and nothing else can change.
//   - A signature of one kind of file is one of no other: each has a word of its own before
//     what is signed.
//   - A line with a key that is unknown or comes twice, at whatever depth, is refused, and so is a
//     file that is too large. Errors name line and rule, and quote nothing.
package signed
