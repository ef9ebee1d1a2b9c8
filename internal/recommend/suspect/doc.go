// Package suspect finds accounts that look as if they were made to push an item: it
// counts, and it holds the rules of what is done about it. It reads no labels, asks
// for no permission and stores nothing.
//
// It looks at accounts that are not trusted only: to be trusted takes an account of
// some age and a purchase that is verified, which is the first defence, and the caps of
// a recipe are the second. Of the signs in the literature it reads those that need
// nothing but counts of who had what, and two days of each account:
//
//   - pull: of an item's people far more are not trusted than of all people, by the
//     tail of the binomial distribution (the test per item of detectors after Mehta and
//     Nejdl 2009). The item that stands out most is taken first and its accounts are
//     taken out before the next is looked at, so that the popular items which such
//     accounts hide behind are not blamed for them;
//   - burst: of the accounts that are not trusted and had an item three of four or more came,
//     or were last here, within a day, three or seven, while those who had other things did not:
//     a scan statistic, by the tail of the binomial distribution (Naus 1965). Where most people
//     are new it suspects whoever came for what was new that day: a young shop does not ask;
//   - alike: accounts with the very same items, of which there are several.
//
// It promises:
//
//   - whoever is trusted is never in a finding;
//   - a finding says in one sentence of counts why it is one, and names nobody in it;
//   - findings depend on who had what and when they were here alone, and not on the order of people;
//   - what it finds is a suspicion. Nobody is left out of learning by it: that is the
//     decision of a person, who can take it back.
//
// New customers who come for a new item look the same. That is why a person decides,
// and why the caps hold without them.
package suspect
