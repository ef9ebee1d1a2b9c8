package apikeyweb

import (
	"testing"

	"thimble/internal/apikey"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestPagesRenderWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		t.Fatal(err)
	}
	form := newForm().Explain(problemsOf(apikey.ErrName)...)
	facts := []web.KeyValue{{Key: "Name", Value: "storefront"}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"keys.html":   {Title: "API keys", Body: listBody{Table: table([]apikey.Key{{Name: "storefront", Scopes: apikey.Scopes(), Hint: "abcd"}}), Form: form}},
		"key.html":    {Title: "Your new key", Body: keyBody{Callout: web.Callout{Title: "x"}, Key: web.CodeBlock{ID: "key", Code: "tk_"}, Facts: facts, Try: web.CodeBlock{ID: "try", Code: "curl"}}},
		"revoke.html": {Title: "Revoke?", Body: revokeBody{Callout: web.Callout{Title: "x"}, Facts: facts, Form: web.Form{ID: "revoke"}}},
	})
}
