// Package retention says how long what is kept, and what may not be destroyed: schedules
// of retention by category and purpose, and legal holds. Package retentiondb keeps them
// and the runs, package retentionweb has the pages.
//
// It promises:
//
//   - a [Schedule] is a pure function of its sources: the law's packs, the data map and
//     the operator's [Document]. For each purpose the shortest period counts, and each
//     result names its source. Another source never lengthens anything, unless it is a
//     law that says how long something must be kept at least;
//
//   - such a floor keeps the record that the law names, beyond the schedule for that law
//     alone: nothing else is permitted on it. Where floor and ceiling disagree, both are
//     shown;
//
//   - a [Hold] says whose or which records are kept for a law, why, and until when
//     somebody looks again. What it keeps is neither erased nor expired, whatever the
//     order in which things happen; everything else is;
//
//   - a [Run] says of each category what expired, by table and count, with a root over
//     keyed hashes of what expired, and how much is left that is older than the schedule.
//     That must be nothing;
//
//   - a run that reaches further than time has passed since the last one waits for a
//     person: a clock that jumped destroys nothing.
//
//   - each rule whose period runs for each person by itself, from when no purpose needs what
//     was collected of them any more or from when they were there last, is executed for the
//     people whose law it is ([Clocked]);
//
//   - nobody is forgotten for not having been there who could be told and was not, 48 hours
//     before ([Warning]).
//
// What is not there: a period from the last visit of a single category. What lies outside of the log of events rests on a
// contract or a law beside any choice, and has no end of its purpose; events of the log can
// expire and cannot be held.
package retention
