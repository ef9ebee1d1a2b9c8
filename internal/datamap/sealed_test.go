package datamap_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"thimble/internal/datamap"
)

var update = flag.Bool("update", false, "rewrite the list of sealed columns that the vet checks have")

// The vet checks are a module of their own and do not see this one, so they have a
// list of the sealed columns.
func TestTheVetChecksKnowEverySealedColumn(t *testing.T) {
	const file = "../../tools/vet/check/sealed.csv"
	types := map[string]string{}
	for _, b := range datamap.Bodies() {
		types[b.Table+"."+b.Column] = b.Type
	}
	lines := []string{"table,column,holder,body"}
	for _, e := range datamap.Entries(datamap.All()) {
		line := strings.Join([]string{e.Table, e.Column, e.Holder, types[e.Name()]}, ",")
		if e.Sealed && !slices.Contains(lines, line) { // a column may hold several categories
			lines = append(lines, line)
		}
	}
	want := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the map says; rewrite it with: go test ./internal/datamap -run TestTheVetChecksKnow -update", file)
	}
}
