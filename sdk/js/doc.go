// Package js is Thimble in the browser: consent first, then events. What a page loads
// is written in TypeScript (src) and built by tools/sdk into one module (dist), which
// this package hands out.
//
// The module promises:
//
//   - before somebody has chosen, it stores nothing and sends nothing of them; all it
//     asks for is the text of the question, without a cookie or an id;
//   - refusing is as easy as allowing: alike in look, level and number of clicks, and
//     first in order; Escape, closing and silence are no answer;
//   - a no takes effect at once, in every tab: what waits is thrown away, what is under
//     way is cut, what is stored goes, and the server is told as soon as it can be
//     reached. Whoever never allowed anything is told of to nobody;
//   - no event leaves before the server has recorded the choice that allows it, and
//     each carries the choice;
//   - Global Privacy Control answers what it is about with no, and nobody is asked that;
//   - it knows no browser's name, no screen, and no address after ? or #;
//   - it evaluates nothing, parses no markup and writes no style attribute, so that it
//     runs under a strict content policy with Trusted Types;
//   - it is one ES module of at most 8 kB compressed, without dependencies.
//
// A second module, of at most 6 kB, ranks in the browser. It promises:
//
//   - before the visitor has turned it on, it stores nothing and fetches nothing; turned off,
//     nothing of it is left;
//   - what it keeps leaves the browser by no request: it fetches one file that is the same for
//     everybody, without a cookie, an id or a referrer, and ranks here;
//   - a file that the shop has not signed, or that has run out, is not ranked from;
//   - the list is that of internal/recommend/device, number by number, and the shares of an
//     entry sum to its score.
//
// The package promises that the modules it hands out are made from the sources beside it.
package js
