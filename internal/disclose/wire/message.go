package wire

import (
	"thimble"
)

// A Message is one body for one recipient.
type Message struct {
	ID         thimble.ID // "msg_…"; the same over all tries
	Disclosure thimble.ID // under which the leaf was written
	// Type is the media type of the body, such as application/json; [EnvelopeType] for a
	// sealed one.
	Type string
	Body thimble.Personal[[]byte]
}

// The prefixes of ids in text, as they appear in headers, envelopes and file names.
const (
	messagePrefix    = "msg"
	disclosurePrefix = "dsc"
	recipientPrefix  = "rcp"
	agreementPrefix  = "agr"
)

// MaxBody bounds the body of a message, in bytes.
const MaxBody = 32 << 20
