// Package ledgerweb serves the log over HTTP as C2SP tlog-tiles, and the page on
// which anyone can check a receipt.
//
// It promises:
//
//   - What it serves of the log is public by nature: heads, hashes and leaves
//     without personal data. It needs no sign-in and sets no cookie.
//   - Tiles are immutable and say so; the checkpoint is not kept by caches.
//   - The verifier page sends nothing anywhere: its policy forbids connections.
//
// Source: c2sp.org/tlog-tiles.
package ledgerweb
