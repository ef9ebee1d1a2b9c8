// Package opendsrweb speaks OpenDSR 2.0: as processor it takes requests of the controllers
// that the shop works for and says how far they are, signed; as controller it passes
// requests of people on to the systems outside that speak it, asks how far those are, and
// takes their callbacks.
//
// It promises:
//
//   - nobody but a registered controller is answered, and about its own requests alone;
//   - each answer and callback is signed with the certificate that discovery names;
//   - of a system's answer and callback nothing is read before its signature holds, by a
//     certificate of a trusted authority for the system's own domain;
//   - what a processor sends back of a request is dropped unread, and no refusal repeats
//     what was sent.
package opendsrweb
