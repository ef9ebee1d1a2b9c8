// Package framedb keeps the log of frames in the set sqldb.Log.
//
// It promises:
//
//   - what Append returned without an error is durable, and is read back as it was given;
//   - what comes in together shares a commit, and a call that comes alone waits for nobody:
//     there are no timers;
//   - a repeat key that was kept less than 24 hours ago is not kept again: exactly,
//     whoever appends at the same time, in this process or another, across restarts and
//     crashes, and whatever is done to the wall clock. An order key is kept once for as
//     long as the record is kept;
//   - frames are numbered 1, 2, 3, … without gaps, and a record never changes its place;
//   - a frame that cannot be read stops nobody and is not passed in silence: it is read as
//     one without records, marked [frame.Frame.Unreadable], and its number is noted in the
//     log before anybody is told of what follows. It stays as it is until it is mended;
//   - when the disk or the server does not take a commit, everybody who waits for it gets
//     an error of kind thimble.ErrUnavailable, nothing of it is kept, and the next call
//     tries again;
//   - what Rewrite left out is overwritten in SQLite's file and gone from its write-ahead
//     log; [Store.Scrub] proves it by reading every byte.
//
// How long ago something was kept is measured by the clocks of the processes that append,
// which nobody can set, and never by the wall. The time in which none of them lived does
// not count. So a key is remembered for 24 hours at least, and longer after a stop.
package framedb
