// Package datamapweb shows the inventory of personal data: what is held, where,
// why, by whom and for how long.
//
// It promises that the page is the map itself, which a test holds against both
// schemas, and not a text about it.
package datamapweb
