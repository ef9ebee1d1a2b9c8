// Package watchdb keeps the figures of package watch for thirty days: what came from
// each source by minute, which rules were broken, and what waits to be decided.
//
// It promises:
//
//   - figures are written every few seconds in one transaction, by every process, and
//     added up; a batch that could not be written is counted with the next;
//   - the tables are bounded: by minutes, and by a number of violations and proposals of
//     each source, of which those that came last longest ago make room: what one source
//     sends costs no other anything;
//   - no row holds a value of an event, or is about a person.
package watchdb
