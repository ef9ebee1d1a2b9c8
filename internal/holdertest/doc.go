// Package holdertest is the suite that every holder of people's data passes. A
// store's own test gives a [Fixture] and calls [Run], on each engine.
//
// It shows of a holder that
//
//   - its places are named, and its tables are in the data map under its name;
//   - an export is whole, the same twice, writes nothing, and at a snapshot shows
//     nothing that came later;
//   - an erasure destroys what is held about the person, once;
//   - what expires goes, what came later stays, and what a law keeps is named;
//   - a restriction loses nothing, and an objection ends the use;
//   - a merge moves nothing, and its undoing leaves each with what is theirs, and
//     nothing of the other;
//   - each of these can be interrupted anywhere, and is finished by the next call;
//   - nobody else's bytes change.
//
// A holder that embeds [thimble.Static] where it should act fails: the fixture says
// what the holder does about people who are one ([Fixture.WhileOne]), what an
// objection ends ([Fixture.Used]), and which categories expire ([Fixture.Terms]); the
// suite fails a fixture that leaves out a category that the holder exports.
//
// Interruptions are contexts that die at their n-th question, for n from zero until
// the call gets through: between any two statements, and within them.
package holdertest
