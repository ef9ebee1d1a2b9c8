package retention_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/retention"
)

func TestTheRootIsThatOfTheLogsTree(t *testing.T) {
	var tree retention.Tree
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) (all []tlog.Hash, err error) {
		for _, i := range at {
			all = append(all, stored[i])
		}
		return all, nil
	})
	for n := range int64(70) {
		leaf := fmt.Appendf(nil, "leaf %d", n)
		hashes, err := tlog.StoredHashes(n, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		tree.Add(leaf)
		want, err := tlog.TreeHash(n+1, read)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree.Root(); got != hex.EncodeToString(want[:]) || tree.Len() != n+1 {
			t.Fatalf("of %d leaves: %s, want %x", n+1, got, want)
		}
	}
}
