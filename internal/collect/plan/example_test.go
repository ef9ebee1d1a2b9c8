package plan_test

import (
	"fmt"

	"thimble/internal/collect/plan"
)

func ExampleAccept() {
	read := func(version int, transform string) *plan.Plan {
		p, err := plan.Read(fmt.Appendf(nil, `
version: %d
uses: {search: {category: user.behavior.search_history, purposes: [analytics]}}
events: [{name: Products Searched, use: search, properties: [{name: query, type: string, transform: %s}]}]`, version, transform))
		if err != nil {
			panic(err)
		}
		return p
	}
	was, is := read(1, "scan"), read(2, "keep")
	for _, c := range plan.Diff(was, is) {
		fmt.Println(c.Path, "| loosens:", c.Loosens)
	}
	fmt.Println(plan.Accept(was, is, plan.Acceptance{}))
	fmt.Println(plan.Accept(was, is, plan.Acceptance{By: "ines", Reason: "queries are typed by staff only"}))
	// Output:
	// Products Searched.query | loosens: true
	// plan: Products Searched.query: more would be kept than before; it needs somebody who accepts it, and their reason: denied
	// <nil>
}

func ExamplePropose() {
	p := plan.Propose([]byte("ref"), []byte(`"jo@example.com"`))
	fmt.Println(p.Category, p.Transform, p.Why)
	// Output: user.contact.email identifier the value is one of kind email
}
