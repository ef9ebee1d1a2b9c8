package policy

import (
	"testing"
	"time"

	"thimble"
)

func TestALimitClosesSensitiveDataToAllButWhatTheLawLists(t *testing.T) {
	packs, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		place    string
		category thimble.Category
		use      thimble.Purpose
		closed   bool
	}{
		"California, body, lists":                {"US-CA", "user.biometric", thimble.PersonalizeContent, true},
		"California, part of it, training":       {"US-CA", "user.biometric.fingerprint", thimble.TrainAISystem, true},
		"California, a branch that has it":       {"US-CA", "user", thimble.PersonalizeContent, true},
		"California, body, what was asked for":   {"US-CA", "user.biometric", thimble.SupportOperations, false},
		"California, body, fraud, 7027(m)(3)":    {"US-CA", "user.biometric", "essential.fraud_detection", false},
		"California, orders are not sensitive":   {"US-CA", thimble.PurchaseHistory, thimble.PersonalizeContent, false},
		"Germany lists none: the strict default": {"DE", "user.health_and_medical", "essential.fraud_detection", true},
		"Germany, what was asked for":            {"DE", "user.health_and_medical", thimble.EssentialService, false},
		"nobody knows where":                     {"", "user.biometric", thimble.PersonalizeContent, true},
	} {
		t.Run(name, func(t *testing.T) {
			q := Question{At: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
			if c.place != "" {
				q.Residences = []Residence{{Place: c.place, Evidence: Declared}}
			}
			law, err := packs.Law(q)
			if err != nil {
				t.Fatal(err)
			}
			f, closed := law.Limits(c.use, c.category)
			if closed != c.closed || closed && (f.Mode != Prohibited || f.Cite == "") {
				t.Errorf("Limits = %+v, %t, want %t with its source", f, closed, c.closed)
			}
		})
	}
}
