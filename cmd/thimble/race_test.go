//go:build race

package main

// raced says that the race detector is on, with which a start takes many times as long.
const raced = true
