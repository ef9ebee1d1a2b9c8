// Package cases is a request as a person or an authority sees it: what was asked for, by
// whom, by when it is due, and each step until it is answered. What is done about it is
// a verb of package rights; package casesdb keeps cases, casesweb shows them.
//
// It promises:
//
//   - a case goes through one state machine, a pure function ([Case.Next]); nothing is
//     fulfilled before what was asked for is done, and nothing leaves a final state but
//     by an appeal against a refusal, once, decided by somebody else;
//   - what systems outside are asked for delays nothing that is done here: the case waits
//     for their answers afterwards, and is fulfilled when all have given them, or in part,
//     by a person with a reason, when none of the others may still answer in time;
//   - a date is that of the earliest law that applies to the person; where none has one,
//     the month of the GDPR counts, and the rule says so ([Deadlines]);
//   - a clock stands still only for a reason that the law names; an extension moves the
//     date only when every law knows one and the person was told in time: a late one is
//     void, the date stands, and the step says so;
//   - identity is proved with what is held already ([Proofs]), and never asked for what
//     a law grants without: opt-outs, objections to advertising, a withdrawal;
//   - an erasure or an archive waits for three days after an e-mail address was added,
//     and the date does not wait with it;
//   - a refusal names its ground and its law;
//   - no step is older than the one before: a clock that jumps back reopens nothing and
//     voids nothing;
//   - a step's record ([Step]) holds words of the program, dates and hashes, no person.
package cases
