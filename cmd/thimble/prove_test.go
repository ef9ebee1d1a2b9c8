package main

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"thimble/internal/recommend/lists"
	"thimble/internal/registry/registrydb"
)

func TestProveSaysWhatHeldAndFailsWhereItDidNot(t *testing.T) {
	a, b := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	holds := lists.Case{In: true, Columns: 3, Items: 10, Solved: b, Anew: b, Back: true}
	for _, c := range []struct {
		name  string
		proof lists.Proof
		says  []string
		fails string
	}{
		{"it holds", lists.Proof{Version: registrydb.Version{Hash: a}, Anew: a, Cases: []lists.Case{holds}}, []string{"It holds", "3 of 10 columns", "the same. Put back: the same"}, ""},
		{"what serves is another", lists.Proof{Version: registrydb.Version{Hash: b}, Anew: a, Cases: []lists.Case{holds}}, []string{"NOT THE SAME"}, "does not hold"},
		{"somebody is just leaving", lists.Proof{Version: registrydb.Version{Hash: b}, Anew: a, Waiting: 2}, []string{"2 changes wait"}, "run this again"},
		{"forgetting gave another", lists.Proof{Version: registrydb.Version{Hash: a}, Anew: a, Cases: []lists.Case{{In: true, Solved: a, Anew: b, Back: true}}}, []string{"NOT THE SAME"}, "does not hold"},
		{"somebody who is in no model", lists.Proof{Version: registrydb.Version{Hash: a}, Anew: a, Cases: []lists.Case{{Solved: a, Anew: a, Back: true}}}, []string{"is not in the model", "It holds"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			err := (&call{out: &out}).proved(c.proof, 0, 1)
			for _, want := range c.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, out.String())
				}
			}
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("it ends with %v, want %q", err, c.fails)
			}
		})
	}
}
