// Package orderweb shows orders: to staff, those of one customer and how many
// there are.
//
// It promises that an order is opened by a grant only, and that what is shown
// without one are counts.
package orderweb
