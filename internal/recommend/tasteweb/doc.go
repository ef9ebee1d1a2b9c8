// Package tasteweb is where people say what shapes their lists: the page of the privacy
// centre with what counts and what they said, and the buttons beside each product of a
// list in the shop. All of it works without a script.
//
// It promises:
//
//   - what a button says counts at the next list, and each has its undoing in one place;
//   - a page opens a person's own data only, by a grant, and names what it was opened for;
//   - what is said travels in the body of a request and in no address.
package tasteweb
