// Package casesdb keeps cases: what people asked for, and each step until it is answered.
//
// It promises:
//
//   - a step and its leaf are durable together, and a step that lacks its record is found
//     by an audit;
//   - what does a case is opened in the transaction that accepts it, so that a crash
//     leaves neither without the other; [Store.Settle] closes what is done;
//   - a case that nobody has shown to be theirs costs the same work, and says the same,
//     whether or not anybody is known by that identifier;
//   - of an erased person the steps stay, without a person and without a word that was
//     written; what was open is closed, with a step that says so.
package casesdb
