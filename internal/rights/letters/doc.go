// Package letters says which letters people get about their requests, and what is in
// them. Package lettersdb keeps that they are owed and what became of them.
//
// It promises:
//
//   - a letter follows from a step of a case ([Of], a pure function), and from what its
//     person has not seen happen on a page of their own;
//   - a letter names what was asked for, dates, grounds and laws, and where to go on. What
//     was written at a step is in it only where a law has the reason told: a date that is
//     moved and a refusal (GDPR Art. 12(3), 12(4)). There is no name in it, no value of what
//     is held, and no number but that of the request;
//   - no link in it signs anybody in;
//   - what was asked by somebody who is not told whether the person is known owes the same
//     letter for a person who is known and for one who is not: a letter says to the person
//     alone that they are;
//   - people of whom the shop holds data for somebody else get none: whom it works for
//     writes to them (GDPR Art. 28(3)(e));
//   - the letter of an erasure is the last one. It goes out as the erasure begins, because
//     the address is erased with the rest.
package letters
