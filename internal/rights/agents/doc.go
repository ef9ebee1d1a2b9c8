// Package agents is the registry of those who may ask in other people's place by a signed
// request: what is known of an agent, when it may ask, and how the list of a network is
// read. Package agentsdb keeps it, agentsweb is the desk for it, drp and drpweb are the
// protocol that agents speak.
//
// It promises:
//
//   - nobody is an agent but whom staff have entered, from a network's service directory
//     or by hand; nothing is fetched;
//   - an agent is one id and one key. A key is never replaced: who has another is entered
//     anew under another id, as section 2.05 of the Data Rights Protocol advises, so that
//     what was signed before stays checkable;
//   - the address to which an agent is told what became of a request is fixed in the
//     registry. What a request names beside it is not called;
//   - an agent that is suspended or ended gets the same answer as one that never was;
//   - nobody is named: people to write to are in the network's own directory, not here.
package agents
