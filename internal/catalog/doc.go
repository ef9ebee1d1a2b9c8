// Package catalog knows what the shop sells, and how much of it was sold. It
// holds no person.
//
// It promises:
//
//   - Nothing in it is about a person: a product is the shop's own, and demand is
//     counts per item and day, without any identifier. An erasure has nothing to
//     do here.
//   - Demand counts sales. A return takes nothing back from it: what was asked
//     for on that day was asked for.
//   - Equal counts rank by item id and pages end on a cursor, so that two readers
//     of the same state see the same order.
//   - An unknown name, price, category or attribute leaves what is stored.
package catalog
