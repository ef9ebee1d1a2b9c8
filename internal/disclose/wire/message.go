package wire

import (
	"mime"
	"strings"

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

// mediaType reads a media type in printable ASCII. Anything else might be written in one
// way and read in another.
func mediaType(text string) (kind string, params map[string]string, ok bool) {
	for _, c := range []byte(text) {
		if c < ' ' || c >= 0x7f {
			return "", nil, false
		}
	}
	kind, params, err := mime.ParseMediaType(text)
	return kind, params, err == nil && strings.Contains(kind, "/")
}
