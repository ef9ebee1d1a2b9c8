// Package collectweb shows what came in: imports, their counts, and the rows that
// were rejected, by line and rule.
//
// It promises that no value of a row is shown: the tables behind it hold none.
package collectweb
