// Package suspectweb is the console's page about accounts that look as if they were
// made to push an item. It names none of them.
package suspectweb
