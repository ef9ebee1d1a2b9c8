package consentweb

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/signal"
)

var operationWord = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// A CurrentNotice is the text that is to be shown beside the choices.
type CurrentNotice struct {
	Lang       string        `json:"lang"`
	Langs      []string      `json:"langs" doc:"The languages there are."`
	Dir        string        `json:"dir" enum:"ltr,rtl" doc:"The direction of the text."`
	Version    string        `json:"version"`
	SHA256     string        `json:"sha256" doc:"Of the text; recorded choices name it."`
	Text       string        `json:"text"`
	Covers     string        `json:"covers" doc:"A digest of what a yes covers, the same in all languages."`
	LivesDays  int           `json:"lives_days" doc:"A yes ends after so many days."`
	RestMonths int           `json:"rest_months" doc:"After a no, somebody of whom no residence is known is not asked for so many months."`
	Asks       []NoticeAsk   `json:"asks"`
	Words      consent.Words `json:"words" doc:"The labels of a banner that asks."`
}

// A NoticeAsk is one purpose in plain words.
type NoticeAsk struct {
	Purpose    string       `json:"purpose"`
	Category   string       `json:"category" doc:"The category of Segment's consent object that stands for it."`
	GPC        bool         `json:"gpc" doc:"Whether Global Privacy Control answers it with no."`
	Title      string       `json:"title"`
	What       string       `json:"what"`
	With       string       `json:"with" doc:"What happens when it is allowed."`
	Without    string       `json:"without" doc:"What happens when it is not."`
	Categories []string     `json:"categories" doc:"The kinds of data that a yes covers, by fideslang's keys."`
	Recipients []string     `json:"recipients" doc:"Who outside is given it."`
	Parts      []NoticePart `json:"parts" doc:"What can be refused while the rest is allowed."`
}

// A NoticePart is one feature or signal that can be refused alone.
type NoticePart struct {
	Scope   ChoiceScope `json:"scope"`
	Title   string      `json:"title"`
	With    string      `json:"with" doc:"What it gives."`
	Without string      `json:"without" doc:"What it costs to leave it out."`
}

type noticeInput struct {
	Lang string `query:"lang" maxLength:"35" doc:"A BCP 47 tag, such as de or fr-CA. Of a language there is none in, the notice is in English." example:"de"`
}

// A noticeOutput may be read by pages of every site: it is the same for everybody.
type noticeOutput struct {
	Origin string `header:"Access-Control-Allow-Origin"`
	Cache  string `header:"Cache-Control"`
	Body   CurrentNotice
}

func currentNotice(lang string) (CurrentNotice, error) {
	n, asks, words, ok := consent.In(lang)
	if !ok {
		n, asks, words, _ = consent.In("en")
	}
	covers, err := n.Matrix.Digest()
	out := CurrentNotice{Lang: n.Lang, Langs: consent.Langs(), Dir: "ltr", Version: n.Version, SHA256: n.Ref().SHA256, Text: n.Text, Covers: covers,
		LivesDays: int(consent.Lives / (24 * time.Hour)), RestMonths: consent.Rest(""), Asks: make([]NoticeAsk, len(asks)), Words: words}
	for i, a := range asks {
		ask := NoticeAsk{Purpose: string(a.Purpose), Category: category(a.Purpose), GPC: slices.ContainsFunc(signal.OptedOut(), a.Purpose.Within), Title: a.Title, What: a.What, With: a.With, Without: a.Without,
			Categories: []string{}, Recipients: append([]string{}, a.Recipients...), Parts: []NoticePart{}}
		for _, c := range a.Categories {
			ask.Categories = append(ask.Categories, string(c))
		}
		for _, p := range a.Parts {
			ask.Parts = append(ask.Parts, NoticePart{Scope: ChoiceScope(p.Scope), Title: p.Title, With: p.With, Without: p.Without})
		}
		out.Asks[i] = ask
	}
	return out, err
}

// category is what a purpose is called in a consent object of Segment's: the category
// that stands for it alone.
func category(p thimble.Purpose) string {
	for name, all := range signal.DefaultCategories() {
		if len(all) == 1 && all[0] == p {
			return strings.ToUpper(name[:1]) + name[1:]
		}
	}
	return ""
}

// Operations are consent's part of the API.
func Operations(d OperationDeps) func(huma.API) {
	if d.Now == nil {
		d.Now = time.Now
	}
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "consent", Description: "What people permit. A choice takes effect at once, and each has a receipt."})
		notice := operation("getNotice", http.MethodGet, "/v1/notice", "Get the notice", "The text to show beside the choices, with the labels of a banner. Pages of every site may read it.", "public")
		example, _ := currentNotice("en") // a test reads each of them
		notice.Responses = answers("application/json", example)
		huma.Register(api, notice, func(_ context.Context, in *noticeInput) (*noticeOutput, error) {
			n, err := currentNotice(in.Lang)
			return &noticeOutput{Origin: "*", Cache: "public, max-age=300", Body: n}, err
		})

		standing := operation("listConsents", http.MethodGet, "/v1/subjects/{subject}/consents", "List a subject's consents",
			"Where a person stands on each purpose that is asked for and on its parts, and whether they may be asked again. The read is counted in the use log, which the person can see.", "read")
		standing.Errors = []int{http.StatusNotFound}
		standing.Responses = answers("application/json", exampleStanding)
		huma.Register(api, standing, d.standing)

		record := operation("recordConsents", http.MethodPost, "/v1/subjects/{subject}/consents", "Record a subject's choices",
			"Records what a person chose, after they saw the notice in the language you name. It takes effect before the answer arrives: "+
				"after a withdrawal no list made from their history is given out. Choices that are sent twice within 24 hours are recorded once. "+
				"Of somebody who is not there, or was forgotten, a no is answered with nothing recorded, and a yes is denied.", "collect")
		record.Errors, record.MaxBodyBytes = []int{http.StatusForbidden, http.StatusConflict}, 16<<10
		record.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: exampleChoices}}}
		record.Responses = answers("application/json", exampleRecorded)
		huma.Register(api, record, d.record)

		receipt := operation("getConsentReceipt", http.MethodGet, "/v1/subjects/{subject}/consents/{seq}/receipt", "Get the receipt of a choice",
			"The proof that the choice is in the ledger: a file in the format c2sp.org/tlog-proof@v1. It holds what was chosen, and so belongs to the person.", "read")
		receipt.Errors = []int{http.StatusNotFound}
		receipt.Responses = answers("text/plain", "c2sp.org/tlog-proof@v1\nextra AQIDBA==\nindex 17\n…\n")
		receipt.Responses["200"].Content["text/plain"].Schema = &huma.Schema{Type: "string"}
		huma.Register(api, receipt, d.receipt)

		document := operation("getConsentRecord", http.MethodGet, "/v1/subjects/{subject}/consents/{seq}/record", "Get the record of a choice",
			"The choice as ISO/IEC TS 27560:2023 describes it, in JSON-LD with the words of W3C DPV: who chose what, on which notice, of whom, for which data and how long. It belongs to the person.", "read")
		document.Errors = []int{http.StatusNotFound}
		document.Responses = answers(documentType, map[string]any{"@type": "dpv:ConsentReceipt", "dct:identifier": "receipt-1"})
		document.Responses["200"].Content[documentType].Schema = &huma.Schema{Type: "object"}
		huma.Register(api, document, d.document)
	}
}

func operation(id, method, path, summary, about, scope string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{"consent"}, Summary: summary, Description: about,
		Metadata: map[string]any{"scope": scope},
	}
}

func answers(kind string, example any) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{kind: {Example: example}}}}
}

var (
	exampleStanding = map[string]any{
		"subject": "sub_1vz3m8t6q4c0k7d9h2x5r8w3ya",
		"consents": []map[string]any{
			{"purpose": "personalize.content.profiled", "state": "given", "permits": true, "seq": 1, "at": "2026-11-22T08:00:00Z", "expires": "2027-11-22T08:00:00Z", "may_ask": false, "ask_from": "2027-10-22T08:00:00Z"},
			{"purpose": "personalize.content.profiled", "scope": map[string]any{"signal": "returns"}, "state": "refused", "permits": false, "seq": 2, "at": "2026-11-22T08:00:00Z", "may_ask": false, "ask_from": "2027-05-22T08:00:00Z"},
			{"purpose": "train_ai_system", "state": "unanswered", "permits": false, "may_ask": true},
		},
	}
	exampleChoices = NewChoices{
		Choices: []NewChoice{{Purpose: "personalize.content.profiled", State: "given"}},
		UI:      ChoiceUI{Component: "banner@2", ChoicePath: []string{"settings", "save"}}, Lang: "en", Notice: consent.Current().Ref().SHA256,
	}
	exampleRecorded = map[string]any{"recorded": []map[string]any{{
		"purpose": "personalize.content.profiled", "state": "given", "seq": 1, "at": "2026-11-22T08:00:00Z", "expires": "2027-11-22T08:00:00Z",
		"receipt": "/v1/subjects/sub_1vz3m8t6q4c0k7d9h2x5r8w3ya/consents/1/receipt", "record": "/v1/subjects/sub_1vz3m8t6q4c0k7d9h2x5r8w3ya/consents/1/record",
	}}}
)
