// Package pii finds numbers and addresses that lead to a person in free text: e-mail
// and telephone, IP addresses, IBANs, card numbers, numbers that a state gave, and
// URLs that carry ids.
//
// It promises:
//
//   - whatever has a check digit is reported only if it is right, and by the name of
//     the rule that found it; a form that many harmless numbers share is reported only
//     behind a word that says what it is;
//   - digits and signs of other scripts, full-width forms, and characters without
//     width between digits hide nothing: the text is folded before it is read, and a
//     span is given in bytes of the text as it came;
//   - spans are in order, lie within the text, begin and end between characters, and
//     do not overlap;
//   - the work is linear in the text, and no text makes it panic;
//   - it keeps nothing, and no error or metric of it has a value in it.
//
// What is not there yet: names, postal addresses and organisations, which come with
// the assistant; numbers spelt out in words; e-mail addresses written with "at"; bare
// national telephone numbers without a word such as "call" before them.
package pii
