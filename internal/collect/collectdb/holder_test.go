package collectdb_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/datamap"
	"thimble/internal/holdertest"
	"thimble/internal/order/orderdb"
)

// everything may be collected.
type everything struct{}

func (everything) Collect(context.Context, thimble.Purpose, ...thimble.Category) error { return nil }

// The map of data says of a sealed fact what it is: a region is no name.
func TestTheMapHasEveryKindOfFactUnderItsOwnCategory(t *testing.T) {
	for _, table := range datamap.All() {
		if table.Name != "collect_facts" {
			continue
		}
		for _, c := range []thimble.Category{collect.NameCategory, collect.StateCategory} {
			if !slices.ContainsFunc(table.Fields, func(f datamap.Field) bool { return f.Column == "body" && f.Category == c && f.Sealed }) {
				t.Errorf("the map has no %s among the facts", c)
			}
		}
	}
}

// What is kept of each category expires by itself, so that each is tried alone.
func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	for name, c := range map[string]struct {
		category thimble.Category
		kind     collect.Kind
		file     string // of an account and something to find again
	}{
		"names":   {collect.NameCategory, collect.Customers, "Customer ID,Name\n%s,%s\n"},
		"regions": {collect.StateCategory, collect.Customers, "Customer ID,Region\n%s,%s\n"},
		"reviews": {collect.ReviewCategory, collect.Reviews, "SKU,Rating,Customer ID,Text\nA-1,5,%s,%s\n"},
	} {
		t.Run(name, func(t *testing.T) {
			holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
				store := collectdb.New(k.Core, collectdb.Parts{
					People: k.Subjects, Orders: orderdb.New(k.Core, k.Vault, k.Vault), Catalogue: catalogdb.New(k.Core), Keys: k.Vault, Consents: k.Consent,
				}, k.Now, nil)
				accounts, n := map[thimble.SubjectID]string{}, 0
				holdertest.Run(t, holdertest.Fixture{
					Holder: store, Core: k.Core, Keys: k.Keys, Tick: k.Tick,
					Person: func(tb testing.TB) thimble.SubjectID {
						who, account := k.Named(tb)
						accounts[who] = account
						return who
					},
					Keep: func(tb testing.TB, who thimble.SubjectID) []string {
						n++
						word := fmt.Sprintf("word %d-", n)
						bring(tb, store, k, c.kind, fmt.Sprintf(c.file, accounts[who], word))
						return []string{word}
					},
					Terms: map[thimble.Category]holdertest.Term{c.category: holdertest.Expires},
				})
			})
		})
	}
}

func bring(tb testing.TB, store *collectdb.Store, k *holdertest.Kernel, kind collect.Kind, content string) {
	tb.Helper()
	ctx := tb.Context()
	src := collect.Source{Name: "x.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
	g, err := collect.Look(ctx, kind, src, nil)
	if err != nil || !g.Sure() {
		tb.Fatal(err, g.Missing, g.Doubts)
	}
	r, err := collect.New(store, everything{}).Import(ctx, kind, src, collect.Options{Map: &g.Mapping, Now: k.Now()})
	if err != nil || r.Written != 1 {
		tb.Fatal(err, r.Counts)
	}
}
