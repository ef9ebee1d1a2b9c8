package canary

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/hooks"
	"thimble/internal/collect/plan"
	"thimble/internal/decision"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/gate"
	"thimble/internal/rights/cases"
)

// deliveries brings what shop systems deliver, signed as they do. What would erase somebody
// names somebody else.
func (w *world) deliveries(ctx context.Context) error {
	feeds, err := hooks.Parse("shopify/main=" + hookSecret + " woocommerce/main=" + hookSecret)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		for _, topic := range hooks.Topics(f.System) {
			door := "hook " + string(f.System) + " " + topic
			if topic == "shop/redact" {
				continue
			}
			body, err := json.Marshal(w.delivery(door, topic))
			if err != nil {
				return err
			}
			h := header("Content-Type", "application/json", f.TopicHeader(), topic, f.SignatureHeader(), f.Sign(body), "X-Shopify-Webhook-Id", w.word(door), "X-WC-Webhook-Delivery-ID", w.word(door))
			path := "/hooks/" + f.String()
			status, text, err := w.ask(ctx, http.MethodPost, path, h, body)
			if err != nil {
				return err
			}
			if status/100 != 2 {
				return fmt.Errorf("canary: %s was answered %d: %s: %w", door, status, text, thimble.ErrInvalid)
			}
			h.Set(f.SignatureHeader(), w.word(door))
			if _, _, err := w.ask(ctx, http.MethodPost, path, h, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// delivery is a body with all that the topics read, and strings in it.
func (w *world) delivery(door, topic string) map[string]any {
	at := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	address := map[string]any{"first_name": w.word(door), "last_name": w.word(door), "address1": w.word(door), "city": w.word(door), "phone": w.phone(door), "email": w.mail, "country": "DE", "country_code": "DE", "province": w.word(door)}
	switch {
	case strings.HasSuffix(topic, "redact") || strings.HasSuffix(topic, "data_request"):
		b := map[string]any{"shop_domain": "x.example", "customer": map[string]any{"id": w.word(door), "email": w.email(door), "phone": w.phone(door)}}
		if strings.HasSuffix(topic, "redact") {
			b["orders_to_redact"] = []any{}
		} else {
			b["data_request"] = map[string]any{"id": 1}
		}
		return b
	case strings.HasPrefix(topic, "customer"):
		return map[string]any{"id": w.word(door), "created_at": at, "date_created_gmt": strings.TrimSuffix(at, "Z"), "email": w.mail, "phone": w.phone(door), "first_name": w.word(door), "last_name": w.word(door),
			"note": w.word(door), "default_address": address, "billing": address, "addresses": []any{address}}
	}
	return map[string]any{"id": w.word(door), "name": w.word(door), "number": w.word(door), "created_at": at, "date_created_gmt": strings.TrimSuffix(at, "Z"), "email": w.mail, "currency": "EUR", "note": w.word(door),
		"customer": map[string]any{"id": w.word(door), "email": w.mail}, "billing": address, "shipping": address, "shipping_address": address, "status": "processing", "financial_status": "paid",
		"line_items": []any{map[string]any{"sku": "item-1", "name": "a shirt", "quantity": 1, "price": "9.90", "properties": []any{map[string]any{"name": "gift for", "value": w.word(door)}}}}}
}

// events sends every event that the tracking plan knows, with a string in each text of it,
// and some that it does not know.
func (w *world) events(ctx context.Context) error {
	w.device = w.word("page POST /v1/identify")
	p := w.Plan.InForce().Plan
	known := append(slices.Clone(p.Events), plan.Event{Name: "An Event That Is Not Planned", Properties: []plan.Property{{Name: "text"}}}, plan.Event{Call: "alias"})
	for _, e := range known {
		call := e.Call
		if call == "" {
			call = "track"
		}
		if call == "context" {
			continue // each of them has one
		}
		door := eventDoor + call + " " + e.Name
		properties := map[string]any{}
		w.properties(door, p, properties, e.Groups, e.Properties)
		for _, path := range []string{"/v1/" + call, "/v1/batch"} {
			one := map[string]any{"type": call, "userId": w.account, "anonymousId": w.device, "messageId": w.word(door), "event": e.Name, "name": w.word(door), "properties": properties, "traits": properties,
				"groupId": w.word(door), "previousId": w.word(door), "context": map[string]any{"ip": "203.0.113.9", "userAgent": w.word(door), "locale": "de-DE", "page": map[string]any{"url": "https://shop.example/?email=" + w.word(door), "title": w.word(door), "referrer": w.word(door)},
					"traits": map[string]any{"email": w.mail, "firstName": w.word(door)}, "campaign": map[string]any{"name": w.word(door)}, "consent": map[string]any{"categoryPreferences": map[string]any{"Analytics": true, "Advertising": true, "Functional": true}}}}
			var body any = one
			if path == "/v1/batch" {
				one["messageId"] = w.word(door)
				body = map[string]any{"batch": []any{one, map[string]any{"type": w.word(door), "userId": 7}}}
			}
			status, err := w.event(ctx, path, body)
			if err != nil {
				return err
			}
			if status != http.StatusOK {
				return fmt.Errorf("canary: %s was answered %d: %w", door, status, thimble.ErrInvalid)
			}
		}
	}
	return nil
}

// properties fills what an event may carry.
func (w *world) properties(door string, p *plan.Plan, into map[string]any, groups []string, own []plan.Property) {
	for _, g := range groups {
		w.properties(door, p, into, nil, p.Groups[g])
	}
	for _, q := range own {
		if q.Name == "product_id" || q.Name == "sku" {
			into[q.Name] = "item-1" // of the catalogue, which is about nobody
			continue
		}
		switch string(q.Type) {
		case "object", "objects":
			inner := map[string]any{}
			w.properties(door, p, inner, q.Groups, q.Properties)
			into[q.Name] = inner
			if q.Type == "objects" {
				into[q.Name] = []any{inner}
			}
		case "integer", "number", "scalar":
			into[q.Name] = 1
		case "money":
			into[q.Name] = "9.90"
		case "boolean":
			into[q.Name] = true
		default:
			into[q.Name] = w.word(door)
		}
	}
}

// operations asks every operation of the API, with a string in each text that its
// description has: in the path, the query, the body.
func (w *world) operations(ctx context.Context) error {
	_, text, err := w.ask(ctx, http.MethodGet, "/v1/openapi.json", nil, nil)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil || len(doc.Paths) < 10 {
		return fmt.Errorf("canary: the API does not describe itself: %w", thimble.ErrInvalid)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			method = strings.ToUpper(method)
			door := apiDoor + method + " " + path
			query := url.Values{}
			for _, p := range op.Parameters {
				if p.In == "query" {
					query.Set(p.Name, w.word(door))
				}
			}
			query.Set("unknown", w.word(door))
			for _, at := range []string{w.filled(door, path), hole.ReplaceAllStringFunc(path, func(string) string { return w.word(door) })} {
				var body any
				if s, ok := op.Body.Content["application/json"]; ok {
					body = w.sample(door, doc, s.Schema, 0)
				}
				if _, _, err := w.json(ctx, method, at+"?"+query.Encode(), body); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// recipient has somebody outside who gets orders of the person, and a text about them.
func (w *world) recipient(ctx context.Context) error {
	const door = "text for a recipient"
	to, _, err := w.Disclose.Add(ctx, disclose.Recipient{Name: "Parcels", Kind: disclose.Processor, Contact: "privacy@parcels.example", Countries: []string{"DE"}, Transport: disclose.Folder}, "owner")
	if err != nil {
		return err
	}
	signed, err := w.Disclose.Submit(ctx, to, agreement, "owner")
	if err == nil {
		err = w.Disclose.Accept(ctx, signed.ID, "grace", "the contract was read")
	}
	if err != nil {
		return err
	}
	r, err := w.Disclose.Send(ctx, disclosedb.Disclosure{Recipient: to, Purpose: thimble.EssentialService, Subjects: []thimble.SubjectID{w.who},
		Build: func(context.Context, thimble.Grant, thimble.SubjectID) ([]disclose.Row, error) {
			return []disclose.Row{{"order": disclose.Alias{Kind: "order", Value: w.word(door)}, "country": "DE"}}, nil
		}})
	if err == nil && r.People != 1 {
		err = fmt.Errorf("canary: nothing about the person goes to a recipient: %w", thimble.ErrDenied)
	}
	return err
}

const agreement = `agreement: 1
title: Fulfilment of orders
contract: "Contract 12"
act: process
effective: 2020-01-01
until: 2190-01-01
purposes: [essential.service]
fields:
  - {name: order, category: user.behavior.purchase_history}
  - {name: country, category: user.behavior.purchase_history}
transfer: {basis: none}
assessment: {by: "data protection officer", on: 2020-01-01, expires: 2190-01-01}
retention: 30d
`

// work does what makes holders keep something of the person: a list, a look by staff.
func (w *world) work(ctx context.Context) error {
	_, err := w.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "owner"}, Subject: w.who, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}})
	return err
}

// forms fills the pages' forms rightly, with strings where a text is free.
func (w *world) forms(ctx context.Context) error {
	list, err := w.Shop.ForYou(ctx, gate.Actor{Kind: gate.Machine, Name: "recommend"}, w.who, "home", 10)
	if err != nil {
		return err
	}
	customer := "/console/customers/" + w.who.String()
	for _, f := range []struct {
		pattern, path string
		fields        url.Values
	}{
		{"POST /console/customers", "/console/customers", url.Values{"account": {w.account}, "purpose": {string(thimble.SupportOperations)}}},
		{"POST /console/customers/{subject}/join", customer + "/join", url.Values{"account": {"other-0"}, "note": {"@"}}},
		{"POST /console/customers/{subject}/unmask", customer + "/unmask", url.Values{"reason": {"@"}, "purpose": {string(thimble.SupportOperations)}}},
		{"POST /console/customers/{subject}/events", customer + "/events", url.Values{"reason": {"@"}, "purpose": {string(thimble.SupportOperations)}}},
		{"POST /console/customers/{subject}/lists", customer + "/lists", url.Values{"reason": {"@"}, "placement": {"home"}, "purpose": {string(thimble.SupportOperations)}}},
		{"POST /console/glass", "/console/glass", url.Values{"subject": {w.who.String()}, "kind": {"incident"}, "reason": {"@ their parcels go to another address"}}},
		{"POST /privacy/lists", "/privacy/lists", url.Values{"kind": {"less"}, "item": {"item-1"}}},
		{"POST /privacy/sign-in", "/privacy/sign-in", url.Values{"email": {w.mail}}},
		{"POST /privacy/requests", "/privacy/requests", url.Values{"kind": {string(cases.Complain)}, "text": {"@ keeps calling me @"}}},
		{"POST /privacy/decisions/{id}/contest", "/privacy/decisions/" + list.Decision.Token("dec") + "/contest", url.Values{"reason": {decision.Reasons[0].Key}, "text": {"@ is not what I wear"}}},
	} {
		for name, all := range f.fields {
			f.fields.Set(name, strings.ReplaceAll(all[0], "@", w.word("page "+f.pattern)+" "+w.word("page "+f.pattern)))
		}
		if f.pattern == "POST /privacy/sign-in" {
			f.fields.Set("email", w.mail)
		}
		status, text, err := w.form(ctx, f.path, f.fields)
		if err != nil {
			return err
		}
		if status >= http.StatusBadRequest {
			w.App.Log.DebugContext(ctx, "a form was refused")
			w.refused = append(w.refused, fmt.Sprintf("%s: %d: %.300s", f.pattern, status, strings.Join(strings.Fields(string(text)), " ")))
		}
	}
	return nil
}
