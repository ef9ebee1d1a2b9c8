// Package timelineweb shows people what events are kept of them, in plain words and under
// their own grant.
//
// It promises that an event is opened by a grant only, and that an address names a place in the
// log and nobody.
package timelineweb
