// Package discloseweb has the pages of what leaves: recipients and their agreements, the
// outbox, and for each person who got what about them; and the address at which recipients
// confirm.
//
// It promises:
//
//   - no page of staff shows what is in a message: who, when, which fields and how much;
//   - an agreement is shown as what it permits before it is kept, and what is wrong with it
//     with its line;
//   - whoever submits an agreement that loosens something does not accept it;
//   - a person sees each disclosure about them with the recipient's name, the purpose, the
//     fields, how long the recipient may keep them, and a receipt;
//   - a confirmation counts with the recipient's signature only, and what is wrong with one
//     is not said.
package discloseweb
