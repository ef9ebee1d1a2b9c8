// Package trialdb keeps experiments with lists: their designs, who is in which group, and
// what came of lists. It is a thimble.Holder.
//
// It promises:
//
//   - nobody is in a group who does not permit analytics, beside the list itself; who takes
//     that back, or objects, is out of it in the same transaction, and of what was counted;
//   - of a person are kept the group, since when, and six sums; no list, no item and no
//     moment of a click;
//   - results are summed afresh from those who permit it now, at most a day old, and at once
//     to be counted again when somebody is erased, restricted, parted or joined;
//   - people who are one are in one group: that of the earlier of their subjects;
//   - what was reported of an entry of a list counts once, also when it is reported again;
//   - starting and stopping an experiment is a leaf of the ledger, with the design or reason;
//   - whatever fails here costs an experiment somebody, and nobody their list.
//
// The counts by day hold nobody. Those of lists that were shown wait in memory for up to
// five seconds; a power cut loses them.
package trialdb
