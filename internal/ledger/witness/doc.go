// Package witness is a witness for logs of others (c2sp.org/tlog-witness), and the
// client with which a log asks one.
//
// It promises:
//
//   - Of each log it knows, it cosigns checkpoints that extend the last one it
//     cosigned, and no others: no fork, no rollback, whoever holds the log's key.
//   - What it cosigned is synced to the disk before the answer goes out. A crash at any
//     moment loses no cosigned checkpoint; when the disk does not take it, there is
//     no cosignature.
//   - A stored checkpoint that it did not cosign itself keeps it from starting.
//
// It believes the first checkpoint that it sees of a log. A folder put back from a
// backup would cosign a history twice: a witness that lost its folder gets a
// new one, with a new key.
//
// Checkpoints with extension lines are refused; no log of Thimble has them.
// ML-DSA-44 cosignatures are not there yet.
package witness
