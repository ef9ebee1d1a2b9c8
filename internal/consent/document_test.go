package consent

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"testing"

	"thimble"
)

// the terms of W3C DPV 2.3 and its extension for the GDPR that a receipt may use.
var dpv = []string{
	"ConsentReceipt", "ConsentRecord", "ConsentNotice", "DataSubject", "DataController", "GuardianOfDataSubject", "Process",
	"ConsentGiven", "ConsentRefused", "ConsentWithdrawn", "RenewedConsentGiven", "ConsentRequestDeferred", "ConsentInvalidated", "ConsentExpired",
	"hasRecordOfActivity", "hasDataSubject", "hasDataController", "hasName", "hasContact", "hasNotice", "hasProcess", "hasRight", "hasConsentStatus",
	"hasPurpose", "hasLegalBasis", "hasPersonalData", "hasRecipient", "hasDuration", "isIndicatedBy", "hasIndicationMethod",
}

func TestAReceiptSaysWhatTheStandardAsksAndNothingOfTheBrowser(t *testing.T) {
	for state := range statuses {
		e := Event{V: 1, Subject: thimble.SubjectID{1}, Seq: 3, Purpose: thimble.PersonalizeContent, Scope: Scope{Signal: "returns"}, State: state, At: noon,
			Notice: Current().Ref(), UI: UI{Component: "banner", Path: []string{"refuse-all"}}, By: By{Actor: "guardian", Auth: "session", Guardian: thimble.SubjectID{2}},
			Basis: "consent", Packs: []string{"baseline.strict@1"}, Expires: noon.Add(Lives)}
		b, err := Document(e, Controller{Name: "A shop", Contact: "privacy@shop.example"}, Handling{Categories: []thimble.Category{thimble.PurchaseHistory}, Retention: "until erased"}, "/v1/x")
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		for _, term := range regexp.MustCompile(`"dpv:(\w+)"`).FindAllSubmatch(b, -1) {
			if !slices.Contains(dpv, string(term[1])) {
				t.Errorf("dpv:%s is no term of DPV", term[1])
			}
		}
		if doc["dct:conformsTo"] != profile+"receipt-eu-gdpr" || doc["dct:identifier"] == "" {
			t.Errorf("metadata of the receipt: %v", doc)
		}
		record, _ := doc["dpv:hasRecordOfActivity"].(map[string]any)
		for _, need := range []string{"dct:identifier", "dct:conformsTo", "dpv:hasDataSubject", "dpv:hasDataController", "dpv:hasNotice", "dpv:hasProcess", "dpv:hasConsentStatus"} {
			if record[need] == nil {
				t.Errorf("the record lacks %s; it has %v", need, slices.Sorted(maps.Keys(record)))
			}
		}
		if found := regexp.MustCompile(`(?i)user.?agent|"ip"|ip_address|\b\d+\.\d+\.\d+\.\d+\b`).Find(b); found != nil {
			t.Errorf("it says %q", found)
		}
	}
	if _, err := Document(Event{State: "perhaps"}, Controller{}, Handling{}, ""); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a receipt of no state: %v", err)
	}
}
