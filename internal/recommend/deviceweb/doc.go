// Package deviceweb hands the file that browsers rank from to whoever asks, the same to all,
// and is the console's page about it.
//
// It promises:
//
//   - the file is public and tells visitors apart by nothing: no cookie is read or set, no
//     choice of words depends on who asks, and its tag is the hash of its content;
//   - nothing but the catalogue's model is served without an act of the staff on the page,
//     which says what it means before and is in the ledger after.
package deviceweb
