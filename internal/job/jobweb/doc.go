// Package jobweb shows the durable work: what waits, what runs, what failed.
//
// It promises that no payload is shown: a kind, a state and an error's text say
// enough.
package jobweb
