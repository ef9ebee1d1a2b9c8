package webtest

import (
	"bytes"
	"compress/gzip"
	_ "embed" // axe-core
	"io"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js.gz
var axeCore []byte

// A violation is what axe-core reports: a rule, and the nodes that break it.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

const runAxe = `axe.run(document, {
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
	resultTypes: ["violations"],
}).then(r => r.violations.map(v => ({id: v.id, help: v.help,
	nodes: v.nodes.map(n => ({html: n.html, failureSummary: n.failureSummary}))})))`

// Axe fails for each barrier that axe-core finds under WCAG 2.2 A and AA. It
// comes in through the protocol, so the page's policy stays as strict as it is.
func (tab *Tab) Axe(t testing.TB) {
	t.Helper()
	var loaded bool
	if tab.Eval(`typeof axe === "object"`, &loaded); !loaded {
		tab.do("loading axe-core", chromedp.Evaluate[chromedp.Void](axeSource(t)+";0"))
	}
	var found []violation
	tab.Eval(runAxe, &found)
	for _, v := range found {
		t.Errorf("%s: axe rule %s: %s", tab.url, v.ID, v.Help)
		for _, n := range v.Nodes[:min(len(v.Nodes), 5)] {
			t.Logf("  %.300s\n    %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
		}
	}
}

func axeSource(t testing.TB) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(axeCore))
	if err != nil {
		t.Fatalf("opening axe-core: %v", err)
	}
	source, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("reading axe-core: %v", err)
	}
	return string(source)
}
