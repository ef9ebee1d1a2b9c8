package deviceweb

import (
	"strconv"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/api/apitest"
)

// What the document of the API says of the file is what is served: each status, each
// header and the kind of the body.
func TestTheFileIsServedAsTheDocumentSays(t *testing.T) {
	var op *huma.Operation
	apitest.Open(t, func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "recommend"})
	}, Operations(), func(api huma.API) { op = api.OpenAPI().Paths[ModelPath].Get })
	d := newTable()
	h := Serve(d)
	whole := ask(h)
	said := op.Responses[strconv.Itoa(whole.StatusCode)]
	if said == nil || said.Content[whole.Header.Get("Content-Type")] == nil {
		t.Fatalf("served is %d %s, and the document says %+v", whole.StatusCode, whole.Header.Get("Content-Type"), op.Responses)
	}
	for name := range said.Headers {
		if whole.Header.Get(name) == "" {
			t.Errorf("the header %s is described and not there", name)
		}
	}
	if again := ask(h, op.Parameters[0].Name, whole.Header.Get("ETag")); op.Responses[strconv.Itoa(again.StatusCode)] == nil || again.StatusCode != 304 {
		t.Errorf("asked again, it is %d", again.StatusCode)
	}
}
