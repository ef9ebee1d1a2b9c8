// Package frame is the form in which events lie in the log: what came in together is
// one frame, and each record in it is one event of one person, sealed in parts, a
// part for each category of data.
//
// It promises:
//
//   - a frame is read as it was written, byte by byte in one form only: what [Decode] lets
//     through, [Frame.Append] writes again alike;
//   - a byte that was changed, cut off or added is an error, never another frame;
//   - a false length costs no memory, and decoding copies no sealed part;
//   - the keys by which repeats are known are read from the head alone, which has a checksum
//     of its own;
//   - [Merge] makes the event again of its parts, whatever they are and in whichever order
//     they come, or says that they contradict each other.
//
// Plain in a frame are random ids of records and subjects, times of receipt, numbers of
// sources, keyed hashes and names of categories; and counts, which lead to nobody.
package frame
