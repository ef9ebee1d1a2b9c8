// Package timelinedb builds what lies behind the log of events, and reads it: where
// each person's events are, what they touched, when they were here, how often things
// happened, and the orders that trusted sources speak of.
//
// It promises:
//
//   - What is acknowledged shows at once: a read goes through the index, and through the
//     frames that are not indexed yet. When those are too many the answer is "later", and
//     not one without them. Interactions and profiles show what is not built in yet as it
//     will be built; of more than 500,000 records that wait, the newest are missing for a
//     moment.
//   - Each frame is built in once, in the order of the log: what it adds and how far the
//     log was read are one transaction. Dropped and built again, the tables say the same.
//   - One process builds at a time; another takes over when its lease has run out. A lease
//     that was lost costs work, and nothing is built twice.
//   - Whoever is told of events ([Store.Listen]) is told of those whose person permits the
//     purpose at that moment, under a grant of the gate for the categories that were named,
//     in the order of the log, at least once.
//   - A frame that cannot be read stops nobody. When it is mended ([Store.Check]), whoever
//     went on without it is told of it, and what was built is built again.
//   - What an erasure has deleted and a power cut brings back, a start deletes.
//   - A grant opens the parts of its categories. The others are absent, and so are those
//     whose keys have expired.
//   - What is built about a person is sealed under the keys of the months in which the
//     events came in, and goes with them. When a person is erased, or no longer permits what
//     it was built for, it is deleted; what a grant that died meanwhile has added is built
//     again without it.
//   - The ciphertext of whoever is gone leaves the log: [Store.Compact] rewrites the frames
//     that hold it, and goes on where it was interrupted.
//
// A use by what is built in is written down once a day for each person and purpose, not
// once for each event.
package timelinedb
