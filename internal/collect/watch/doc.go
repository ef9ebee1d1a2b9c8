// Package watch counts what comes in, so that whoever sends events sees what becomes of
// them: how many a minute, what was dropped and why, which rules of the tracking plan
// were broken, and which properties nobody has decided about.
//
// It promises:
//
//   - it holds no value of any event and nothing of whom it was about: counts, names of
//     the plan, types, and names that [plan.Shown] lets through;
//   - what came with a key that is public, so from anybody, is shown by its shape until ten
//     devices in three networks have sent the name. Who they are is a hash under a key that
//     the process draws at its start, in memory alone. A system of the shop that makes keys
//     or names of events out of values can get one word past it, and up to six of an
//     event's name: what is shown is theirs to mend;
//   - everything is bounded in number: what finds no place any more is counted as such;
//   - telling it of a body waits for no disk and costs less than a microsecond an event;
//   - the newest events of a source are there as shapes ([Watch.Tail]), in memory alone;
//   - what was taken for the store and could not be written is put back, and counted
//     once.
//
// Package watchdb keeps the figures.
package watch
