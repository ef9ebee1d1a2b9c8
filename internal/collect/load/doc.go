// Package load measures how many events an installation takes: clients with one
// connection each send batches, or single events, as fast as they are answered.
//
// It promises:
//
//   - each event is one that was never sent before: nothing is dropped as a repetition;
//   - events are those of the e-commerce spec, of about 700 bytes, over so many people, and
//     say that everything is permitted;
//   - a run ends after so many events or so much time, whichever is first, and goes to
//     another machine only when it is told to;
//   - with a rate, a request that waited for a connection is measured from when it was due;
//   - a probe ([Probe]) is one event of somebody who sends nothing else, and counts when
//     it is seen, however that is looked for;
//   - what was answered otherwise than 200 is counted by its status, and not as taken;
//   - the CPU that the sender itself takes is told, since it often runs on the same cores.
package load
