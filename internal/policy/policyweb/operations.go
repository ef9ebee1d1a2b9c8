package policyweb

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/web"
)

// A Law is the law of a place on a day, as the API shows it.
type Law struct {
	On        string       `json:"on" doc:"The day, as each law's own place counts it."`
	Residence string       `json:"residence,omitempty" doc:"Left out when unknown."`
	Digest    string       `json:"digest" doc:"Stands for everything the law says; ledger leaves carry it."`
	Packs     []LawPack    `json:"packs" doc:"The packs that apply, with the reason."`
	Values    []LawValue   `json:"values"`
	Waiting   []LawWaiting `json:"waiting,omitempty" doc:"Changes that loosen the law here and wait to be accepted; only for today. Until then the value from before applies too."`
	Advice    string       `json:"notice" doc:"What the packs are, and are not."`
}

// A LawPack is a pack that applies, and why.
type LawPack struct {
	Pack string `json:"pack"`
	Why  string `json:"why"`
}

// A LawValue is one value with its source.
type LawValue struct {
	Dimension string    `json:"dimension" doc:"Such as purpose, right, deadline, retention, notice."`
	Key       string    `json:"key"`
	Value     string    `json:"value"`
	Source    LawSource `json:"source"`
	Also      []string  `json:"also,omitempty" doc:"Packs that say the same, with the article."`
	Over      []string  `json:"over,omitempty" doc:"Looser values that this one wins over, with pack and article."`
}

// A LawSource is where a value comes from.
type LawSource struct {
	Pack    string `json:"pack"`
	Title   string `json:"title,omitempty"`
	URL     string `json:"url,omitempty"`
	Cite    string `json:"cite" doc:"Article or section."`
	Checked string `json:"checked,omitempty" doc:"The day the value was last compared with its source."`
	Verify  bool   `json:"verify" doc:"Not yet checked against the primary source."`
}

// A LawWaiting is a change that waits.
type LawWaiting struct {
	Dimension string `json:"dimension"`
	Key       string `json:"key"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
}

// Packs is the list of packs.
type Packs struct {
	Packs  []PackListed `json:"packs"`
	Advice string       `json:"notice" doc:"What the packs are, and are not."`
}

// A PackListed is one pack as the list shows it.
type PackListed struct {
	Ref      string `json:"pack"`
	Title    string `json:"title"`
	Kind     string `json:"kind"`
	Status   string `json:"status" enum:"in_force,future,proposed"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Values   int    `json:"values"`
	Verify   int    `json:"verify" doc:"How many values await their primary source."`
	Reviewer string `json:"reviewer,omitempty"`
	Trust    string `json:"trust" doc:"shipped, the name of who signed it, or accepted by hash."`
	Hash     string `json:"sha256" doc:"Of the pack's canonical JSON."`
}

type lawInput struct {
	Residence     string `query:"residence" maxLength:"6" doc:"Where the person lives, as an ISO 3166 code. Left out: unknown, and the strict baseline applies." example:"DE"`
	On            string `query:"on" maxLength:"10" doc:"The day; today when left out." example:"2026-11-21"`
	Establishment string `query:"establishment" maxLength:"100" doc:"Where the shop is established, with commas; as configured when left out." example:"DE"`
	Facts         string `query:"facts" maxLength:"500" doc:"Facts about the shop, with commas; as configured when left out." example:"marketplace=0"`
}

type lawOutput struct{ Body Law }

type packsOutput struct{ Body Packs }

// Operations are the laws' part of the API. Nothing in it is about a person.
func Operations(laws Laws) func(huma.API) {
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "policy", Description: "The laws as data: what applies where and when, each value with its source. " + disclaimer})
		get := operation("getLaw", "/v1/policy/law", "Get the law of a place on a day",
			"Everything the law asks there, joined from all packs that apply: the strictest value of each, with pack, article and the day it was checked.", exampleLaw)
		huma.Register(api, get, func(_ context.Context, in *lawInput) (*lawOutput, error) { return lawFor(laws, in) })
		list := operation("listPacks", "/v1/policy/packs", "List the packs",
			"The packs that ship with this version and those of the installation's own folder.", Packs{Packs: []PackListed{examplePack}, Advice: disclaimer})
		huma.Register(api, list, func(context.Context, *struct{}) (*packsOutput, error) {
			out := Packs{Packs: []PackListed{}, Advice: disclaimer}
			for _, p := range laws.Regime().Library().List() {
				out.Packs = append(out.Packs, listedOf(p))
			}
			return &packsOutput{Body: out}, nil
		})
	}
}

var exampleLaw = Law{
	On: "2026-11-21", Residence: "DE", Digest: "8a1f6c0de2b47935", Packs: []LawPack{{Pack: "eu.gdpr.de@2026.11.0", Why: "residence in DE"}}, Advice: disclaimer,
	Values: []LawValue{{Dimension: "purpose", Key: "personalize", Value: "opt_in", Source: LawSource{Pack: "eu.gdpr.de@2026.11.0", Title: "Regulation (EU) 2016/679", Cite: "Art. 6(1)(a)", Checked: "2026-11-21", Verify: true}}},
}

var examplePack = PackListed{Ref: "eu.gdpr@2026.11.0", Title: "General Data Protection Regulation (EU) 2016/679", Kind: "privacy", Status: "in_force", From: "2018-05-25",
	Values: 42, Verify: 39, Trust: "shipped", Hash: "5f2b8f1f6a0e0b6f7f9a2c4d1e3b5a7988776655443322110ffeeddccbbaa9988"}

func operation(id, path, summary, about string, example any) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"policy"}, Summary: summary, Description: about,
		Metadata:  map[string]any{"scope": "read"},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}},
	}
}

func lawFor(laws Laws, in *lawInput) (*lawOutput, error) {
	a := ask{place: in.Residence, on: laws.Today(), shop: laws.Regime().Shop()}
	var problems web.FieldProblems
	if in.Residence != "" && !policy.Place(in.Residence) {
		problems = append(problems, web.FieldProblem{Field: "query.residence", Detail: "expected an ISO 3166 code such as DE or US-CA"})
	}
	if in.On != "" {
		var err error
		if a.on, err = calendar.ParseDate(in.On); err != nil {
			problems = append(problems, web.FieldProblem{Field: "query.on", Detail: "expected a day such as 2026-11-21"})
		}
	}
	given, err := policy.ParseShop(in.Establishment, "")
	if in.Establishment != "" {
		a.shop.Establishment = given.Establishment
	}
	if err != nil {
		problems = append(problems, web.FieldProblem{Field: "query.establishment", Detail: "expected ISO 3166 codes with commas between"})
	}
	given, err = policy.ParseShop("", in.Facts)
	if in.Facts != "" {
		a.shop.Facts = given.Facts
	}
	if err != nil {
		problems = append(problems, web.FieldProblem{Field: "query.facts", Detail: "expected names with whole numbers and commas between, such as marketplace=1"})
	}
	if problems != nil {
		return nil, problems
	}
	law, chosen, err := laws.Regime().Library().Choose(a.question(a.place, a.on))
	if err != nil {
		return nil, err
	}
	digest := law.Digest()
	out := Law{On: a.on.String(), Residence: a.place, Digest: hex.EncodeToString(digest[:]), Packs: []LawPack{}, Values: []LawValue{}, Advice: disclaimer}
	for _, c := range chosen {
		out.Packs = append(out.Packs, LawPack{Pack: c.Pack, Why: c.Why})
	}
	for _, v := range law.Values() {
		out.Values = append(out.Values, apiValue(v))
	}
	if a.on == laws.Today() {
		out.Waiting, err = waitingIn(laws, a)
	}
	return &lawOutput{Body: out}, err
}

func apiValue(v policy.Value) LawValue {
	o := v.Origin
	out := LawValue{Dimension: v.Dim, Key: v.Key, Value: v.Text, Source: LawSource{Pack: o.Pack, Title: o.Source, URL: o.URL, Cite: o.Cite, Checked: o.Checked.String(), Verify: o.Verify}}
	for _, also := range v.Also {
		out.Also = append(out.Also, sourceText(also))
	}
	for _, lost := range v.Lost {
		out.Over = append(out.Over, lost.Text+" ("+sourceText(lost.Origin)+")")
	}
	return out
}

// waitingIn returns what waits in a place today.
func waitingIn(laws Laws, a ask) (all []LawWaiting, err error) {
	pending, err := laws.Regime().Pending(a.on)
	for _, w := range pending {
		for _, place := range w.Places {
			if place == a.place {
				all = append(all, LawWaiting{Dimension: w.Dim, Key: w.Key, From: w.From, To: w.To})
			}
		}
	}
	return all, err
}

func listedOf(p policy.Listed) PackListed {
	return PackListed{Ref: p.Ref, Title: p.Title, Kind: string(p.Kind), Status: string(p.Status), From: p.From.String(), To: p.To.String(),
		Values: p.Values, Verify: p.Unverified, Reviewer: p.Reviewer, Trust: p.Trust, Hash: p.Hash}
}
