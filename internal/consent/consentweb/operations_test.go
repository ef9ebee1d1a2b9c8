package consentweb_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/consent"
	"thimble/internal/consent/consentweb"
	"thimble/internal/gate"
	"thimble/internal/ledger"
)

func operated(t *testing.T) (*apitest.Kernel, *apitest.Door) {
	t.Helper()
	k := apitest.NewKernel(t)
	return k, apitest.Open(t, consentweb.Operations(consentweb.OperationDeps{
		Store: k.Consents, Receipts: k.Ledger,
		Exists: func(ctx context.Context, who thimble.SubjectID) error {
			_, err := k.Subjects.Epoch(ctx, who)
			return err
		},
		Open: func(ctx context.Context, key string, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error) {
			return k.Gate.Open(ctx, gate.Request{
				Actor: gate.Actor{Kind: gate.Client, Name: key}, Subject: who, Purpose: thimble.LegalObligation, Categories: categories,
			})
		},
	}))
}

func consents(who thimble.SubjectID) string { return "/v1/subjects/" + who.String() + "/consents" }

const gives = `{"choices":[{"purpose":"personalize.content.profiled","state":"given"},{"purpose":"train_ai_system","state":"refused"}],"ui":{"component":"banner","choice_path":["settings","save"]},"lang":"en"}`

func TestARecordedChoiceTakesEffectAndHasAReceipt(t *testing.T) {
	k, d := operated(t)
	ada := k.Person("17850")
	var recorded consentweb.RecordedChoices
	d.Into(&recorded, d.Do(apitest.Collect, "POST", consents(ada), gives))
	if len(recorded.Recorded) != 2 || recorded.Recorded[0].Seq != 1 || recorded.Recorded[1].State != "refused" ||
		recorded.Recorded[0].At.IsZero() || recorded.Recorded[0].Expires.IsZero() || !recorded.Recorded[1].Expires.IsZero() {
		t.Errorf("recorded %+v", recorded)
	}
	verdict, err := k.Gate.Decide(t.Context(), gate.Request{
		Actor: gate.Actor{Kind: gate.Machine, Name: "recommend"}, Subject: ada, Purpose: thimble.PersonalizeContent, Categories: []thimble.Category{thimble.PurchaseHistory},
	})
	if err != nil || !verdict.Allowed {
		t.Errorf("the gate says %+v, %v", verdict, err)
	}

	a := d.Get(apitest.Read, recorded.Recorded[0].Receipt)
	opened, err := ledger.Verify([]byte(a.Body), k.Ledger.VerifierKey())
	if err != nil || opened.Class != ledger.Consent || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("the receipt: %v, %v in %s", err, a.Header, a.Body)
	}
	event, err := consent.Unmarshal(opened.Record)
	if err != nil || event.By != (consent.By{Actor: "subject", Auth: "shop"}) || event.UI.Component != "banner" || event.Notice != consent.Current().Ref() {
		t.Errorf("the receipt says %+v, %v", event, err)
	}
}

func TestConsentsAreListedAndTheReadIsCounted(t *testing.T) {
	k, d := operated(t)
	ada := k.Person("17850")
	k.Chooses(ada, thimble.PersonalizeContent, consent.Given)
	var got consentweb.Choices
	a := d.Get(apitest.Read, consents(ada))
	d.Into(&got, a)
	if len(got.Consents) != len(consent.Asked) || !got.Consents[0].Permits || got.Consents[0].State != "given" || got.Consents[1].State != "unanswered" || got.Consents[1].Permits {
		t.Errorf("got %s", a.Body)
	}
	if uses := k.UsesOf(ada); !slices.Contains(uses, "client read-system "+string(thimble.LegalObligation)) {
		t.Errorf("the use log has %q", uses)
	}
}

func TestBadChoicesAreNamedAndNothingIsRecorded(t *testing.T) {
	k, d := operated(t)
	ada := k.Person("17850")
	for body, field := range map[string]string{
		strings.Replace(gives, "train_ai_system", "secret", 1):                       "body.choices[1].purpose",
		strings.Replace(gives, "train_ai_system", "personalize.content.profiled", 1): "body.choices[1].purpose",
		strings.Replace(gives, "refused", "expired", 1):                              "body.choices[1].state",
		strings.Replace(gives, `"lang":"en"`, `"lang":"secret"`, 1):                  "body.lang",
		strings.Replace(gives, "banner", "Secret Secret", 1):                         "body.ui.component",
		strings.Replace(gives, "settings", "secret@example.org", 1):                  "body.ui.choice_path[0]",
		strings.Replace(gives, `"lang":"en"`, `"lang":"en","ip":"secret"`, 1):        "body.ip",
		`{"choices":[],"ui":{"component":"banner"},"lang":"en"}`:                     "body.choices",
		`{"choices":[{"purpose":"train_ai_system","state":"given"}],"lang":"en"}`:    "body",
	} {
		d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), body), 422, "invalid", field, "secret", "Secret")
	}
	stale := strings.Replace(gives, `"lang":"en"`, `"lang":"en","notice":"0000"`, 1)
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), stale), 409, "conflict", "")
	var got consentweb.Choices
	d.Into(&got, d.Get(apitest.Read, consents(ada)))
	if got.Consents[0].State != "unanswered" || got.Consents[1].State != "unanswered" {
		t.Errorf("something was recorded: %+v", got)
	}
}

func TestUnknownPeopleAndKeysAreRefused(t *testing.T) {
	k, d := operated(t)
	ada, gone, nobody := k.Person("17850"), k.Person("12345"), thimble.SubjectID{9}
	if _, err := k.Subjects.Erase(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	for _, who := range []thimble.SubjectID{nobody, gone} {
		d.Refuses(d.Get(apitest.Read, consents(who)), 404, "not-found", "")
		d.Refuses(d.Do(apitest.Collect, "POST", consents(who), gives), 404, "not-found", "")
		d.Refuses(d.Get(apitest.Read, consents(who)+"/1/receipt"), 404, "not-found", "")
	}
	d.Refuses(d.Get(apitest.Read, consents(ada)+"/1/receipt"), 404, "not-found", "")
	d.Refuses(d.Get(apitest.Read, consents(ada)+"/secret/receipt"), 422, "invalid", "path.seq", "secret")
	d.Refuses(d.Get(apitest.Read, "/v1/subjects/secret/consents"), 422, "invalid", "path.subject", "secret")
	d.Refuses(d.Do(apitest.Read, "POST", consents(ada), gives), 403, "scope-missing", "")
	d.Refuses(d.Get(apitest.Collect, consents(ada)), 403, "scope-missing", "")
	d.Refuses(d.Do(apitest.None, "POST", consents(ada), gives), 401, "key-missing", "")
	var notice consentweb.CurrentNotice
	d.Into(&notice, d.Get(apitest.None, "/v1/notice"))
	if notice.SHA256 != consent.Current().Ref().SHA256 || len(notice.Asks) != len(consent.Asked) {
		t.Errorf("the notice: %+v", notice)
	}
}
