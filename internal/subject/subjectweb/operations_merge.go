package subjectweb

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// A NewMerge says that two subjects are one person.
type NewMerge struct {
	Subjects []string `json:"subjects" minItems:"2" maxItems:"2" doc:"The tokens of the two. Their order does not matter."`
	Ground   string   `json:"ground" enum:"staff,declared,account,email,phone" doc:"What it rests on. A shared device joins nobody."`
	Note     string   `json:"note,omitempty" maxLength:"500" doc:"How it is known, for the person to read. It is sealed."`
}

// A MergeLink is a link between two subjects that are one person.
type MergeLink struct {
	Merge    string            `json:"merge" doc:"The link, for its end."`
	Survivor thimble.SubjectID `json:"survivor" doc:"The older of the two. The oldest subject of a person stands for all."`
	Absorbed thimble.SubjectID `json:"absorbed"`
	At       time.Time         `json:"at"`
}

// People are the two that the end of a link leaves.
type People struct {
	People [][]thimble.SubjectID `json:"people" doc:"The subjects of each, the one that stands for all first."`
}

type mergeInput struct{ Body NewMerge }

type mergeOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         MergeLink
}

// MergePath names a link in an address. It is exported because huma reads only
// exported fields.
type MergePath struct {
	Merge string `path:"merge" maxLength:"64" doc:"The link's token." example:"mrg_1vz3m8t6q4c0k7d9h2x5r8w3ya"`
}

type partOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         People
}

const operationCache = "private, no-store"

func mergeOperations(api huma.API, subjects OperationSubjects, note func(context.Context, thimble.SubjectID) error, by func(context.Context) string) {
	token := "sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"
	huma.Register(api, huma.Operation{
		OperationID: "mergeSubjects", Method: http.MethodPost, Path: "/v1/subjects/merges", Tags: []string{"subject"},
		Summary: "Join two subjects of one person",
		Description: "From then on both are read as one person, and of two choices the stricter counts until the person decides again. " +
			"Nothing is moved, so that the end of the link leaves both as they were. It is a leaf of the ledger, and the person sees it with its reason.",
		Metadata: map[string]any{"scope": "admin"}, MaxBodyBytes: 4 << 10, Errors: []int{http.StatusNotFound, http.StatusConflict},
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: NewMerge{Subjects: []string{token, "sub_5h0v2n8w4j6s1e9b3f7p0m5tzc"}, Ground: "declared"}}}},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {
			Example: map[string]string{"merge": "mrg_1vz3m8t6q4c0k7d9h2x5r8w3ya", "survivor": token, "absorbed": "sub_5h0v2n8w4j6s1e9b3f7p0m5tzc", "at": "2026-11-22T08:00:00Z"},
		}}}},
	}, func(ctx context.Context, in *mergeInput) (*mergeOutput, error) {
		var two [2]thimble.SubjectID
		for i, text := range in.Body.Subjects {
			var err error
			if two[i], err = thimble.ParseSubjectID(text); err != nil {
				return nil, web.FieldProblems{{Field: "body.subjects", Detail: "expected two tokens of the form sub_…"}}
			}
			if err := note(ctx, two[i]); err != nil {
				return nil, err
			}
		}
		m, err := subjects.Join(ctx, two[0], two[1], subject.Evidence{Ground: subject.Ground(in.Body.Ground), By: "key " + by(ctx), Note: thimble.Hide(in.Body.Note)})
		if refusal, ok := errors.AsType[*subject.Refusal](err); ok {
			return nil, refusal
		}
		if err != nil {
			return nil, err
		}
		return &mergeOutput{CacheControl: operationCache, Body: MergeLink{Merge: m.ID.Token(subject.MergePrefix), Survivor: m.Survivor, Absorbed: m.Absorbed, At: m.At}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "unmergeSubjects", Method: http.MethodDelete, Path: "/v1/subjects/merges/{merge}", Tags: []string{"subject"},
		Summary:     "Part two subjects that are not one person",
		Description: "Ends a link. Both people are as they were, and what came in meanwhile is with the subject it came by; what a program decided from both is destroyed.",
		Metadata:    map[string]any{"scope": "admin"}, Errors: []int{http.StatusNotFound},
		DefaultStatus: http.StatusOK,
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {
			Example: map[string]any{"people": [][]string{{token}, {"sub_5h0v2n8w4j6s1e9b3f7p0m5tzc"}}},
		}}}},
	}, func(ctx context.Context, in *MergePath) (*partOutput, error) {
		id, err := thimble.ParseID(subject.MergePrefix, in.Merge)
		if err != nil {
			return nil, web.FieldProblems{{Field: "path.merge", Detail: "expected a token of the form mrg_…"}}
		}
		p, err := subjects.Part(ctx, id, "key "+by(ctx))
		if err != nil {
			return nil, err
		}
		return &partOutput{CacheControl: operationCache, Body: People{People: [][]thimble.SubjectID{p.Left, p.Right}}}, nil
	})
}
