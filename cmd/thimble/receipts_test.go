package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"thimble/internal/collect/receipts"
	"thimble/internal/subject"
)

// tillReceipts writes a batch of receipts as a till does, to the file that is named.
func tillReceipts() {
	now := time.Now()
	one := func(number, account, item string, back bool) receipts.Receipt {
		r := receipts.Receipt{Number: number, At: now.Add(-time.Hour), Currency: "EUR", Country: "DE", Back: back, Lines: []receipts.Line{{Item: item, Name: "Shirt", Units: 1, PriceMinor: 1990}}}
		if account != "" {
			r.Kind, r.Value = subject.Account, account
		}
		return r
	}
	var out bytes.Buffer
	err := receipts.Sign(&out, receipts.Header{Till: "till-7", Sequence: 1, Created: now}, []receipts.Receipt{
		one("1", "17850", "A-1", false), one("2", "", "A-1", false), one("3", "17850", "A-1", true), one("4", "17850", "", false),
	}, tillKey)
	if err == nil {
		err = os.WriteFile(os.Args[1], out.Bytes(), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
