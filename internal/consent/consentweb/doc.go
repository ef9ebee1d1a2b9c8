// Package consentweb is where people choose and where it is shown: the page of choices
// and a guardian's in the privacy centre, the banner and the form of preferences in the
// shop, the operations of the API, and for staff the counts and the choices of one
// customer under a grant.
//
// It promises:
//
//   - the text on a page is, byte for byte, the one whose hash the recorded choices name;
//   - no answer is filled in that nobody gave;
//   - refusing takes as many clicks as allowing, by buttons that look alike, the no first;
//   - the banner asks only what may be asked now, and records what its button said for
//     that and for nothing else; of a visitor who is nobody, nothing is stored;
//   - a child is offered no yes, and only a guardian whom a relation names decides for one;
//   - a choice that was sent twice is recorded once, and one that contradicts itself,
//     names a text that no page showed, or what no code obeys, is refused by field.
package consentweb
