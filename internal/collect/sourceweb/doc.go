// Package sourceweb is the console's desk for the sources of events: the list, a form for
// a new one, its keys, its settings, and programs to copy.
//
// It promises:
//
//   - the key of a server is on one page, once: the answer to the form that made it, which
//     no cache and no history keeps; a public key is shown whenever it is asked for;
//   - a form with an error comes back with what was typed and the error beside its field;
//   - ending asks first, and says what stops;
//   - the programs hold the real address, and a test runs each of them; that of our own SDK
//     fixes the module by its hash.
package sourceweb
