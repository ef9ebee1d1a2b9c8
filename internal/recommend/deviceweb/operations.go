package deviceweb

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Operations describes [Serve] among the operations of the API. It answers by itself: pages
// of every site may read also why there is no file, and the body is no JSON.
func Operations() func(huma.API) {
	return func(api huma.API) {
		text := func(about string) *huma.Param {
			return &huma.Param{Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
		}
		api.OpenAPI().AddOperation(&huma.Operation{
			OperationID: "getDeviceModel", Method: http.MethodGet, Path: ModelPath, Tags: []string{"recommend"},
			Summary: "Get the file that browsers rank by",
			Description: "The signed file with which sdk/js ranks on the visitor's own device, from a history that never leaves it. It is the same for everybody and sets no cookie, and pages of every site may read it. " +
				"It is compressed for who accepts gzip. Its form, and what it is made of, is in docs/device.md; its signature is checked before it is read.",
			Metadata: map[string]any{"scope": "public"},
			Parameters: []*huma.Param{{
				Name: "If-None-Match", In: "header", Description: "The ETag of the file you have; when it is still the newest, the answer is 304 without a body.", Schema: &huma.Schema{Type: huma.TypeString},
			}},
			Responses: map[string]*huma.Response{
				"200": {
					Description: "The file.",
					Headers: map[string]*huma.Param{
						"ETag": text("The SHA-256 of the file, in quotation marks."), "Cache-Control": text("It may be kept for an hour."),
						"Access-Control-Allow-Origin": text("Always *."),
					},
					Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "the bytes of the file"}},
				},
				"304": {Description: "The file you have is the newest."},
			},
		})
	}
}
