// Package policyweb shows the laws to staff and to programs: what applies in a place on
// a day, with every source; what differs between two days or places; what comes; what
// a pack would change for the people on file; what waits to be accepted; and the packs.
//
// It promises:
//
//   - Each value is shown with its pack, article and the day it was checked, and one that
//     awaits its primary source says so beside it. Packs are data with citations, not
//     legal advice, and the pages say that too.
//   - Place, day and facts are in the address, so that a page can be passed on. Only a
//     pack that was pasted or uploaded is not: it is tried and forgotten.
//   - A pack that cannot be read comes back in the form, with line and rule.
//   - The simulator counts people and names none; fewer than [Few] in a place are shown
//     as "<10".
//   - What loosens waits until somebody accepts it with a reason.
package policyweb
