// Package arch holds the tests that keep the map of the tree true: which package
// may import which, how large a file and a function may get, which names say
// nothing, and that every table and field of people's data is claimed.
//
// The map is in rows.go. When it is wrong it is changed there, with a reason in
// docs/decisions.
package arch
