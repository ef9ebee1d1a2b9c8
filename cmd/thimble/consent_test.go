package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/till"
	"thimble/internal/subject"
)

var tillKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))

func tillPublic() string {
	public, _ := tillKey.Public().(ed25519.PublicKey) // as the type promises
	return base64.StdEncoding.EncodeToString(public)
}

// tillBatch is the command thimble-till: it closes a batch as a till does.
func tillBatch() {
	now := time.Now()
	notice := consent.Current().Ref().SHA256
	entry := func(account string, choice consent.State, p thimble.Purpose) till.Entry {
		return till.Entry{Kind: subject.Account, Value: account, Purposes: []thimble.Purpose{p}, Choice: choice, At: now, Notice: notice}
	}
	var out bytes.Buffer
	err := till.Sign(&out, till.Header{Till: "till-7", Notice: notice, Sequence: 1, Created: now}, []till.Entry{
		entry("17850", consent.Given, thimble.PersonalizeContent),
		entry("99999", consent.Given, thimble.PersonalizeContent),
		entry("99999", consent.Withdrawn, thimble.TrainAISystem),
	}, tillKey)
	if err == nil {
		err = os.WriteFile(os.Args[1], out.Bytes(), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
