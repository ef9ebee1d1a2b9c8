// Package casesweb shows cases: to the person whose they are, who asks, limits and
// appeals in the privacy centre; to staff, who answer at a desk sorted by date; and to
// systems of the shop, which pass on what they were asked.
//
// It promises:
//
//   - what a person can do alone is done before the page comes back;
//   - a person sees each step of theirs, what was written at it, and its receipt;
//   - staff read what was written through the gate, and the person sees that they did;
//   - a system of the shop learns of a case nothing that tells whether anybody is known,
//     as long as nobody has shown that it is theirs.
package casesweb
