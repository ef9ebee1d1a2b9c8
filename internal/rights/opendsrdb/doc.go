// Package opendsrdb keeps what controllers ask of the shop by OpenDSR 2.0, where the shop is
// their processor: who may ask, what they asked, and the callbacks that tell them how far
// it is.
//
// It promises:
//
//   - only a controller that staff have registered asks, with a token of which a digest is
//     kept; it sees its own requests and no others;
//   - a request is a case like any other. The controller's word counts as the proof of who
//     asks, which the case's steps say; the laws and the wait after a new e-mail address
//     count all the same;
//   - of the identities a request came with nothing is kept but whose they are. Somebody and
//     nobody cost the same statements, and get the same answer; of nobody an erasure is
//     completed, since nothing is held;
//   - identities under a hash cannot be looked up by what is held: a request with none but
//     those is cancelled, and says why;
//   - a copy is given to a controller that staff have let ask for copies, to no other and
//     with its token; it is made when it is fetched, within three days, while the person is
//     there, and each day on which it is has a request with a leaf;
//   - a request that comes again under its id is the same, and one that says something else
//     under it is refused.
package opendsrdb
