package decisionweb_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/decision"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/ledger"
)

func decided(t *testing.T, k *apitest.Kernel, who thimble.SubjectID) string {
	t.Helper()
	epoch, err := k.Subjects.Epoch(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	id, err := k.Decisions.Keep(t.Context(), decision.Record{
		V: 1, Capability: "recommend", Placement: "home", Subject: who, At: time.Now().UTC().Truncate(time.Microsecond),
		Model:   decision.Model{Name: "item-item", Version: 3, SHA256: strings.Repeat("ab", 32)},
		Inputs:  []decision.Input{{Category: thimble.PurchaseHistory, Purpose: thimble.PersonalizeContent, Basis: "consent", Cite: "GDPR Art. 6(1)(a)", Count: 2}},
		Results: []decision.Result{{Item: "22423", Score: 9, Terms: []decision.Term{{Because: "22699", Share: 5}, {Because: "22698", Share: 4}}}},
		Packs:   []string{"baseline.strict"},
	}, k.Pack.Digest(), epoch)
	if err != nil {
		t.Fatal(err)
	}
	return id.Token(decision.TokenPrefix)
}

func TestADecisionIsOpenedByTheGateWithItsTerms(t *testing.T) {
	k := apitest.NewKernel(t)
	d := apitest.Open(t, decisionweb.Operations(k.Decisions, k.Gate, k.Ledger))
	ada := k.Person("17850")
	id := decided(t, k, ada)
	var got decisionweb.Decision
	a := d.Get(apitest.Read, "/v1/decisions/"+id)
	d.Into(&got, a)
	if got.ID != id || got.Subject != ada || got.Results[0].Terms[1].Share != 4 || got.Inputs[0].Count != 2 || got.Guards == nil || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("got %s, %v", a.Body, a.Header)
	}
	if uses := k.UsesOf(ada); !slices.Contains(uses, "client read-system "+string(thimble.SupportOperations)) {
		t.Errorf("the use log has %q", uses)
	}
	receipt := d.Get(apitest.Read, got.Receipt)
	opened, err := ledger.Verify([]byte(receipt.Body), k.Ledger.VerifierKey())
	if err != nil || opened.Class != ledger.Decision || !strings.HasPrefix(receipt.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("the receipt: %v, %v", err, receipt.Header)
	}
}

func TestUnknownDecisionsAndKeysAreRefused(t *testing.T) {
	k := apitest.NewKernel(t)
	d := apitest.Open(t, decisionweb.Operations(k.Decisions, k.Gate, k.Ledger))
	gone := k.Person("17850")
	id := decided(t, k, gone)
	if _, err := k.Subjects.Erase(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	for _, tail := range []string{"", "/receipt"} {
		d.Refuses(d.Get(apitest.Read, "/v1/decisions/"+thimble.ID{9}.Token("dec")+tail), 404, "not-found", "")
		d.Refuses(d.Get(apitest.Read, "/v1/decisions/secret"+tail), 422, "invalid", "path.id", "secret")
		d.Refuses(d.Get(apitest.Read, "/v1/decisions/"+id+tail), 403, "denied", "") // the person is gone: doubt is no
		d.Refuses(d.Get(apitest.Collect, "/v1/decisions/"+id+tail), 403, "scope-missing", "")
		d.Refuses(d.Get(apitest.None, "/v1/decisions/"+id+tail), 401, "key-missing", "")
	}
}
