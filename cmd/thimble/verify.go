package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"thimble/internal/ledger"
)

// checkReceipt verifies a receipt against the log's key and says in words what it
// proves. Without a key nothing can be proved, so one is asked for.
func checkReceipt(text []byte, key string) (string, error) {
	if key == "" {
		return "", invalid("--key is needed: the log's verifier key, as the console's ledger page and /v1/ledger/key show it")
	}
	o, err := ledger.Verify(text, strings.Fields(key)...)
	if err != nil {
		return "", err
	}
	var record bytes.Buffer
	if err := json.Indent(&record, o.Record, "  ", "  "); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The receipt is genuine.\n")
	fmt.Fprintf(&b, "  log     %s\n  entry   %d of %d\n  kind    %s\n  hour    %s\n  root    %x\n", o.Origin, o.Index, o.Size, o.Class, o.Hour.UTC().Format("2006-01-02 15:00 UTC"), o.Root[:])
	fmt.Fprintf(&b, "  record\n  %s\n", record.String())
	return b.String(), nil
}
