// Package source says what a source of events is: its kind, its name, the origins
// whose pages may send for it, and the write keys it sends with. Package sourcedb keeps
// them, package door asks for them.
//
// It promises:
//
//   - a key is 160 random bits behind a prefix that says whether it is public, with a
//     checksum, so that a typing error is told without a look-up;
//   - of a server's key only the SHA-256 is kept, and its text is shown once; the key of a
//     browser or an app lies in every visitor's hands, and stays readable;
//   - an origin is one that a browser sends: scheme, host and port, and nothing else; a
//     page off this machine is reached by https;
//   - a name and a number are given once, so that what was counted for a source is its own
//     for good.
//
// A source is a system of the shop: nothing here is about people.
package source
