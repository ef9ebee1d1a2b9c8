// Package trial holds the rules of experiments with lists: who is in which group, what is
// compared, and what may be said of it. It does no I/O; trialdb keeps experiments, and
// trialweb shows them.
//
// It promises:
//
//   - a person's group follows from a keyed hash of their id and the experiment: it is the
//     same each time, and nobody without the key can tell it;
//   - one experiment at a time runs at a placement, so that no two mix;
//   - what is measured, for how long and on how many people is fixed before the start, and
//     is in the ledger's leaf;
//   - one person counts once, when their days are over, and at most as much as the cap
//     that was set before: nobody's purchases decide alone;
//   - an interval holds at every look. Whoever looks each day and stops when they like is
//     wrong as seldom as the interval says, and not more often;
//   - groups whose sizes cannot be chance are told before any result;
//   - the propensity of a drawn entry is exact: whole numbers, which the decision's record keeps.
//
// The intervals are asymptotic confidence sequences with the normal mixture boundary
// (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and
// asymptotic confidence sequences, Annals of Statistics 52(6), 2024, Theorem 2.2). Measures
// that are a ratio of two sums per person use the delta method (Deng, Knoblich, Lu: Applying
// the delta method in metric analytics, KDD 2018). The check of group sizes is the
// always-valid multinomial test of Lindon and Malek (Anytime-valid inference for multinomial
// count data, NeurIPS 2022). The watch over live rates is Page's CUSUM (Biometrika 41, 1954).
package trial
