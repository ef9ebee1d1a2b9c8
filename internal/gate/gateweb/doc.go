// Package gateweb shows the use log: who opened whose data, when and what for. It
// also lends the gate to the pages of packages below it, in their words.
//
// It promises that a read for staff goes through the gate, so that it is recorded
// before anything is seen, and that a refusal arrives with its reason.
package gateweb
