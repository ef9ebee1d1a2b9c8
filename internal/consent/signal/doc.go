// Package signal says what consent signals from outside mean for Thimble's
// purposes: Global Privacy Control, strings of the IAB's TCF and GPP, the US
// Privacy string, Google's Consent Mode and Segment's consent object.
//
// A signal becomes a [Reading], by a table in which each line cites the standard.
// [Narrow] holds readings against what the ledger of consents says.
//
// It promises:
//
//   - a signal may only narrow: no reading makes a purpose permitted that the
//     ledger does not permit;
//   - the order of signals does not matter, nor that one comes twice;
//   - of signals that contradict each other the stricter holds, and a reason says so;
//   - what cannot be read, is of an unknown version, from tomorrow, too old or in a
//     language that was not shown denies everything that rests on consent, and a
//     reason says what to do; never a default of yes;
//   - what a contract or a law needs rests on no consent and is left alone;
//   - everything here is a pure function: the clock is a parameter, and reasons
//     quote nothing from a string.
package signal
