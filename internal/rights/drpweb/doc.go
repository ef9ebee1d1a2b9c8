// Package drpweb is the Data Rights Protocol over HTTP, below /drp: key setup, the check of
// a token, a request, its status, and taking it back. Package drp is the format, agents the
// registry, cases what a request becomes.
//
// It promises:
//
//   - who is not who they say, or asks about what is not theirs, gets 403 without a body,
//     whatever the reason, and is slowed down;
//   - the same signed request again is the same request, and the answer to it is its status;
//     the same signed message for a token again is refused;
//   - whether anybody is known by what an agent says costs no statement more or less, and
//     changes no byte of an answer but the request's number and time;
//   - a request for everything, for a copy or for an erasure waits until the person has
//     said, signed in by what is held, that they asked: the agent's word is not enough
//     (11 CCR 7063(a)); an opt-out is done by the agent's word (11 CCR 7026(j));
//   - the address of a status callback is that of the registry. A request that names
//     another is taken, and nothing is called.
package drpweb
