package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"

	"thimble/internal/pii"
)

// evalPII scores the search for personal data on labelled texts.
func evalPII(c *call) error {
	path := c.flags.Lookup("test").Value.String()
	if path == "" {
		return invalid("--test is needed: a JSON list of full_text and spans")
	}
	file, err := openText(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	m, err := pii.Evaluate(file)
	if err != nil {
		return err
	}
	if asJSON, _ := strconv.ParseBool(c.flags.Lookup("json").Value.String()); asJSON {
		return json.NewEncoder(c.out).Encode(m)
	}
	return printPII(c.out, m)
}

// printPII prints both scores side by side: on every label of the file, and on those
// of the types that are looked for.
func printPII(w io.Writer, m pii.Metrics) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "\tall types\tcovered types")
	for _, row := range []struct {
		name         string
		all, covered float64
	}{
		{"precision", m.Precision, m.Covered.Precision}, {"recall", m.Recall, m.Covered.Recall}, {"f2", m.F2, m.Covered.F2},
		{"token_recall", m.TokenRecall, m.Covered.TokenRecall},
	} {
		fmt.Fprintf(tab, "%s\t%.3f\t%.3f\n", row.name, row.all, row.covered)
	}
	fmt.Fprintf(tab, "labels\t%d\t%d\nfound\t%d\t\nmb_per_s\t%.0f\t\n\n", m.Labels, m.Covered.Labels, m.Found, m.MBPerS)
	fmt.Fprintln(tab, "type\tlabels\trecall\tprecision")
	for _, name := range slices.Sorted(maps.Keys(m.Types)) {
		s := m.Types[name]
		fmt.Fprintf(tab, "%s\t%d\t%.3f\t%.3f\n", name, s.Labels, s.Recall, s.Precision)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Uncovered)) {
		fmt.Fprintf(tab, "%s\t%d\tnot looked for\t\n", name, m.Uncovered[name])
	}
	return tab.Flush()
}
