// Package storefront is the demo shop: a real catalogue with its lists, on which a
// customer sees why a product is shown and how the shop looks for somebody who
// refused everything.
//
// It promises:
//
//   - nothing about a person is used for a page but what the gate allows: who
//     refuses, and who is not signed in, gets the popular list, and the page says so;
//   - each personal product says what it is there for, and leads to the decision
//     with all of its reasons and its receipt;
//   - who wants a list without telling anybody turns it on in their own browser; no page
//     depends on whether they have;
//   - what the shop cannot do yet is not on a page: there is no basket;
//   - a customer can be picked from a list in the demo only, and only one that was
//     handed in.
package storefront
