// Package consent says what a person allowed, when, and how it can be shown.
//
// It promises:
//
//   - consent is a sequence of events that is only ever added to; the state at any
//     instant is a pure function of them ([Fold]); the database refuses to change
//     or delete one;
//   - each event is a leaf of the ledger, queued in the transaction that records
//     it, and the person's receipt proves it;
//   - an event, with the salt of its leaf, is sealed under the person's key: when
//     the key is destroyed, the row and the leaf stay and say nothing;
//   - silence is refusal: a purpose without an event, or whose consent has
//     expired, is not permitted;
//   - the proof of a consent is the text that was shown, its language and the way
//     the choice was made; never an IP address or a browser's name.
//   - a part of a purpose, a feature or a signal, can be refused while the rest is
//     allowed, and stays refused when the rest is allowed again ([Decide]);
//   - a yes covers the [Matrix] of its notice and nothing that was added later; nobody
//     is asked again before their yes runs out unless it grew, nor after a no before
//     their rest is over ([MayAsk]);
//   - a guardian's yes ends on the day on which the child decides ([Age]);
//   - counts of choices hold nobody, and no small one can be worked out from what is
//     shown of them ([Publish]).
package consent
