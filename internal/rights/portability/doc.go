// Package portability writes everything that is held about a person into one file that
// they take along (GDPR Art. 15(3) and 20): a page to read, JSON-LD for programs, and a
// table for each kind of data.
//
// It promises:
//
//   - each datum of an archive is in the JSON-LD and in a table, with its kind, its holder
//     and its time, but for what is redacted; an archive is never written in part without
//     an error;
//   - what leads to somebody else is left out by rule and listed: the number of another
//     person, and an address or number of somebody else within a text. What is one address
//     as a whole is about the person, and stays;
//   - for each kind of data it says what for, from whom, for how long and to whom by name,
//     as the map of data and the disclosures say;
//   - the manifest names each file with its hash, the snapshot, and the request;
//   - no table begins a formula in a spreadsheet, and the page runs no script and loads
//     nothing;
//   - a locked file opens with its words only (age, scrypt); words are drawn from 128 bits.
package portability
