// Package policy reads laws as data, joins those that apply to a person, and
// answers what they ask: of a purpose, by when, from what age, with which words.
//
// A law is a pack: one strict YAML file with a citation for every value. Adding a
// law is adding a file.
//
// It promises:
//
//   - what YAML leaves to guessing is an error that names the line, and so is a
//     value without a citation, a date without a zone, or a pack that
//     contradicts itself;
//   - a pack has one canonical form and one hash, which every decision and every
//     consent names; a pack from outside is signed by a key on the list, or
//     accepted by its hash, and never older than the one before;
//   - joining laws is commutative, associative and idempotent, and adding a pack
//     never loosens anything; each value of the result names the pack and article
//     that won, and those that lost;
//   - a keep duty narrows what data may be used for, and permits nothing;
//   - a change that tightens applies at once; one that loosens, or may, waits until
//     somebody accepts it, whether a new pack, a pack that is gone or the calendar
//     brings it ([Regime]);
//   - packs are chosen by evidenced residence, never by IP address alone; a person
//     whose law is unknown gets the strict baseline;
//   - each law counts time by its own calendar, and the earliest date is the due
//     date; a request keeps the clock of the law it came under;
//   - a purpose that no rule of a general law covers is prohibited.
//
// Packs are data with citations, not legal advice.
package policy
