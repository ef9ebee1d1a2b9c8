// Package tcf reads and writes the consent strings of the IAB's Transparency and
// Consent Framework: TC strings of version 2 as TCF 2.0 to 2.3 make them, alone or
// as section 2 of a GPP string, and the Canadian ones, section 5 of a GPP string.
//
// It says what is written in a string. What that means for Thimble's purposes, and
// whether a string still counts, is for package signal.
//
// It promises:
//
//   - strictness: an unknown version, an unknown or repeated segment, an id that is
//     zero, too large or named twice, a country that is no two letters, and bits
//     after the end are refused with the field and the rule;
//   - [String.Encode] writes what [Decode] reads: decoding is its inverse;
//   - a decoding allocates the result, its sets of vendors, and nothing else.
//
// The layout is that of the specification "Consent string and vendor list formats
// v2" (IAB Tech Lab, TCF 2.3), checked against the reference implementation.
package tcf
