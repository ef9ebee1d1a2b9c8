// Package drp is the format of the Data Rights Protocol 1.0, by which an agent that a
// person chose sends requests to a business: what is signed, how it is checked, what a
// request becomes here, and how the state of a case is said in the protocol's words. The
// specification is at github.com/consumer-reports-innovation-lab/data-rights-protocol,
// data-rights-protocol.md; sections are cited by their numbers there.
//
// It promises:
//
//   - a message is checked in the order of section 3.07: it decodes; its signature is that
//     of the agent's key, over every byte of the document; its agent is that of the token;
//     its business is this one; it was issued, and it has not expired. The first rule that
//     is broken is the one that is said, by a [Refusal];
//   - a window of validity is at most [MaxWindow]: a message that is good for longer is
//     refused, however well it is signed;
//   - what is read is read liberally ([ParseExercise]): unknown members, the spellings of
//     earlier versions, timestamps without a zone; a name that comes twice in an object is
//     refused, because two readers would see two messages. What is written is what the
//     specification says ([Status], [Problem]);
//   - the status of a case of which nobody has shown that it is theirs is the same whether
//     anybody is known or not ([StatusOf]);
//   - no error repeats what was sent.
package drp
