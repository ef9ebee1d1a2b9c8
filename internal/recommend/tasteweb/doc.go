// Package tasteweb is where people say what shapes their lists: the page of the privacy
// centre with what counts and what they said, the buttons beside each product of a list
// in the shop, and the operations of the API for shops with pages of their own. The pages
// work without a script.
//
// It promises:
//
//   - what a button says counts at the next list, and each has its undoing in one place;
//   - a page opens a person's own data only, by a grant, and names what it was opened for;
//   - what is said travels in the body of a request and in no address;
//   - each choice that the API records is answered with the name of its receipt; the same
//     request with the same key is answered the same and records nothing, and of somebody
//     who is not there nothing is told.
package tasteweb
