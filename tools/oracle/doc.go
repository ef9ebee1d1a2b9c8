// Package oracle holds tests that read Thimble's log with software of others:
// Tessera's fsck and client. It is a module of its own, so that the product does not
// carry theirs.
//
// It promises that a log that our code serves passes them at every size at which a
// tile begins or ends, after new epochs too, and that it fails when one hash of it
// was altered: an oracle that accepts everything would prove nothing.
package oracle
