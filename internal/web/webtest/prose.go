package webtest

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// blocks are the elements that begin a text of their own.
var blocks = []string{"p", "li", "small", "td", "th", "dt", "dd", "summary", "legend", "label", "caption", "h1", "h2", "h3", "h4", "button", "option", "div", "section", "ul", "ol", "dl", "form", "table", "fieldset", "details"}

// unread are the elements that nobody reads as a sentence: what programs are told, what does
// something, and what holds a name.
var unread = []string{"code", "pre", "button", "script", "style", "noscript", "nav", "select", "textarea", "svg", "time"}

// Prose returns the texts within <main> that are read as sentences, each with its white space
// squeezed, in the order of the page: of each block what stands in it and in no block within
// it. What an element leaves out that leave reports true for, all within it is left out.
func Prose(t *testing.T, page string, leave func(name string, attr func(key string) string) bool) (all []string) {
	t.Helper()
	var own func(n *html.Node, b *strings.Builder)
	own = func(n *html.Node, b *strings.Builder) {
		for c := range n.ChildNodes() {
			switch {
			case c.Type == html.TextNode:
				b.WriteString(c.Data)
			case c.Type != html.ElementNode || slices.Contains(unread, c.Data) || leave != nil && leave(c.Data, func(k string) string { return attr(c, k) }):
			case slices.Contains(blocks, c.Data):
				var within strings.Builder
				at := len(all)
				own(c, &within)
				if text := strings.Join(strings.Fields(within.String()), " "); text != "" {
					all = slices.Insert(all, at, text)
				}
			case c.Data == "a" && strings.Contains(attr(c, "class"), "button"):
			default:
				own(c, b)
			}
		}
	}
	for n := range parse(t, page).Descendants() {
		if n.Type == html.ElementNode && n.Data == "main" {
			var loose strings.Builder
			own(n, &loose)
			break
		}
	}
	return all
}
