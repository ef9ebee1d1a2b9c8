// Package sessionweb keeps visitors signed in at the doors: the cookie, the
// one-time links, the codes by mail, the shop's tokens, and the way out.
//
// It promises:
//
//   - a page behind [Door.Visitors] knows who is signed in by the context alone;
//   - the cookie holds a random token and nothing about the person, is not readable
//     by scripts, and is bound to the host where the connection is encrypted;
//   - looking at a one-time link does not use it up: only the button does, so that
//     a mail program that previews links signs nobody in;
//   - signing in replaces whatever session the browser had before;
//   - whoever asks for a code is told the same whether or not anybody has the address,
//     after the same work; the mail leaves later ([Post]);
//   - what a stolen cookie must not do needs a proof of who it is that is younger than
//     ten minutes ([Fresh]);
//   - a token of the shop opens nothing by itself: it leads to a one-time link, whose
//     button is on a page of ours, so that no other site signs anybody in unseen;
//   - when it cannot be known who comes, it is nobody.
package sessionweb
