// Package sessionweb keeps visitors signed in at the doors: the cookie, the
// one-time links and the way out.
//
// It promises:
//
//   - a page behind [Door.Visitors] knows who is signed in by the context alone;
//   - the cookie holds a random token and nothing about the person, is not readable
//     by scripts, and is bound to the host where the connection is encrypted;
//   - looking at a one-time link does not use it up: only the button does, so that
//     a mail program that previews links signs nobody in;
//   - signing in replaces whatever session the browser had before;
//   - when it cannot be known who comes, it is nobody.
package sessionweb
