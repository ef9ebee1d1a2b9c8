// Package opendsr is the format of OpenDSR 2.0 (formerly OpenGDPR and OpenCompliance): how a
// controller passes a request of a person on to a processor, and how that one answers.
// Nothing here reads a network, a file or a clock. Package opendsrdb keeps what came in,
// opendsrweb speaks it in both roles.
//
// It promises:
//
//   - what comes in is read liberally: unknown fields, a comma too many, a missing
//     regulation (the specification's own example lacks it), identifiers in capitals, the
//     older names of the headers ([ParseRequest], [Signed]);
//   - what goes out is strict: each required field, lower-case UUIDs of version 4, and no
//     identity under MD5 or SHA-1 ([Request.Marshal]);
//   - an error names the field and the rule and repeats nothing that was sent ([Fault]);
//   - a signature counts that verifies with a certificate of an authority that is trusted,
//     for the domain that is expected, and no other ([Verify]).
package opendsr
