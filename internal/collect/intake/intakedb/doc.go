// Package intakedb does for package intake what needs the database: people who are new,
// and who is one with whom.
//
// It promises:
//
//   - people are made many at a time: those that bodies bring at the same moment wait for
//     one commit together, and none for the people of bodies that come later;
//   - whoever was forgotten does not come back by an event, under whichever name; a device
//     that several people use leads to nobody, and no key is made for it;
//   - people are joined only while they are those who were judged, in one transaction with
//     the look at them;
//   - a device that is a subject of its own is linked, never moved, so that of the choices of
//     both the stricter holds and the link can be undone;
//   - two accounts are never one because of a device.
package intakedb
