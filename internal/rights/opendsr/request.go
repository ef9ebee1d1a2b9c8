package opendsr

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"thimble"
)

// Bounds of what comes in.
const (
	MaxBody       = 64 << 10 // bytes
	maxIdentities = 50
	maxValue      = 254 // characters of an identity
	maxCallbacks  = 5
)

// An Identity is one way in which the person is named.
type Identity struct {
	Type   IdentityType             `json:"identity_type"`
	Value  thimble.Personal[string] `json:"-"`
	Format Format                   `json:"identity_format"`
}

// A Request is what a controller asks for. Nothing in it prints whom it is about.
type Request struct {
	Regulation Regulation // empty: it was not said
	ID         string     // a UUID of version 4, in lower case
	Type       Type
	Submitted  time.Time
	Identities []Identity
	Version    string
	Callbacks  []string
	// Extensions are kept for the processor that they are for, by its domain.
	Extensions map[string]json.RawMessage
}

type wireIdentity struct {
	Type   string `json:"identity_type"`
	Value  string `json:"identity_value"`
	Format string `json:"identity_format"`
}

type wireRequest struct {
	Regulation string                     `json:"regulation,omitempty"`
	ID         string                     `json:"subject_request_id"`
	Type       string                     `json:"subject_request_type"`
	Submitted  string                     `json:"submitted_time"`
	Identities []wireIdentity             `json:"subject_identities,omitempty"`
	Version    string                     `json:"api_version,omitempty"`
	Callbacks  []string                   `json:"status_callback_urls,omitempty"`
	Extensions map[string]json.RawMessage `json:"extensions,omitempty"`
}

// ParseRequest reads a request liberally. The error is a [*Fault].
func ParseRequest(b []byte) (r Request, err error) {
	if len(b) > MaxBody {
		return r, wrong("body", "at most 64 KiB were expected")
	}
	var w wireRequest
	if json.Unmarshal(withoutExtraCommas(b), &w) != nil { // the cause may repeat what was sent
		return r, wrong("body", "a JSON object with the fields of section 7.1 was expected")
	}
	if r.ID, err = ParseRequestID(w.ID); err != nil {
		return r, err
	}
	r.Regulation, r.Type = Regulation(strings.ToLower(w.Regulation)), Type(strings.ToLower(w.Type))
	switch {
	case r.Regulation != "" && r.Regulation != GDPR && r.Regulation != CCPA:
		return r, wrong("regulation", "gdpr or ccpa was expected")
	case !slices.Contains(Types(), r.Type):
		return r, wrong("subject_request_type", "erasure, portability or access was expected")
	case w.Version != "" && !slices.Contains([]string{"0", "1", "2"}, major(w.Version)):
		return r, wrong("api_version", "a version up to 2 was expected")
	case len(w.Callbacks) > maxCallbacks:
		return r, wrong("status_callback_urls", "at most 5 were expected")
	}
	if r.Submitted, err = time.Parse(time.RFC3339, w.Submitted); err != nil {
		return r, wrong("submitted_time", "a time by RFC 3339 was expected")
	}
	r.Version, r.Callbacks, r.Extensions = w.Version, w.Callbacks, w.Extensions
	r.Identities, err = identities(w.Identities)
	if err == nil && len(r.Identities) == 0 {
		err = wrong("subject_identities", "at least one was expected: no extension of this processor names people")
	}
	return r, err
}

func major(version string) string {
	m, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	return m
}

func identities(all []wireIdentity) (list []Identity, err error) {
	if len(all) > maxIdentities {
		return nil, wrong("subject_identities", "at most 50 were expected")
	}
	for _, w := range all {
		i := Identity{Type: IdentityType(strings.ToLower(w.Type)), Value: thimble.Hide(strings.TrimSpace(w.Value)), Format: Format(strings.ToLower(w.Format))}
		length := map[Format]int{MD5: 32, SHA1: 40, SHA256: 64}[i.Format]
		switch {
		case !slices.Contains(IdentityTypes(), i.Type):
			return nil, &Fault{"subject_identities.identity_type", "one of section 5.1 was expected", "UnsupportedIdentityType"}
		case i.Format != Raw && length == 0:
			return nil, &Fault{"subject_identities.identity_format", "raw, sha1, md5 or sha256 was expected", "UnsupportedIdentityFormat"}
		case i.Value.Reveal() == "" || len([]rune(i.Value.Reveal())) > maxValue: // to measure it
			return nil, wrong("subject_identities.identity_value", "1 to 254 characters were expected")
		case length > 0 && !hexDigits(i.Value.Reveal(), length): // to measure it
			return nil, wrong("subject_identities.identity_value", "as many hexadecimal digits as its format has were expected")
		}
		list = append(list, i)
	}
	return list, nil
}

func hexDigits(text string, n int) bool {
	return len(text) == n && strings.Trim(strings.ToLower(text), "0123456789abcdef") == ""
}

// Marshal writes a request strictly. The error is a [*Fault] for what no request may have.
func (r Request) Marshal() ([]byte, error) {
	w := wireRequest{Regulation: string(r.Regulation), ID: r.ID, Type: string(r.Type), Submitted: r.Submitted.UTC().Format(time.RFC3339), Version: Version, Callbacks: r.Callbacks, Extensions: r.Extensions}
	switch {
	case r.Regulation != GDPR && r.Regulation != CCPA:
		return nil, wrong("regulation", "gdpr or ccpa was expected")
	case !uuid.MatchString(r.ID):
		return nil, wrong("subject_request_id", "a lower-case UUID of version 4 was expected")
	case !slices.Contains(Types(), r.Type):
		return nil, wrong("subject_request_type", "erasure, portability or access was expected")
	case r.Submitted.IsZero() || len(r.Identities) == 0:
		return nil, wrong("submitted_time, subject_identities", "both were expected")
	}
	for _, i := range r.Identities {
		if i.Format != Raw && i.Format != SHA256 {
			return nil, &Fault{"subject_identities.identity_format", "raw or sha256 was expected: others can be undone", "UnsupportedIdentityFormat"}
		}
		if !slices.Contains(IdentityTypes(), i.Type) || i.Value.Reveal() == "" { // to send it
			return nil, wrong("subject_identities", "a type of section 5.1 with a value was expected")
		}
		w.Identities = append(w.Identities, wireIdentity{string(i.Type), i.Value.Reveal(), string(i.Format)}) // to send it
	}
	return json.Marshal(w)
}

// withoutExtraCommas takes away a comma that stands before a closing bracket, outside of
// strings: the specification's own example has one.
func withoutExtraCommas(b []byte) []byte {
	out := make([]byte, 0, len(b))
	inside, escaped, comma := false, false, -1
	for _, c := range b {
		switch {
		case inside:
			inside = escaped || c != '"'
			escaped = !escaped && c == '\\'
		case c == '"':
			inside, comma = true, -1
		case c == ',':
			comma = len(out)
		case c == '}' || c == ']':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
		out = append(out, c)
	}
	return out
}
