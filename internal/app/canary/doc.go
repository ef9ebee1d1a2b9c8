// Package canary proves that an erasure reaches every byte. It makes an installation in
// a folder, makes up a person, brings strings that exist nowhere else in by every way in
// that there is, provokes errors with them, has the person forgotten, and looks for the
// strings in everything that was written.
//
// It promises:
//
//   - every way in is listed ([Doors]) with what is brought in by it, or with the reason why
//     nothing personal comes by it; a test fails when the program has one that is not;
//   - the protocols of requests are ways in too: an agent, a firm of a chain of deletion and a
//     controller ask for the person, and a system outside is told of them and answers;
//   - all files are read: databases with their free pages and write-ahead logs, models,
//     keys, files for recipients, logs; while the program still runs, and when it has ended;
//   - a string is found as it is, in base64 at any offset, in hexadecimal, UTF-16, percent
//     signs, inside gzip and zlib, and by its SHA-256; the keyed hashes by which the database
//     found the person are looked for too;
//   - a backup that was made while the person was there is put back after they were forgotten:
//     what it has of them is shown first, by opening it, and then nothing of it is in any
//     byte of what was put back; the sets of backups themselves are read as they lie;
//   - a leak is found: the tests plant one of each form, and in each kind of place.
//
// What it cannot see: the memory of processes, the free space of the disk, and what
// somebody else keeps.
package canary
