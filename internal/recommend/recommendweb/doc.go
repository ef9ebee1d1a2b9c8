// Package recommendweb shows the recommender: to staff, which model serves, how it
// came about, what it says goes with an item, and what a customer would see.
//
// It promises:
//
//   - what a customer would see is shown for a purpose and a reason only, by the gate's leave
//     for everything that the list is made from, after the leaf of the look is durable; who
//     may not see all of it sees nothing, since the reasons would tell the rest;
//   - the customer finds the look among those of staff, with its reason.
package recommendweb
