// Package intake takes the bodies of Segment's wire from a door to the log of frames:
// it reads them, finds whose they are, asks the gate, keeps what is permitted, and
// answers when that is durable.
//
// It promises:
//
//   - nothing is kept of somebody but what the gate permits for a purpose of the tracking
//     plan, property by property; signals of the request, the batch and the event only
//     narrow that;
//   - a withdrawal that was answered holds for every body, whenever it began: what is
//     permitted is asked again when everything is ready to be written, and no change is
//     answered while it is being written;
//   - each event is sealed under its person's key, one part for each category;
//   - who an event is of is believed from trusted sources; of any other only the device
//     counts, and a device is joined to an account only by what is permitted of both;
//   - an event is kept, and a choice taken down, once: by its source and messageId, of trusted
//     sources an order also by its number there;
//   - of somebody unknown who permits nothing it is counted that it happened on a day, and
//     nothing else is kept;
//   - while the ledger is silent or the lease lost, everything is refused for now
//     (thimble.ErrUnavailable), so that senders send again and nothing is lost;
//   - errors and logs say nothing of what is in a body.
package intake
