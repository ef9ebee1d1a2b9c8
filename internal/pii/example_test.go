package pii_test

import (
	"fmt"

	"thimble/internal/pii"
)

func ExampleScan() {
	text := "Too wide. Write to jo@example.com or call 01.84.17.61.18"
	spans := pii.Scan(text, nil)
	for _, s := range spans {
		fmt.Println(s.Kind, s.Rule, s.Start, s.End)
	}
	fmt.Println(string(pii.Redact(nil, text, spans)))
	// Output:
	// email email 19 33
	// phone phone.trunk 42 56
	// Too wide. Write to [email] or call [phone]
}
