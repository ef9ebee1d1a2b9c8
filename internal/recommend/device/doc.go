// Package device makes what a browser needs to rank by itself: a signed file with the
// items that go with each item. A visitor who lets nothing leave keeps their history in
// their own browser, and gets a list from it all the same.
//
// A file is one of three kinds, and says which:
//
//   - [Content] is made from the fields of the catalogue and holds no person. It is the default.
//   - [Noised] is made from the histories of people who permit training, under differential
//     privacy: what each adds is bounded, and exact discrete noise covers it.
//   - [Counted] is made from the model that serves, without noise: only pairs that many people
//     are behind, and only after an operator has accepted that by name.
//
// It promises:
//
//   - a file has one encoding, and its SHA-256 names it; a damaged one is an error, never a
//     panic or a huge allocation, and one that is not signed or has run out is refused;
//   - a score is a sum of whole numbers, one for each past item, and with a content model each
//     says which fields are alike; the browser's list is this package's list, number by number;
//   - one person more or less changes the counts of a noised file by at most what its noise
//     was made for, whoever they are and however much they bought ([Bound]);
//   - noise is drawn exactly, with whole numbers, from the operating system's randomness;
//   - all noised files together stay within one budget ([Budget]), and a shop that is too small
//     for a useful one is told so in words before anything is spent;
//   - a pair that fewer than [LeastBehind] people are behind is in no counted file, and such a file
//     is valid for a day at most.
package device
