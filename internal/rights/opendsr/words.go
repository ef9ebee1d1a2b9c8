package opendsr

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"thimble"
)

// Version is the version that is written.
const Version = "2.0"

// A Regulation is the law under which somebody asks.
type Regulation string

// The regulations.
const (
	GDPR Regulation = "gdpr"
	CCPA Regulation = "ccpa"
)

// A Type is what is asked for.
type Type string

// The types.
const (
	Erasure     Type = "erasure"
	Portability Type = "portability"
	Access      Type = "access"
)

// Types are all types.
func Types() []Type { return []Type{Erasure, Portability, Access} }

// An IdentityType is what an identity is.
type IdentityType string

// The types of identity that Thimble can hold.
const (
	CustomerID IdentityType = "controller_customer_id"
	Email      IdentityType = "email"
)

// IdentityTypes are all of the specification (section 5.1).
func IdentityTypes() []IdentityType {
	return []IdentityType{CustomerID, Email, "android_advertising_id", "android_id", "fire_advertising_id", "ios_advertising_id", "ios_vendor_id",
		"microsoft_advertising_id", "microsoft_publisher_id", "roku_publisher_id", "roku_advertising_id"}
}

// A Format is how an identity is written.
type Format string

// The formats. MD5 and SHA-1 are read, and never written.
const (
	Raw    Format = "raw"
	SHA1   Format = "sha1"
	MD5    Format = "md5"
	SHA256 Format = "sha256"
)

// A Status is how far a processor is.
type Status string

// The statuses.
const (
	Pending    Status = "pending"
	InProgress Status = "in_progress"
	Completed  Status = "completed"
	Cancelled  Status = "cancelled"
)

// rank orders statuses: none goes back, and nothing follows the last two.
func (s Status) rank() int {
	switch s {
	case Pending:
		return 1
	case InProgress:
		return 2
	case Completed, Cancelled:
		return 3
	}
	return 0
}

// Follows reports whether a status may come after another: the same again, or a later one.
func (s Status) Follows(before Status) bool {
	return s == before || s.rank() > before.rank()
}

// Final reports whether nothing follows.
func (s Status) Final() bool { return s.rank() == 3 }

// The headers of what a processor sends.
const (
	DomainHeader    = "X-OpenDSR-Processor-Domain"
	SignatureHeader = "X-OpenDSR-Signature"
)

// Signed reads the two headers, under the older names of the specification too (section
// 10.1). Each is taken once: of two, another reader might take the other.
func Signed(h http.Header) (domain, signature string, err error) {
	for _, name := range []string{"OpenDSR", "OpenGDPR", "OpenCompliance"} {
		domains, signatures := h.Values("X-"+name+"-Processor-Domain"), h.Values("X-"+name+"-Signature")
		if len(domains)+len(signatures) == 0 {
			continue
		}
		if len(domains) != 1 || len(signatures) != 1 || domains[0] == "" || len(domains[0]) > 253 || len(signatures[0]) > 4096 {
			break
		}
		return strings.ToLower(domains[0]), signatures[0], nil
	}
	return "", "", fmt.Errorf("opendsr: %s and %s were expected once: %w", DomainHeader, SignatureHeader, thimble.ErrDenied)
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// RequestID returns the UUID of version 4 that the random bits of an id make, as a
// controller names its requests.
func RequestID(id thimble.ID) string {
	b := id
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// ParseRequestID reads a UUID of version 4, in capitals too.
func ParseRequestID(text string) (string, error) {
	text = strings.ToLower(text)
	if !uuid.MatchString(text) {
		return "", wrong("subject_request_id", "a UUID of version 4 was expected")
	}
	return text, nil
}
