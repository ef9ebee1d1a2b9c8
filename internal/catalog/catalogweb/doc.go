// Package catalogweb shows what the shop sells. Nothing on its pages is about a
// person.
package catalogweb
