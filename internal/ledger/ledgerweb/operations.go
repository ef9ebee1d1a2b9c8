package ledgerweb

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/web"
)

// OperationLog is what the operations answer from; *ledgerdb.Log is one.
type OperationLog interface {
	VerifierKey() string
	Checkpoint(ctx context.Context) (ledger.Checkpoint, error)
	Published(ctx context.Context) (ledger.Checkpoint, error)
	Consistency(ctx context.Context, old, new int64) (tlog.TreeProof, error)
}

// freshest is the newest signed checkpoint, with the witnesses' cosignatures once they
// have seen it. It does not wait for them: the one below Prefix does.
func freshest(ctx context.Context, log OperationLog) (ledger.Checkpoint, error) {
	published, err := log.Published(ctx) // first: what is signed meanwhile is newer
	if err != nil {
		return published, err
	}
	head, err := log.Checkpoint(ctx)
	if err == nil && head.Tree() == published.Tree() {
		return published, nil
	}
	return head, err
}

// A Consistency proves that one signed tree extends another.
type Consistency struct {
	From  int64    `json:"from" doc:"Leaves of the smaller tree."`
	To    int64    `json:"to" doc:"Leaves of the larger tree."`
	Proof []string `json:"proof" doc:"Hashes in Base64, in the order of RFC 6962 section 2.1.2. Empty where there is nothing to prove."`
}

type operationText struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

type consistencyInput struct {
	From int64 `query:"from" required:"true" minimum:"0" doc:"Leaves of the tree you have seen." example:"17"`
	To   int64 `query:"to" required:"true" minimum:"0" doc:"Leaves of the later tree, at most those of the checkpoint." example:"42"`
}

type consistencyOutput struct{ Body Consistency }

// Operations are the ledger's part of the API. It is public: there is nothing
// about anybody in the log.
func Operations(log OperationLog) func(huma.API) {
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "ledger", Description: "The Merkle log of what was done. Anyone may check it; the log itself is below " + Prefix + ", as C2SP tlog-tiles."})
		huma.Register(api, publicOperation("getCheckpoint", "/v1/ledger/checkpoint", "Get the checkpoint",
			"The newest signed head of the log, in the format c2sp.org/tlog-checkpoint. It carries the cosignatures of the witnesses that have seen it, if there are any.", "text/plain", &huma.MediaType{
				Schema: &huma.Schema{Type: "string"}, Example: "shop.example/ledger\n42\nqV1b…=\n\n— shop.example/ledger Zm9v…\n",
			}),
			func(ctx context.Context, _ *struct{}) (*operationText, error) {
				head, err := freshest(ctx, log)
				if err != nil {
					return nil, err
				}
				return &operationText{"text/plain; charset=utf-8", "no-cache", head.Note}, nil
			})
		huma.Register(api, publicOperation("getLedgerKey", "/v1/ledger/key", "Get the log's public key",
			"The key that verifies checkpoints and receipts, in the format c2sp.org/signed-note. Get it once from a source you trust, and keep it.", "text/plain", &huma.MediaType{
				Schema: &huma.Schema{Type: "string"}, Example: "shop.example/ledger+2d3f4a5b+AZm9vYmFy…\n",
			}),
			func(context.Context, *struct{}) (*operationText, error) {
				return &operationText{"text/plain; charset=utf-8", "no-cache", []byte(log.VerifierKey() + "\n")}, nil
			})
		huma.Register(api, publicOperation("getConsistency", "/v1/ledger/consistency", "Get a consistency proof",
			"Proves that the tree of size to extends the tree of size from: nothing was changed, nothing was taken out.", "application/json", &huma.MediaType{
				Example: Consistency{From: 17, To: 42, Proof: []string{"0MVi5Wc1W9DnZPkxvFz8yCqJb1e7gR4yHqjL4s1mYvQ="}},
			}),
			func(ctx context.Context, in *consistencyInput) (*consistencyOutput, error) {
				return consistency(ctx, log, in)
			})
	}
}

func publicOperation(id, path, summary, about, kind string, answer *huma.MediaType) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"ledger"}, Summary: summary, Description: about,
		Metadata:  map[string]any{"scope": "public"},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{kind: answer}}},
	}
}

func consistency(ctx context.Context, log OperationLog, in *consistencyInput) (*consistencyOutput, error) {
	if in.From > in.To {
		return nil, web.FieldProblems{{Field: "query.from", Detail: "expected at most the value of to"}}
	}
	head, err := log.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if in.To > head.Size {
		return nil, web.FieldProblems{{Field: "query.to", Detail: "expected at most the size of the checkpoint"}}
	}
	proof, err := log.Consistency(ctx, in.From, in.To)
	if err != nil {
		return nil, err
	}
	out := Consistency{From: in.From, To: in.To, Proof: make([]string, len(proof))}
	for i, h := range proof {
		out.Proof[i] = h.String()
	}
	return &consistencyOutput{Body: out}, nil
}
