// Package wire is how data about people leaves: signed webhooks, mail, and files dropped
// into a folder, each sealed to its recipient where the recipient has a key. It is the only
// code that dials out with people's data, so I/O is its job: it decides nothing about people.
// Who may get what is judged above it, and the leaf is written there.
//
// A [Sender] has one method per transport. Each takes the id of the disclosure and returns
// an [Outcome]; none logs, and none returns an error text, which might repeat what was sent:
//
//	s, err := wire.New(meter, wire.Config{})
//	err = s.Check(url, hosts)                      // when an address is entered
//	out := s.Post(ctx, wire.Hook{URL, Hosts, Keys}, wire.Message{ID, Disclosure, Type, Body})
//	relay, err := wire.ParseRelay("smtps://…")     // err = s.CheckRelay(relay)
//	out := s.Mail(ctx, relay, wire.Letter{…})
//	out := s.Drop(ctx, folder, recipient, wire.Message{…}) // folder, err := wire.OpenFolder(path)
//
// Beside them, without I/O: [Schedule.Next] says when to try again, [Sign] and [Verify]
// speak Standard Webhooks, for acknowledgements that come in too, [Seal] and [Open] make and
// read the sealed [Envelope].
//
// It promises:
//
//   - No byte is written to a socket or a file before the [Meter] has taken the id of the
//     disclosure that it belongs to; a connection without one refuses to write. The meter
//     then hears of every byte, those of the TLS handshake included.
//   - It connects only to public addresses: the address is judged after the name was
//     resolved, the judged one is dialled, and it is judged once more as the socket is made. No
//     redirect is followed, no proxy is taken from the environment, and a recipient's host
//     must be on that recipient's list. Loopback is for development, endpoint by endpoint,
//     with a warning in the log.
//   - TLS 1.2 or later with a verified certificate, or nothing is sent. A mail server off this
//     machine that offers no TLS gets neither password nor letter.
//   - A try ends: 5 seconds to connect, 10 in all, unless configured otherwise; 64 KiB of an
//     answer are read. Whatever a recipient does has a name among the [Why] values.
//   - The id of a message stays the same over all its tries: a recipient that keeps ids takes it
//     once. Delivery is at least once; an answer that is cut off counts as none.
//   - A dropped file appears whole under its name or not at all, wherever the power fails, mode
//     0600, and nowhere but in its folder. One that was delivered is on the disk.
//   - A sealed envelope opens with the recipient's key, unchanged in every bit, or not at all;
//     recipient, agreement, disclosure and message are bound to it.
//   - No value from outside gets into a header or a command line of a mail unchecked.
//
// Not there yet: mail addresses outside ASCII (SMTPUTF8); recipients or mail servers on a
// private network, which are reached through one on loopback; authorities of a recipient's
// own; padding of envelopes, whose length shows that of what is inside. NAT64 under a
// network's own prefix (RFC 6052) looks like any public address and is not recognised.
package wire
