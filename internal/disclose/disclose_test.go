package disclose_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
)

const whole = `agreement: 1
title: Fulfilment of orders
contract: "Contract 12 of 2026, annex 2, clause 4"
act: process
effective: 2026-01-01
until: 2027-01-01
purposes:
  - essential.service
fields:
  - {name: order, category: user.behavior.purchase_history}
  - {name: placed, category: user.behavior.purchase_history, coarsen: day}
sub-processors:
  - {name: Night Vans, country: PL, for: transport by night}
transfer: {basis: adequacy, countries: [CH]}
assessment: {by: data protection officer, on: 2026-01-01, expires: 2026-12-31}
retention: 30d
acknowledge: 24h
brands: [north]
`

func TestAnAgreementIsReadWhole(t *testing.T) {
	a, err := disclose.ParseAgreement([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if a.Retention != 30*24*time.Hour || a.Acknowledge != 24*time.Hour || len(a.Fields) != 2 || a.Processors[0].Country != "PL" || a.Brands[0] != "north" {
		t.Errorf("got %+v", a)
	}
}

func TestWhatAnAgreementMustNotSayIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct {
		what, old, new string
		line           int
	}{
		{"an unknown key", "act: process", "act: process\nactt: sale", 5},
		{"a key twice", "act: process", "act: process\nact: sale", 5},
		{"an unknown act", "act: process", "act: gift", 4},
		{"another form", "agreement: 1", "agreement: 2", 1},
		{"a day that is none", "until: 2027-01-01", "until: 2027-02-30", 6},
		{"an end before its beginning", "until: 2027-01-01", "until: 2025-01-01", 6},
		{"no purpose", "purposes:\n  - essential.service", "purposes: []", 7},
		{"an unknown category", "category: user.behavior.purchase_history}\n  - {name: placed", "category: user.shoe_size_of_dog}\n  - {name: placed", 10},
		{"a category that is not kept", "category: user.behavior.purchase_history}\n  - {name: placed", "category: user.government_id}\n  - {name: placed", 10},
		{"a field twice", "name: placed", "name: order", 11},
		{"the field of the pseudonym", "name: placed", "name: person", 11},
		{"times finer than an hour", "coarsen: day", "coarsen: second", 11},
		{"countries without a basis", "basis: adequacy", "basis: none", 14},
		{"an assessment that ends before it was made", "expires: 2026-12-31", "expires: 2025-12-31", 15},
		{"a retention without a unit", "retention: 30d", "retention: 30", 16},
		{"a retention for ever", "retention: 30d", "retention: 99999d", 16},
		{"an anchor", "title: Fulfilment of orders", "title: &t Fulfilment", 2},
		{"a tag", "title: Fulfilment of orders", "title: !!str Fulfilment", 2},
		{"a null", "title: Fulfilment of orders", "title:", 2},
		{"no YAML", "act: process", "act: [process", 5},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		_, err := disclose.ParseAgreement([]byte(text))
		e, ok := errors.AsType[*disclose.LineError](err)
		if !ok || !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v", c.what, err)
			continue
		}
		if e.Line != c.line && c.what != "no YAML" {
			t.Errorf("%s: line %d, want %d: %s", c.what, e.Line, c.line, e.Rule)
		}
	}
	for _, key := range []string{"agreement", "title", "contract", "act", "effective", "until", "purposes", "fields", "transfer", "assessment", "retention"} {
		var kept []string
		skip := false
		for line := range strings.Lines(whole) {
			if !strings.HasPrefix(line, " ") {
				skip = strings.HasPrefix(line, key+":")
			}
			if !skip {
				kept = append(kept, line)
			}
		}
		if _, err := disclose.ParseAgreement([]byte(strings.Join(kept, ""))); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("without %s: got %v", key, err)
		}
	}
}

func FuzzParseAgreement(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"agreement": 1}`))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := disclose.ParseAgreement(text)
		if err != nil {
			if e, ok := errors.AsType[*disclose.LineError](err); !ok || e.Line < 1 {
				t.Fatalf("an error without a line: %v", err)
			}
			return
		}
		if !a.From.Before(a.Until) || len(a.Purposes) == 0 || len(a.Fields) == 0 || a.Retention < 0 {
			t.Fatalf("taken: %+v", a)
		}
	})
}

func parsed(t *testing.T) disclose.Agreement {
	a, err := disclose.ParseAgreement([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEachRefusalHasItsOwnReason(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	ok := disclose.Request{Purpose: thimble.EssentialService, Fields: []string{"order"}, Brand: "north"}
	active := disclose.Recipient{Status: disclose.Active}
	with := func(change func(*disclose.Request)) disclose.Request { q := ok; change(&q); return q }
	a := parsed(t)
	for _, c := range []struct {
		want disclose.Refusal
		r    disclose.Recipient
		a    *disclose.Agreement
		q    disclose.Request
		at   time.Time
	}{
		{"", active, &a, ok, now},
		{disclose.RecipientSuspended, disclose.Recipient{Status: disclose.Suspended}, &a, ok, now},
		{disclose.RecipientSuspended, disclose.Recipient{}, &a, ok, now},
		{disclose.RecipientWithdrew, disclose.Recipient{Status: disclose.Withdrew}, &a, ok, now},
		{disclose.NoAgreement, active, nil, ok, now},
		{disclose.NotYetEffective, active, &a, ok, a.From.Add(-1)},
		{"", active, &a, ok, a.From},
		{disclose.AgreementEnded, active, &a, ok, a.Until},
		{disclose.AssessmentExpired, active, &a, ok, a.Assessment.Expires},
		{"", active, &a, ok, a.Assessment.Expires.Add(-1)},
		{disclose.PurposeNotAgreed, active, &a, with(func(q *disclose.Request) { q.Purpose = "essential.service.security" }), now},
		{disclose.NothingAsked, active, &a, with(func(q *disclose.Request) { q.Fields = nil }), now},
		{disclose.FieldNotAgreed, active, &a, with(func(q *disclose.Request) { q.Fields = []string{"order", "name"} }), now},
		{disclose.CategoryNotAgreed, active, &a, with(func(q *disclose.Request) { q.Categories = []thimble.Category{"user.contact.email"} }), now},
		{disclose.BrandNotAgreed, active, &a, with(func(q *disclose.Request) { q.Brand = "south" }), now},
	} {
		if got := c.a.Permits(c.r, c.q, c.at); got != c.want || got != "" && got.Words() == "" {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// random changes a few things of an agreement.
func random(rng *rand.Rand, a disclose.Agreement) disclose.Agreement {
	day := func() time.Time { return time.Date(2026, 1, 1+rng.IntN(700), 0, 0, 0, 0, time.UTC) }
	a.Purposes, a.Fields, a.Brands = slices.Clone(a.Purposes), slices.Clone(a.Fields), slices.Clone(a.Brands)
	for range 1 + rng.IntN(3) {
		switch rng.IntN(8) {
		case 0:
			a.From = day()
		case 1:
			a.Until = day()
		case 2:
			a.Assessment.Expires = day()
		case 3:
			a.Purposes = append(a.Purposes, thimble.Purpose(fmt.Sprintf("purpose.p%d", rng.IntN(3))))
		case 4:
			a.Fields = append(a.Fields, disclose.Field{Name: fmt.Sprintf("f%d", rng.IntN(3)), Category: thimble.PurchaseHistory})
		case 5:
			a.Fields = a.Fields[:1]
		case 6:
			a.Brands = append(a.Brands, fmt.Sprintf("b%d", rng.IntN(3)))
		case 7:
			a.Brands = nil
		}
	}
	return a
}

// Whatever an old agreement refuses and a new one permits is a loosening: no change gets
// through without a second look that lets one more thing out.
func TestNothingNewIsPermittedWithoutBeingNamedAsALoosening(t *testing.T) {
	const seed = 4711
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	base := parsed(t)
	active := disclose.Recipient{Status: disclose.Active}
	n, tight, loose := 20_000, 0, 0
	if os.Getenv("THIMBLE_SOAK") == "1" {
		n = 2_000_000
	}
	for range n {
		before := random(rng, base)
		after := random(rng, before)
		ways := disclose.Loosens(&before, after)
		if len(ways) > 0 {
			loose++
			continue
		}
		tight++
		q := disclose.Request{Purpose: after.Purposes[rng.IntN(len(after.Purposes))], Fields: after.Names()[:1+rng.IntN(len(after.Fields))], Brand: []string{"", "north", "b0", "b1", "b2"}[rng.IntN(5)]}
		at := time.Date(2026, 1, 1+rng.IntN(700), rng.IntN(24), 0, 0, 0, time.UTC)
		if after.Permits(active, q, at) == "" && before.Permits(active, q, at) != "" {
			t.Fatalf("permitted now, refused before (%s), and no loosening:\n%+v\n%+v\n%+v at %v", before.Permits(active, q, at), before, after, q, at)
		}
	}
	if tight < n/100 || loose < n/100 {
		t.Errorf("%d tighter and %d looser: the run shows nothing", tight, loose)
	}
}

func TestARowLeavesWithAgreedFieldsOnlyAndNothingExact(t *testing.T) {
	a := parsed(t)
	row := disclose.Row{"order": disclose.Alias{Kind: "order", Value: "536365"}, "placed": time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC), "email": "somebody"}
	line, err := a.Shape([]string{"order", "placed", "email"}, "psn_1", row, func(disclose.Alias) (string, error) { return "als_1", nil })
	if got, want := string(line), `{"person":"psn_1","order":"als_1","placed":"2026-03-04"}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for what, value := range map[string]any{"a type with an exact time": struct{ At time.Time }{}, "an alias inside": []disclose.Row{{"x": disclose.Alias{}}}, "a time inside": []disclose.Row{{"x": time.Now()}}} {
		if _, err := a.Shape([]string{"order"}, "", disclose.Row{"order": value}, nil); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s leaves: %v", what, err)
		}
	}
}

func TestARecipientIsCheckedFieldByField(t *testing.T) {
	ok := disclose.Recipient{Name: "Parcels", Kind: disclose.Processor, Contact: "privacy@parcels.example", Countries: []string{"DE"}, Transport: disclose.Webhook, Endpoint: "https://parcels.example/in"}
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*disclose.Recipient){
		"name":      func(r *disclose.Recipient) { r.Name = "P\n" },
		"kind":      func(r *disclose.Recipient) { r.Kind = "friend" },
		"contact":   func(r *disclose.Recipient) { r.Contact = "" },
		"countries": func(r *disclose.Recipient) { r.Countries = []string{"Germany"} },
		"transport": func(r *disclose.Recipient) { r.Transport = "pigeon" },
		"endpoint":  func(r *disclose.Recipient) { r.Endpoint = "" },
	} {
		r := ok
		change(&r)
		if e, is := errors.AsType[*disclose.FieldError](r.Check()); !is || e.Field != field {
			t.Errorf("%s: got %v", field, r.Check())
		}
	}
}

func TestNothingFollowsAFinalStateAndEachStateIsReached(t *testing.T) {
	for _, s := range []disclose.State{disclose.Acknowledged, disclose.Cancelled} {
		if !s.Final() {
			t.Errorf("%s is not final", s)
		}
	}
	for _, s := range disclose.States[1:] {
		if !slices.ContainsFunc(disclose.States, func(from disclose.State) bool { return from.May(s) }) {
			t.Errorf("%s is never reached", s)
		}
	}
	if disclose.Cancelled.May(disclose.Sending) || disclose.Delivered.May(disclose.Sending) {
		t.Error("what was delivered or cancelled is sent")
	}
}
