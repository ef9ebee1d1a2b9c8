package consent

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"thimble"
)

// A Controller is who answers for the use of the data: the shop.
type Controller struct {
	Name    string
	Contact string // how to reach it: an address of mail or of a page
}

// Handling is what the inventory says of a purpose: what data, from where, for how
// long, to whom.
type Handling struct {
	Categories []thimble.Category
	Recipients []string
	Retention  string
}

// Document returns the receipt of a choice as ISO/IEC TS 27560:2023 describes it, in
// the JSON-LD profile dpv-27560#receipt-eu-gdpr of W3C DPV 2: the record's metadata,
// the notice, the processing, the parties and the event. It holds what the event
// holds, and no address or browser. proof is where the inclusion proof is to be had.
func Document(e Event, c Controller, h Handling, proof string) ([]byte, error) {
	status, ok := statuses[e.State]
	if !ok {
		return nil, fmt.Errorf("consent: a receipt for the state %q: %w", e.State, thimble.ErrInvalid)
	}
	id := fmt.Sprintf("%s/consents/%d", e.Subject, e.Seq)
	record := map[string]any{
		"@id": "urn:thimble:" + id, "@type": "dpv:ConsentRecord",
		"dct:identifier": id, "dct:conformsTo": profile + "record-eu-gdpr",
		"dct:created":           instant(e.At),
		"dpv:hasDataSubject":    map[string]any{"@id": "urn:thimble:" + e.Subject.String(), "@type": "dpv:DataSubject"},
		"dpv:hasDataController": map[string]any{"@type": "dpv:DataController", "dpv:hasName": c.Name, "dpv:hasContact": c.Contact},
		"dpv:hasNotice": map[string]any{
			"@type": "dpv:ConsentNotice", "dct:identifier": "sha256:" + e.Notice.SHA256,
			"dct:language": e.Notice.Lang, "dct:hasVersion": e.Notice.Version,
		},
		"dpv:hasProcess":          process(e, h),
		"dpv:hasRight":            []string{"eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A17", "eu-gdpr:A21"},
		"dpv:hasConsentStatus":    []any{consentStatus(e, status)},
		"thimble:policies":        e.Packs,
		"thimble:inclusion_proof": proof,
	}
	if e.Incentive != nil {
		record["thimble:incentive"] = e.Incentive
	}
	receipt := map[string]any{
		"@context": terms, "@id": "urn:thimble:receipt:" + id, "@type": "dpv:ConsentReceipt",
		"dct:identifier": "receipt-" + strconv.FormatInt(e.Seq, 10), "dct:conformsTo": profile + "receipt-eu-gdpr",
		"dct:created": instant(e.At), "dct:publisher": c.Name, "schema:recipient": "dpv:DataSubject",
		"dpv:hasRecordOfActivity": record,
	}
	b, err := json.MarshalIndent(receipt, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("consent: writing a receipt: %w", err)
	}
	return append(b, '\n'), nil
}

const profile = "https://w3id.org/dpv/schema/dpv-27560#"

var terms = map[string]string{
	"dct": "http://purl.org/dc/terms/", "schema": "https://schema.org/",
	"dpv": "https://w3id.org/dpv#", "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
	"thimble": "urn:thimble:terms#", "fideslang": "urn:fideslang:",
}

var statuses = map[State]string{
	Given: "dpv:ConsentGiven", Refused: "dpv:ConsentRefused", Withdrawn: "dpv:ConsentWithdrawn",
	Renewed: "dpv:RenewedConsentGiven", Deferred: "dpv:ConsentRequestDeferred",
	Invalidated: "dpv:ConsentInvalidated", Expired: "dpv:ConsentExpired",
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func process(e Event, h Handling) map[string]any {
	data := make([]string, len(h.Categories))
	for i, c := range h.Categories {
		data[i] = "fideslang:" + string(c)
	}
	p := map[string]any{
		"@type": "dpv:Process", "dpv:hasPurpose": "fideslang:" + string(e.Purpose),
		"dpv:hasLegalBasis":    map[string]string{"consent": "eu-gdpr:A6-1-a"}[e.Basis],
		"dpv:hasPersonalData":  data,
		"dpv:hasRecipient":     h.Recipients,
		"dpv:hasDuration":      h.Retention,
		"thimble:withdraws_at": "/privacy/choices",
	}
	if p["dpv:hasLegalBasis"] == "" {
		p["dpv:hasLegalBasis"] = e.Basis
	}
	if e.Scope != (Scope{}) {
		p["thimble:scope"] = e.Scope
	}
	return p
}

func consentStatus(e Event, status string) map[string]any {
	by := "dpv:DataSubject"
	if e.By.Actor == "guardian" {
		by = "dpv:GuardianOfDataSubject"
	}
	s := map[string]any{
		"@type": status, "dct:date": instant(e.At), "dpv:isIndicatedBy": by,
		"dpv:hasIndicationMethod": map[string]any{"component": e.UI.Component, "path": e.UI.Path, "actor": e.By.Actor, "authentication": e.By.Auth},
	}
	if !e.Expires.IsZero() {
		s["dct:valid"] = instant(e.Expires)
	}
	return s
}
