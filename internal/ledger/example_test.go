package ledger_test

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
)

// A customer was given a receipt, and checks it without asking anyone.
func ExampleVerify() {
	receipt, err := os.ReadFile("testdata/example.tlog-proof")
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := ledger.Verify(receipt, "shop.example/ledger+ec35bd9a+AbFwP+PP1Nsk0PeUZodbjMg8A9Bf9MmCe8FMRPffMyKD")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(said.Class, said.Hour.Format("2006-01-02 15h"), string(said.Record))
	fmt.Println("entry", said.Index, "of", said.Size, "in", said.Origin)
	// Output:
	// erasure 2026-11-19 21h {"kind":"erasure","n":123,"note":"naïve  123"}
	// entry 123 of 300 in shop.example/ledger
}

// Commit shows what the log keeps of an entry, and what it does not.
func ExampleCommit() {
	var salt [ledger.SaltSize]byte // from crypto/rand in earnest
	opening, err := ledger.Commit(ledger.Entry{
		Class: ledger.Consent, At: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Record: []byte(`{"purpose":"personalize.content.profiled","given":false}`),
	}, salt)
	if err != nil {
		fmt.Println(err)
		return
	}
	leaf, err := ledger.ParseLeaf(opening.Leaf)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(opening.Leaf), "bytes:", leaf.Class, leaf.Hour.Format("2006-01-02 15h"))
	fmt.Println("in the tree as", tlog.RecordHash(opening.Leaf) == opening.Hash())
	// Output:
	// 54 bytes: consent 2026-11-22 09h
	// in the tree as true
}
