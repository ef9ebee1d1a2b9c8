package opendsr

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A Receipt is the answer to a request: HTTP 201 (section 7.3).
type Receipt struct {
	Controller string    `json:"controller_id"`
	Expected   time.Time `json:"expected_completion_time"`
	Received   time.Time `json:"received_time"`
	// Encoded is the base64 of the whole request. A controller must not keep it, and this
	// one does not read it.
	Encoded string `json:"encoded_request"`
	ID      string `json:"subject_request_id"`
}

// A Standing is how far a request is: the answer to a question about it, and the body of a
// callback (sections 8.3, 8.6).
type Standing struct {
	Controller string    `json:"controller_id"`
	Expected   time.Time `json:"expected_completion_time"`
	Callback   string    `json:"status_callback_url,omitempty"` // of a callback
	ID         string    `json:"subject_request_id"`
	Status     Status    `json:"request_status"`
	Version    string    `json:"api_version,omitempty"`
	Results    string    `json:"results_url,omitempty"`
	Count      *int      `json:"results_count,omitempty"`
	// Extensions say more to who knows this processor, by its domain.
	Extensions map[string]map[string]string `json:"extensions,omitempty"`
}

// A Cancellation is the answer to a request that is taken back: HTTP 202 (section 9.2).
type Cancellation struct {
	Controller string    `json:"controller_id"`
	ID         string    `json:"subject_request_id"`
	Received   time.Time `json:"received_time"`
	Version    string    `json:"api_version"`
}

// A Discovery is what a processor says about itself (section 6.3).
type Discovery struct {
	Version     string      `json:"api_version"`
	Identities  []Supported `json:"supported_identities"`
	Types       []Type      `json:"supported_subject_request_types"`
	Certificate string      `json:"processor_certificate"`
}

// Supported is a pair of type and format.
type Supported struct {
	Type   IdentityType `json:"identity_type"`
	Format Format       `json:"identity_format"`
}

// ParseDiscovery reads what a processor says about itself.
func ParseDiscovery(b []byte) (d Discovery, err error) {
	if json.Unmarshal(withoutExtraCommas(b), &d) != nil || len(b) > MaxBody {
		return d, wrong("body", "a JSON object with the fields of section 6.3 was expected")
	}
	if !strings.HasPrefix(d.Certificate, "https://") && !strings.HasPrefix(d.Certificate, "http://") {
		return d, wrong("processor_certificate", "an address was expected")
	}
	return d, nil
}

// Supports reports whether a processor takes a request of a type with an identity.
func (d Discovery) Supports(t Type, i IdentityType, f Format) bool {
	return slices.Contains(d.Types, t) && slices.Contains(d.Identities, Supported{i, f})
}

// ParseReceipt reads the answer to a request. What it encodes of the request is dropped
// unread: a controller must not keep it.
func ParseReceipt(b []byte, id string) (r Receipt, err error) {
	if json.Unmarshal(withoutExtraCommas(b), &r) != nil || len(b) > 2*MaxBody {
		return Receipt{}, wrong("body", "a JSON object with the fields of section 7.3 was expected")
	}
	r.Encoded = ""
	if strings.ToLower(r.ID) != id {
		return Receipt{}, wrong("subject_request_id", "that of the request was expected")
	}
	if r.Controller == "" || len(r.Controller) > maxValue || r.Received.IsZero() {
		return Receipt{}, wrong("controller_id, received_time", "both were expected")
	}
	return r, nil
}

// ParseStanding reads how far a request is, from an answer or a callback. The spelling
// "canceled" and hyphens count too.
func ParseStanding(b []byte) (s Standing, err error) {
	if json.Unmarshal(withoutExtraCommas(b), &s) != nil || len(b) > MaxBody {
		return Standing{}, wrong("body", "a JSON object with the fields of section 8.3 was expected")
	}
	if s.ID, err = ParseRequestID(s.ID); err != nil {
		return Standing{}, err
	}
	s.Status = Status(strings.ReplaceAll(strings.ToLower(string(s.Status)), "-", "_"))
	if s.Status == "canceled" {
		s.Status = Cancelled
	}
	if s.Status.rank() == 0 {
		return Standing{}, wrong("request_status", "pending, in_progress, completed or cancelled was expected")
	}
	return s, nil
}

// Marshal writes how far a request is, strictly.
func (s Standing) Marshal() ([]byte, error) {
	if s.Controller == "" || !uuid.MatchString(s.ID) || s.Status.rank() == 0 || s.Expected.IsZero() {
		return nil, wrong("controller_id, subject_request_id, request_status, expected_completion_time", "each was expected")
	}
	s.Version = Version
	return json.Marshal(s)
}
