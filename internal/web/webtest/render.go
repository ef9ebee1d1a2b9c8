package webtest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"thimble/internal/web"
)

// RenderAll renders every page twice: with the given full value, and with the
// zero value of the same types. A page without a case fails, and so does a case
// without a page, an inline script or style, and an id that is there twice.
func RenderAll(t *testing.T, pages *web.Pages, full map[string]web.Page) {
	t.Helper()
	names := pages.Names()
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
		page, ok := full[name]
		if !ok {
			t.Errorf("page %s has no case", name)
			continue
		}
		t.Run(name+"/full", func(t *testing.T) { Check(t, Render(t, pages, name, page)) })
		t.Run(name+"/zero", func(t *testing.T) {
			// Without captions two tables cannot get different ids.
			check(t, Render(t, pages, name, web.Page{Layout: page.Layout, Body: zero(page.Body)}), false)
		})
	}
	for name := range full {
		if !known[name] {
			t.Errorf("case %s has no page", name)
		}
	}
}

// zero makes an empty value of the same type; a pointer points to one.
func zero(body any) any {
	switch typ := reflect.TypeOf(body); {
	case typ == nil:
		return nil
	case typ.Kind() == reflect.Pointer:
		return reflect.New(typ.Elem()).Interface()
	default:
		return reflect.Zero(typ).Interface()
	}
}

// Render returns a page's HTML as [web.Pages.Render] sends it.
func Render(t *testing.T, pages *web.Pages, name string, page web.Page) string {
	t.Helper()
	body, err := pages.HTML(httptest.NewRequest(http.MethodGet, "/", nil), name, page)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Check fails when a page or a fragment breaks a promise of package web.
func Check(t *testing.T, page string) {
	t.Helper()
	check(t, page, true)
}

func check(t *testing.T, page string, distinct bool) {
	t.Helper()
	root := parse(t, page)
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" && attr(n, "type") != "application/json" {
			t.Errorf("inline <%s>: the policy blocks it", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("attribute %s=%q: the policy blocks it", a.Key, a.Val)
			}
			if distinct && a.Key == "id" && ids[a.Val] {
				t.Errorf("id %q is there twice", a.Val)
			}
		}
		if id := attr(n, "id"); id != "" {
			ids[id] = true
		}
	}
	checkReferences(t, root, ids)
}

// checkReferences follows each label and description to what it names.
func checkReferences(t *testing.T, root *html.Node, ids map[string]bool) {
	t.Helper()
	for n := range root.Descendants() {
		for _, key := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls"} {
			for id := range strings.FieldsSeq(attr(n, key)) {
				if !ids[id] {
					t.Errorf("<%s %s=%q> names an id that is not there", n.Data, key, id)
				}
			}
		}
	}
}

// Select returns the text of each element that the CSS selector matches, with its
// white space squeezed.
func Select(t *testing.T, page, selector string) []string {
	t.Helper()
	sel, err := cascadia.ParseGroup(selector)
	if err != nil {
		t.Fatalf("selector %q: %v", selector, err)
	}
	var texts []string
	for _, n := range cascadia.QueryAll(parse(t, page), sel) {
		texts = append(texts, strings.Join(strings.Fields(text(n)), " "))
	}
	return texts
}

// SelectAttr returns an attribute of each element that the CSS selector matches.
func SelectAttr(t *testing.T, page, selector, name string) []string {
	t.Helper()
	sel, err := cascadia.ParseGroup(selector)
	if err != nil {
		t.Fatalf("selector %q: %v", selector, err)
	}
	var values []string
	for _, n := range cascadia.QueryAll(parse(t, page), sel) {
		values = append(values, attr(n, name))
	}
	return values
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatalf("parsing the page: %v", err)
	}
	return root
}

func text(n *html.Node) string {
	var b bytes.Buffer
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
