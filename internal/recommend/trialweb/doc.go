// Package trialweb shows experiments with lists to staff, how good lists are over time,
// and takes what came of lists by the API.
//
// It promises:
//
//   - an interval stands beside each difference, and a difference about which nothing may be
//     concluded yet says why;
//   - what refusals cost is a range with what it assumes in words, and nobody is asked again
//     because of it;
//   - feedback is answered alike for everybody: it does not tell who has an account, or who
//     permits what;
//   - figures that somebody has left since are not shown before they are counted afresh.
package trialweb
