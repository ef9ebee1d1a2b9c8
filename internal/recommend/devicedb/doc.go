// Package devicedb keeps what was released for browsers to rank from, and makes the file
// that they are served.
//
// It promises:
//
//   - without an act of the staff the file is the model of the catalogue, which holds no person;
//   - a noised file is there with its leaf of the ledger and its part of the budget, or not at
//     all: what was not spent never left, and what left was spent;
//   - the budget is for good: no end of a file and no passing of time gives any of it back;
//   - a file without noise is served only while an acceptance by a name stands, is made of who
//     permits training now, and anew when the model changes;
//   - each acceptance, release and end is a leaf of the ledger with its reason;
//   - a file that has run out or was ended is served no more, and its bytes are destroyed.
//
// Table: recommend_device_files. No row is about a customer; a noised file holds of each no
// more than its guarantee says.
package devicedb
