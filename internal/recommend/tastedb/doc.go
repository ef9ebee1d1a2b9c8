// Package tastedb keeps what people say about their lists: each choice as an event that
// is never changed, and what stands beside them, both sealed under the person's key.
//
// It promises:
//
//   - A choice, its leaf in the ledger, what stands after it and the move of the person's
//     epoch are one transaction: grants that are out die with it, and with them every list
//     that is under way. What must follow, such as learning without an item, is queued in
//     the same transaction or nothing is recorded ([Store.OnChange]).
//   - A choice that stands already, and the undoing of one that does not, record nothing.
//   - The same request with the same key, within 24 hours, records nothing again; another
//     one with that key is refused.
//   - Undoing is as easy as choosing: one call, with the same words.
//   - What stands is opened to obey it, under a live grant for the person, whatever that
//     grant is for: like a consent, it can only make a use smaller.
//   - An erasure takes the events and what stands.
package tastedb
