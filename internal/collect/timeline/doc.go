// Package timeline is what follows from the log of events for one person: where
// their events lie, what they touched, when they were here, and what they ordered.
//
// It promises:
//
//   - Postings, interactions and profiles are pure functions of the log: built again
//     from it they have the same bytes, however the records were cut into batches.
//   - Whatever is written about a person has a category, that of the part of the event
//     it was read from. What was read from a part that a grant does not open is absent.
//   - No event makes a reader fail: one whose parts cannot be read says nothing.
//   - Counts of demand name an event, a product and a day, and nobody.
//
// What is decided elsewhere: whether a purpose is permitted (the gate), which source
// may speak of orders (the door's list of sources), where all this lies (timelinedb).
package timeline
