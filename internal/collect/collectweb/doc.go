// Package collectweb shows what came in: imports, their counts, and the rows that
// were rejected, by line and rule; what shop systems deliver and somebody has to act on;
// and takes files up: kept sealed, looked at, confirmed by who brought them, imported.
//
// It promises:
//
//   - No value of a row is shown. The tables behind the reports hold none; of an upload
//     names of columns, shapes and counts are shown.
//   - An upload lies on disk only sealed, under a key that lives in this process. It is
//     removed once it is imported, dropped, or an hour old, and at the next start. So many
//     are kept at a time, those among them that are arriving.
//   - Nothing is imported before who uploaded it has confirmed what the columns mean.
package collectweb
