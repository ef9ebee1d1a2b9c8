package wire

import (
	"encoding/json"
	"time"

	"thimble"
)

// A State is what to do after a try.
type State string

// The states.
const (
	Delivered State = "delivered" // the recipient, or the next mail server, has it
	Retry     State = "retry"     // the same message may get through later
	Permanent State = "permanent" // it will not, unless somebody changes something
)

// A Why names what happened, in a word that may be stored, shown and counted.
type Why string

// What keeps a message here for good. Nothing of it was sent, except with Gone,
// Redirected, Refused and Rejected, which are the recipient's own words.
const (
	AddressInvalid   Why = "address-invalid"   // the URL or mail address breaks a rule
	HostNotListed    Why = "host-not-listed"   // the URL's host is not on the recipient's list
	AddressForbidden Why = "address-forbidden" // the host is, or resolves to, an address that is not public
	MessageInvalid   Why = "message-invalid"   // a header, id or key breaks a rule
	MessageTooLarge  Why = "message-too-large"
	FolderForbidden  Why = "folder-forbidden" // what stands in the place of the folder or file is something else
	Gone             Why = "gone"             // HTTP 410: the recipient wants nothing more
	Redirected       Why = "redirected"       // HTTP 3xx: the address must be changed by hand
	Refused          Why = "refused"          // HTTP 400, 413, 414, 415, 422: the message itself is not wanted
	Rejected         Why = "rejected"         // SMTP 5xx for sender, mailbox or letter
)

// What may pass.
const (
	NotRecorded     Why = "not-recorded" // the meter refused; nothing was sent
	Unresolved      Why = "unresolved"   // the name has no address now
	Unreachable     Why = "unreachable"  // no connection within the time
	Untrusted       Why = "untrusted"    // TLS failed: certificate, version, or none offered
	Busy            Why = "busy"         // HTTP 429 and 503, SMTP 421: come again later
	Failing         Why = "failing"      // any other HTTP answer; SMTP 4xx
	RelayRefused    Why = "relay-refused"
	NoAnswer        Why = "no-answer"         // connected, sent, and nothing came within the time
	AnswerCut       Why = "answer-cut"        // the connection ended in the middle, or before the announced length
	AnswerSlow      Why = "answer-slow"       // the answer began and did not end within the time
	HeadersTooLarge Why = "headers-too-large" // of the answer
	AnswerInvalid   Why = "answer-invalid"    // not HTTP, or not SMTP
	DiskFull        Why = "disk-full"
	DiskFailing     Why = "disk-failing"
	Stopped         Why = "stopped" // we ended the try ourselves, as on shutdown
)

// What is remarkable about a delivery. The status was a clear yes all the same.
const (
	AnswerTooLarge Why = "answer-too-large" // more than 64 KiB; there is no Ack
	AnswerNotJSON  Why = "answer-not-json"  // called JSON and is none; there is no Ack
)

// An Outcome is what came of one try.
type Outcome struct {
	State State
	Why   Why // "" for a plain delivery
	// Status is the last HTTP status or SMTP code that the other side sent; 0 for none.
	Status int
	// After is how long the recipient asked us to wait, at most a day; 0 when it did not.
	After time.Duration
	// Ack is the body of a 2xx answer that is JSON. The recipient wrote it: it may
	// hold anything.
	Ack thimble.Personal[json.RawMessage]
}

func retry(why Why) Outcome     { return Outcome{State: Retry, Why: why} }
func permanent(why Why) Outcome { return Outcome{State: Permanent, Why: why} }
