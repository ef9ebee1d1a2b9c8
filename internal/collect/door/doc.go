// Package door takes events over HTTP, as Segment's SDKs send them: it finds the source
// of a write key, reads the body within bounds, hands it to the intake and answers when
// that has made it durable. What is in a body is the intake's affair.
//
// It promises:
//
//   - the official SDKs work unmodified: their paths, their ways to show a key, their
//     content types, their retries;
//   - 200 is said when what was accepted is durable, and not before; what consent or the
//     plan dropped is answered like what was kept, byte for byte. Only a server that asks
//     for it is told the counts, by reason;
//   - the body is refused whole (400) only when there is nothing good in it; what may be
//     tried again is answered 408, 429 or 503, the last two with Retry-After;
//   - it refuses before the disk is full, and what it refuses for its key, its length or
//     its rate it does not read;
//   - a body costs the memory that has arrived of it, all bodies together no more than
//     [Config.InFlight], those of one network no more than half of it and, when the other
//     half is in use, an eighth; a sender slower than [MinRate] is let go;
//   - what is packed is unpacked up to the bound of a plain body, once;
//   - a page may send for a source when its origin is one of the source's, and the
//     key of browsers is refused without one; that of a server when a page sends it; no
//     cookie is looked at;
//   - nothing of a body is in a log, an error, an answer or a metric, and a buffer is wiped
//     before the next request gets it.
//
// What is not there yet: an address is used to find a country and let go by the intake;
// where behind a proxy it is that of the proxy unless the installation names its proxies.
package door
