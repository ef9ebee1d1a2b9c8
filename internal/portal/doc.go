// Package portal is the customers' privacy centre: the door below /privacy, where
// people choose, look, take along, check and are forgotten.
//
// It promises:
//
//   - whoever is not signed in sees how to sign in, the redemption of a one-time
//     link and the report of a finished erasure, which holds no person; nothing else;
//   - a person sees their own data only, opened through the gate, and the page says
//     what it was opened for;
//   - an answer to an action is one of a fixed list of sentences: no address can
//     put words on a page;
//   - the pages themselves are the capabilities'; the door knows none of them.
package portal
