// Package subjectweb shows who people are: to staff, the customers and the page of
// one customer.
//
// It promises:
//
//   - a customer's page is opened by the gate, for a purpose, and names the purpose
//     and the recorded use; what is refused says why and shows nothing;
//   - an account number is posted, never part of an address, and never sent back;
//   - what is masked is shown in full once, for a reason that the person reads;
//   - what other capabilities know of a customer comes in as a [Panel], so that this
//     package knows none of them.
package subjectweb
