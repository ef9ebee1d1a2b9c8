// Package regulation is Segment's way to say that people's data is to be deleted or not to
// be used: a verb for up to five thousand ids at once, and a status of all of it together.
// It is for a shop's own backend, which speaks Segment's wire already and has looked at
// who asks. Package regulationdb keeps regulations, regulationweb has the operations.
//
// It promises:
//
//   - each id that leads to somebody becomes a case like any other ([Verb.Kind]), with its
//     date, its steps and its leaves; the wait after a new e-mail address holds;
//   - an id is not kept. Of a regulation stay its verb, the kind of its ids, how many led to
//     nobody, and its cases;
//   - a suppression is lifted only if it was such a verb that made it: what a person
//     limited themselves, or was erased, a backend does not undo (GDPR Art. 18(3));
//   - what a verb leaves out for others is not left out here: who has the data is told of
//     an erasure (GDPR Art. 19), whatever the verb says of destinations.
package regulation
