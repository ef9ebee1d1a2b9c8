package canary

import (
	"strings"

	"thimble/internal/collect"
	"thimble/internal/collect/hooks"
)

// A Door is a way in. Either something is planted by it, or Why says why nothing
// personal comes by it.
type Door struct {
	Name   string   // "page POST /privacy/lists", "import orders", "hook shopify orders/create"
	Fields []string // of a page's form: in each of them a string is brought in
	Why    string
}

// Planted reports whether strings come in by the door.
func (d Door) Planted() bool { return d.Why == "" }

// Beside the doors that are listed, each operation of the API and each event of the
// tracking plan is one: strings are brought in by all of them, in every text that their
// description has, so that a new one needs no line here.
const (
	apiDoor   = "api "   // method and path follow
	eventDoor = "event " // call and name follow
)

// Why nothing of a customer comes in by a page.
const (
	ofStaff   = "about an account of the staff"
	ofShop    = "about recipients, programs or settings of the shop, not about a customer; what staff write into a reason of theirs is theirs"
	ofModels  = "about a model or an experiment, of which nobody is a part by name"
	ofPlan    = "about the tracking plan: names of properties, no values"
	noField   = "it has no field that a text goes into"
	tokenOnly = "it takes a token that was made here, in the address; a wrong one is brought in by the other pages' addresses"
)

func page(pattern string, fields ...string) Door {
	return Door{Name: "page " + pattern, Fields: fields}
}

func none(why string, patterns ...string) (all []Door) {
	for _, p := range patterns {
		all = append(all, Door{Name: "page " + p, Why: why})
	}
	return all
}

// Doors are the ways in that are listed: pages, imports, deliveries of shop systems.
func Doors() (all []Door) {
	all = append(all, pages()...)
	for _, k := range collect.Kinds() {
		d := Door{Name: "import " + string(k)}
		if !k.Personal() {
			d.Why = "rows about products"
		}
		all = append(all, d)
	}
	all = append(all, Door{Name: "import receipts"}, Door{Name: "import choices of a till"})
	for _, s := range []hooks.System{hooks.Shopify, hooks.WooCommerce} {
		for _, topic := range hooks.Topics(s) {
			d := Door{Name: "hook " + string(s) + " " + topic}
			if topic == "shop/redact" {
				d.Why = "it names a shop"
			}
			all = append(all, d)
		}
	}
	return append(all, Door{Name: "letter"}, Door{Name: "text for a recipient"}, Door{Name: agentDoor}, Door{Name: chainDoor}, Door{Name: controllerDoor}, Door{Name: systemDoor})
}

func pages() []Door {
	all := []Door{
		page("POST /console/cases/{case}", "what", "kind", "ground", "part", "ref", "rights", "step", "task", "text", "to"),
		page("POST /console/customers", "account", "purpose"),
		page("POST /console/customers/{subject}/events", "purpose", "reason", "after"),
		page("POST /console/customers/{subject}/join", "account", "note"),
		page("POST /console/customers/{subject}/lists", "purpose", "reason"),
		page("POST /console/customers/{subject}/part", "merge"),
		page("POST /console/customers/{subject}/unmask", "reason"),
		page("POST /console/glass", "subject", "kind", "reason"),
		page("POST /console/glass/{id}", "fine", "note"),
		page("POST /console/imports/upload", "kind", "file"),
		page("POST /console/reviews/{review}/answer", "outcome", "text"),
		page("POST /console/requests/new", "subject", "kind", "purpose", "text", "via", "for"),
		page("POST /console/sign-in", "name", "password", "code"),
	}
	all = append(all, beyond()...)
	for _, path := range strings.Fields("a alias b batch g group i identify import m p page s screen t track") {
		all = append(all, page("POST /v1/"+path, "userId", "anonymousId", "event", "name", "properties"))
	}
	for _, some := range [][]Door{
		none(noField, "POST /console/alarms/plant", "POST /console/imports/waiting", "POST /console/imports/upload/{upload}/drop", "POST /console/policy/count", "POST /console/reviews/{review}/claim",
			"POST /console/reviews/{review}/release", "POST /console/sign-out", "POST /console/vault/rotate", "POST /console/outbox/{message}/again", "POST /privacy/sign-out", "POST /privacy/take", "POST /shop/sign-out"),
		none(ofStaff, "POST /console/account/devices", "POST /console/account/factor", "POST /console/account/password", "POST /console/account/set-up", "POST /console/confirm",
			"POST /console/people", "POST /console/people/review", "POST /console/people/{name}/{what}"),
		none(tokenOnly, "POST /console/link/{token}", "DELETE /v2/requests/{id}", "DELETE /drp/v1/data-rights-request/{request}"),
		none(ofShop, "POST /console/agents", "POST /console/agents/{agent}", "POST /console/alarms/{id}/close", "POST /console/imports/upload/{upload}", "POST /console/keys", "POST /console/keys/{id}/revoke", "POST /console/policy/packs/{id}/review",
			"POST /console/policy/simulate", "POST /console/policy/waiting/{id}/accept", "POST /console/recipients", "POST /console/recipients/{recipient}/agreement", "POST /console/recipients/{recipient}/{what}",
			"POST /console/controllers", "POST /console/controllers/{controller}/end", "POST /console/systems", "POST /console/systems/{system}/{what}", "POST /console/retention/document", "POST /console/retention/proposals", "POST /console/retention/runs/{run}", "POST /console/holds/{hold}", "POST /console/holds", "POST /console/sources", "POST /console/sources/{source}", "POST /console/sources/{source}/end", "POST /console/sources/{source}/key"),
		none(ofModels, "POST /console/experiments", "POST /console/experiments/{experiment}/stop", "POST /console/models/{model}/check", "POST /console/models/{model}/keys/{hint}/revoke",
			"POST /console/models/{model}/rollback", "POST /console/models/{model}/{version}/revoke", "POST /console/models/{model}/{version}/stage", "POST /console/recommendations/alarms/{id}",
			"POST /console/recommendations/device/accept", "POST /console/recommendations/device/release", "POST /console/recommendations/device/{number}/end", "POST /console/recommendations/train", "POST /console/recommendations/tuning", "POST /console/recommendations/tuning/choose"),
		none(ofPlan, "POST /console/plan-changes/{draft}", "POST /console/plan-loosening/{draft}", "POST /console/plan/drafts", "POST /console/plan/drafts/{draft}/{edit}", "POST /console/plan/proposals/{proposal}"),
	} {
		all = append(all, some...)
	}
	return all
}

// beyond are the pages of customers and the ways in of other systems.
func beyond() []Door {
	return []Door{
		page("POST /privacy/accounts", "merge"),
		page("POST /privacy/choices", "purpose", "state", "all"),
		page("POST /privacy/choices/for/{child}", "purpose", "state"),
		page("POST /privacy/code", "email", "code"),
		page("POST /privacy/correct", "of", "name", "ref", "choice", "value", "text"),
		page("POST /privacy/decisions/{id}/contest", "reason", "text"),
		page("POST /privacy/devices", "session"),
		page("POST /privacy/enter", "token"),
		page("POST /privacy/forget", "word"),
		page("POST /privacy/link/{token}", "next"),
		page("POST /privacy/limit", "what", "purpose"),
		page("POST /privacy/requests", "kind", "for", "purpose", "text"),
		page("POST /privacy/requests/{case}/appeal", "text"),
		page("POST /privacy/requests/{case}/collect", "what"),
		page("POST /privacy/requests/{case}/confirm", "what"),
		page("POST /privacy/requests/{case}/reply", "text"),
		page("POST /privacy/requests/{case}/withdraw", "what"),
		page("POST /privacy/take/file", "ticket", "open"),
		page("POST /privacy/lists", "do", "item", "category", "next"),
		page("POST /privacy/sign-in", "email", "next"),
		page("POST /shop/choices", "purpose", "all"),
		page("POST /shop/choices/banner", "all", "next"),
		page("POST /shop/lists", "do", "item", "category", "next"),
		page("POST /shop/sign-in", "customer"),
		page("POST /v1/consent/browser", "anonymousId", "writeKey", "lang"),
		page("POST /disclose/ack/{recipient}", "acknowledged"),
		page("POST /opendsr/callbacks/{system}", "subject_request_id", "controller_id"),
		page("POST /v2/requests", "subject_request_id", "identity_value"),
		page("POST /dsrdelete", "rqJWT"),
		page("POST /drp/v1/agent/{agent}", "agent-id", "email"),
		page("POST /drp/v1/data-rights-request", "exercise", "email"),
		page("POST /rights/systems/{system}/answers", "task", "state", "reason"),
		page("POST /hooks/{system}/{name}", "id", "email"),
	}
}
