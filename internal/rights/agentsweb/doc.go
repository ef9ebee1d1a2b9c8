// Package agentsweb is the desk in the console for the registry of agents: who may ask in
// other people's place by a signed request, with which key, and where each is told what
// became of a request. Package agents says what an agent is.
//
// Entering and ending an agent needs a fresh proof of who it is: whoever is in the registry
// speaks for people.
package agentsweb
