// Package rules says what a member of staff may: whose data by what purpose, and which
// pages of the console. The rules are Cedar policies in files, so that whoever has to
// answer for them can read them.
//
// It promises:
//
//   - doubt is no: what no policy permits is refused, and a policy that forbids beats all
//     that permit;
//   - a policy that speaks of an action, a role, a purpose, a category or a page that does
//     not exist, or that is of the wrong type, is refused when it is read, with its file and
//     line ([Load]);
//   - an answer names the policies that decided it;
//   - an answer takes a few microseconds, however many policies there are: they are found
//     by action and role, and only those are looked at that could matter;
//   - what somebody may is told beforehand in the same words ([Set.Matrix]).
//
// The roles that ship are in policies/*.cedar. They permit by purpose: support helps who
// asked for help, finance bills, the data protection officer answers people's requests, and
// whoever administers accounts sees nobody's data at all.
package rules
