// Package app is the composition root: it reads the configuration, puts the
// kernel, the capabilities and the doors together with plain constructors in
// reading order, recovers what a crash left, and serves.
//
// It promises:
//
//   - nothing is served before recovery is done: interrupted erasures finished,
//     keys without a person swept, the model that serves checked against its hash;
//   - outside loopback there is TLS, or a refusal to start;
//   - a shutdown drains: requests end, counted uses are written, the ledger is
//     integrated, the databases are folded.
package app
