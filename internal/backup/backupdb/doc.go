// Package backupdb reads the log of events for a backup, and writes it back.
//
// It promises:
//
//   - The log is read as of one instant, in parts that follow each other: at most 256 frames
//     that came in in one month. Where a part begins depends on the frames' numbers and times alone, so
//     that it has the same bytes each time until a frame in it is written again.
//   - What is written back is what was read, order keys and notes of unreadable frames included,
//     up to the frame that is asked for. A part that is not whole is refused.
package backupdb
