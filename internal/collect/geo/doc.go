// Package geo finds the country of an internet address, from a table that the operator
// supplies. Thimble ships none and asks nobody: an address leaves the process never.
//
// It promises:
//
//   - the common free forms are read: CSV of first address, last address and country, or of
//     network and country, IPv4 and IPv6, addresses in text or as numbers, with or without
//     a head and further columns;
//   - a line that is wrong, or overlaps another, is an error of kind thimble.ErrInvalid that
//     names the line and the rule, and nothing is loaded half;
//   - what is in no range, or of no country, has none: nothing is guessed;
//   - an address is compared and forgotten.
package geo
