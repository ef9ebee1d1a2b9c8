// Package ddrfweb receives requests to delete that other firms pass on (IAB Data Deletion
// Request Framework 1.0): GET /dsrdelete.json says what is taken and with which key answers
// are signed, POST /dsrdelete takes a request and acknowledges it. Package ddrf is the
// format.
//
// It promises:
//
//   - only firms whose discovery file the operator has saved are heard;
//   - what is acknowledged is receipt, whether or not anybody is known, at the same cost; the
//     person says on their page, signed in by what is held, that it was them;
//   - the same request again is acknowledged again, and is no second case;
//   - an erasure is passed on to systems outside that take part ([First]): nothing of an
//     answer counts that is not the signed acknowledgement of the very request, and of it a
//     digest is kept.
package ddrfweb
