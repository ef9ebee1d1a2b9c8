// Package consentweb shows what people permit: to staff, as counts and shares per
// purpose, and the choices of one customer under a grant.
//
// It promises that the notice shown to staff is, byte for byte, the one whose hash
// the recorded choices name.
package consentweb
