// Package order is what people bought and gave back.
//
// It promises:
//
//   - An order lies sealed as one value under its owner's key; a guest's under the
//     installation's. Beside it, in the clear, lie only whose it is (a random id),
//     when it was placed, and a keyed index of its number.
//   - Only a grant opens an order, and an opened order is the one that was sealed:
//     the body repeats the time of its row, and a row that says otherwise is refused.
//   - Equal orders have equal bytes before sealing, and any bytes that decode encode
//     to the same bytes again.
//   - Erasing a person deletes their orders' rows.
//
// Laws that make a shop keep invoices for years come with retention: nothing is
// kept here against an erasure yet, and an Erasure names nothing as kept.
package order
