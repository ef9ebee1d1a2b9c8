// Package web is the UI kit behind every door of Thimble that shows pages: the
// staff console, the customers' privacy centre, the shop and the API's manual.
//
// A [Kit] owns the embedded assets and the shared templates. A door parses its
// own pages into it with [Kit.Pages] and renders one [Page] per request with
// [Pages.Render]. What a page is made of ([Table], [Form], [Chart], [Stat] and
// the rest) is a plain Go value drawn by the template block of the same name:
//
//	{{define "title"}}Orders{{end}}
//	{{define "main"}}{{template "table" .Body.Orders}}{{end}}
//
// It promises:
//
//   - a page works without script; htmx and the modules only make it quicker;
//   - no page carries an inline style or script, so that one strict policy
//     ([Secure]) fits all of them, and no page asks another host for anything;
//   - a page is rendered in full before its first byte is sent: an error never
//     shows half a page, and never its own text;
//   - a page shown to somebody signed in is never stored by a cache;
//   - a log line names the route's pattern, never the path, the query, the
//     address or the browser ([AccessLog]);
//   - an error kind of package thimble gets the same status and type at each
//     door ([Kind]).
//
// It knows no capability: it imports the vocabulary package and nothing else of
// Thimble.
package web
