// Package iab reads and writes the bits that the consent strings of the IAB are
// made of: base64url without padding, integers of any width, Fibonacci codes, and
// sets of ids as bit fields or ranges. Packages tcf and gpp give them meaning.
//
// It promises:
//
//   - no input makes it panic, and the work is bounded by [MaxLength] characters
//     and [MaxID];
//   - what cannot be read is an error of kind thimble.ErrInvalid that names the
//     field and the rule and never quotes the string, since a consent string can
//     tell one person from another;
//   - it is strict: whatever is left over after the last field is zero and
//     shorter than the padding any encoder writes; ids are not zero, not above
//     the stated maximum and not named twice.
package iab
