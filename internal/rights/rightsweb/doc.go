// Package rightsweb shows what people asked for about their data, and what was
// done.
//
// It promises that what staff see of a request are counts, hashes and dates: the
// answer itself belongs to the person.
package rightsweb
