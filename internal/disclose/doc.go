// Package disclose says who may get data about people, under which agreement, and in
// what shape. Package disclosedb keeps and sends it, package wire carries it.
//
// It promises:
//
//   - nothing goes to a recipient but under an agreement that is in force: a strict
//     document with purposes, fields, times and an assessment ([ParseAgreement]). An
//     agreement or an assessment that has ended blocks, each with a reason of its own
//     ([Agreement.Permits], a pure function);
//   - a change that loosens an agreement waits until a second member of staff accepts
//     it, and one that tightens it is in force at once ([Loosens]);
//   - selling and sharing are named as what they are ([Act]), and ask for the person's
//     answer to [ThirdParty] beside that to the purpose;
//   - what leaves has the fields of the agreement and no others, times no finer than
//     the agreement says and never finer than an hour, and in the place of each number
//     that could be compared a word that only this recipient gets ([Agreement.Shape]);
//   - a message has one state at a time, and what may follow it is written down
//     ([State.May]).
package disclose
