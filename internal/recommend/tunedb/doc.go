// Package tunedb keeps which recipes were tried on a shop's own data, how each did, and
// which one somebody chose for the trainings to come.
//
// It promises, on both engines:
//
//   - one tuning is under way at a time; it is queued in the transaction that asks for it;
//   - what is kept of one is measures of recipes, over [lists.LeastJudged] people or more:
//     nobody is in them, and a shop with fewer gets the reason and no measure;
//   - only a recipe that was tried, or the one that ships, can be chosen, by a name and with
//     a reason; a choice is a leaf of the ledger and is never changed: the next one counts
//     from then on;
//   - a choice moves no version that is kept. The next training takes it up, and freezes it
//     in its lineage with who chose it.
package tunedb
