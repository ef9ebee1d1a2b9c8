// Package certificate says that somebody was forgotten, so that a stranger can check it.
//
// A certificate is one JSON file of two parts: what it says, and the receipt of an entry
// of the log that commits to exactly that. The log's signature under the receipt's
// checkpoint is the certificate's.
//
// It promises:
//
//   - a certificate holds nobody: counts, hashes, laws, names of recipients;
//   - a file is one only in the one form that Thimble writes it in, so that no byte of it
//     can be changed without another text being read;
//   - what the file says is what the log has signed, field by field; where it is not, the
//     error names the field;
//   - it is judged offline, by [Verify] and by certificate.js in a browser alike;
//   - it says what it does not cover.
package certificate
