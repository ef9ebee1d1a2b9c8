// Package feeds gives recipients what the shop has, step by step: orders to whoever
// sends the parcels, the catalogue to whoever shows it.
//
// It promises:
//
//   - a feed offers rows, and the recipient's agreement takes the fields that it has from
//     them: what is not agreed does not leave;
//   - an order leaves at most once per recipient: the position moves in the transaction that
//     queues the message. What was recorded while a run was under way is not missed;
//   - orders from before the agreement began are not in it, and neither are guests', who
//     cannot be asked, nor those of people whom the gate refuses at that moment;
//   - the catalogue goes as a whole when it has changed, and not otherwise. Nobody is in
//     it; it has a leaf all the same.
//
// Not there yet: an order that was left out is not sent later when its person may be
// sent again; stock levels, which nothing counts yet.
package feeds
