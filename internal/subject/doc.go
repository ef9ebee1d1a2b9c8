// Package subject says who people are: identifiers, their spelling, and where a
// person lives as far as there is evidence for it.
//
// It promises:
//
//   - Two spellings of one identifier become one ([Normalize]), so that one person
//     is found once. Nothing is guessed: what does not fit the rule is refused, and the
//     error names the field and the rule, never the value.
//   - What programs write for nothing ("null", "0", "unknown") is refused: one person
//     under it would be everybody's.
//   - A merge is a link ([Merge]): it moves nothing, so that its end leaves two people
//     as they were. A shared device joins nobody, and related people ([Relation]) stay
//     two.
//   - An unknown age is not that of an adult ([Age]).
//   - Identifiers and residence are stored sealed (package subjectdb). An identifier is
//     found by a keyed blind index; there is none for anything with few values.
//   - A forgotten person's identifiers stay only as hashes under a key of their own, so
//     that an old list does not bring the person back.
package subject
