// Package gpp reads and writes the strings of the IAB's Global Privacy Platform:
// the header with its Fibonacci-coded section ids, the sections for Europe, Canada,
// the United States and each of their states that has one, and the US Privacy
// string that came before (section 6, also alone).
//
// The sections of the US differ only in their table ([Layouts]); one decoder reads
// them all. Ids 1, 3 and 4 of the registry are no sections of consent and are
// refused by name; an id beyond the registry is refused with its number.
//
// It promises:
//
//   - strictness: as many sections as the header names, in its order, each id once;
//     values from 0 to 2; nothing after the last field but padding; the
//     first section that breaks a rule refuses the string;
//   - a section of a version that the table does not know is read in the newest
//     layout, so that it can be shown, and says so ([Section.Known]); it must not be
//     relied on;
//   - [String.Encode] writes what [Decode] reads;
//   - no input makes it panic; the work is bounded by iab.MaxLength.
//
// Layouts are those of the specification "Global Privacy Platform" (IAB Tech Lab,
// sections as of December 2025), checked against the reference implementation.
package gpp
