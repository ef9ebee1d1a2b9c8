// Package policy reads laws as data and answers what they say about a purpose.
//
// A law is a pack: one strict YAML file with a citation for every value. So far
// there is one, the strict baseline for people whose residence is unknown: it
// asks consent for everything that a contract does not need.
//
// It promises:
//
//   - an unknown key, a duplicate key, a value without a citation or a mode that
//     does not exist is an error that names the line;
//   - a pack has one canonical form and one hash, which every decision and every
//     consent names;
//   - a purpose that no rule covers is prohibited.
//
// Packs are data with citations, not legal advice.
package policy
