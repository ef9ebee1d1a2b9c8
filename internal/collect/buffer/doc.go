// Package buffer takes records in on three nodes, so that events are taken while the
// database of the archive is away, and while one node is. It is off unless configured;
// without it records go to the log of frames at once. I/O is its job: it decides
// nothing about people, opens nothing, and what it holds is sealed.
//
// A node joins what its callers bring into a group, writes the group to its spool, and
// publishes it as one message into a JetStream stream that lies on all three nodes, in
// this process's own server. The node that leads the stream archives it, in order. What
// is archived is written down, trimmed from the stream, and dropped from the spools.
//
// It promises:
//
//   - [Buffer.Append] returns when the records are on a quorum of the stream, synced, and
//     in this node's spool, synced; or in the archive, when the cluster takes longer
//     than [Config].Patience, as it does while it elects. When neither is to be
//     had the error is of kind thimble.ErrUnavailable. What was acknowledged is archived.
//   - The archive gets each record at least once and keeps it once, by its key. What comes
//     without a key gets one. So a call that failed can be made again.
//   - Groups of one node are archived in the order in which it took them, but for those that
//     went to the archive past the stream, and those that were missing.
//   - Each node numbers its groups. A hole or a repeat is seen by whoever archives, and
//     named in the log by node, run and number; a message that fails its checksum counts as
//     a hole. What is missing is had from the spool of the node that took it, at once
//     if it runs, and when it is back if not.
//   - A group leaves the spool only when the archive has it, and the stream is trimmed only
//     up to what is archived.
//   - On start, and every few seconds from then on, a node compares its spool with stream and
//     archive, and publishes again what is in neither.
//   - Members are three, and stay the same: a start among others is refused. They prove to
//     each other that they know the secret, and off this machine show certificates.
//   - What was archived is off every disk within [Config].Clean and a few minutes; a spool
//     file of which nothing can be read, within a day.
//
// Why not a durable consumer whose acknowledgements trim: a record that was handed to
// an archiver which died comes again only after a pause, behind what is newer, and the
// order is lost. The archiver here has no state in the cluster but how far it is.
package buffer
