// Package timelineweb shows what events are kept of one person: to that person in plain
// words and under their own grant, and to staff.
//
// It promises:
//
//   - an event is opened by a grant only, and an address names a place in the log and
//     nobody;
//   - staff see shapes: names of the plan, types and kinds of data. What an event says is
//     shown for a purpose and a reason, as far as the rules open it to their role in the
//     clear; what leads to a person in a text is left out for everybody;
//   - each page that shows something is a recorded use of its own, also of shapes, and the
//     person reads of it; a refusal says why and shows nothing.
package timelineweb
