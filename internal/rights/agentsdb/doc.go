// Package agentsdb keeps the registry of agents in the core database, with the digests of
// their tokens and what they are told by themselves. Package agents says what an agent is.
//
// It promises:
//
//   - whatever staff do to the registry is an act with a leaf, in the transaction of the
//     deed; a row that says otherwise is found by the audit;
//   - of a token only its SHA-256 is kept. A message that asks for one is good once: who
//     replays it gets nothing;
//   - nothing is told to an agent before there is a leaf of it, and nothing of who the
//     request is about: its number, its state, its dates. It goes to the address of the
//     registry, by the transport of package wire, which connects to public addresses only;
//   - a status that is another by the time it could be told is not told any more: the newer
//     one is.
//
// No row of it is about a person.
package agentsdb
