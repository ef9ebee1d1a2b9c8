package consentweb_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
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
		Controller: consent.Controller{Name: "Haberdashery", Contact: "https://shop.example/privacy"},
	}))
}

func consents(who thimble.SubjectID) string { return "/v1/subjects/" + who.String() + "/consents" }

var shown = `"lang":"en","notice":"` + consent.Current().Ref().SHA256 + `"`

var gives = `{"choices":[{"purpose":"personalize.content.profiled","state":"given"},{"purpose":"train_ai_system","state":"refused"}],"ui":{"component":"banner","choice_path":["settings","save"]},` + shown + `}`

// row finds where the list says somebody stands on a purpose, or on a signal of it.
func row(t *testing.T, all consentweb.Choices, p thimble.Purpose, signal string) consentweb.ChoiceState {
	t.Helper()
	for _, c := range all.Consents {
		if c.Purpose == string(p) && (c.Scope == nil && signal == "" || c.Scope != nil && c.Scope.Signal == signal) {
			return c
		}
	}
	t.Fatalf("%s %s is not listed: %+v", p, signal, all)
	return consentweb.ChoiceState{}
}

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
	given, unanswered := row(t, got, thimble.PersonalizeContent, ""), row(t, got, thimble.TrainAISystem, "")
	if !given.Permits || given.State != "given" || given.MayAsk || given.AskFrom.IsZero() || unanswered.State != "unanswered" || unanswered.Permits || !unanswered.MayAsk {
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
		strings.Replace(gives, "train_ai_system", "secret", 1):                                                        "body.choices[1].purpose",
		strings.Replace(gives, "train_ai_system", "personalize.content.profiled", 1):                                  "body.choices[1].purpose",
		strings.Replace(gives, "refused", "expired", 1):                                                               "body.choices[1].state",
		strings.Replace(gives, `"lang":"en"`, `"lang":"secret"`, 1):                                                   "body.lang",
		strings.Replace(gives, "banner", "Secret Secret", 1):                                                          "body.ui.component",
		strings.Replace(gives, "settings", "secret@example.org", 1):                                                   "body.ui.choice_path[0]",
		strings.Replace(gives, `"lang":"en"`, `"lang":"en","ip":"secret"`, 1):                                         "body.ip",
		`{"choices":[],"ui":{"component":"banner"},"lang":"en"}`:                                                      "body.choices",
		`{"choices":[{"purpose":"train_ai_system","state":"given"}],"lang":"en"}`:                                     "body",
		strings.Replace(gives, shown, `"lang":"en"`, 1):                                                               "body.notice",
		strings.Replace(gives, shown, `"lang":"en","notice":"`+strings.Repeat("0", 64)+`"`, 1):                        "body.notice",
		strings.Replace(gives, shown, shown+`,"chosen_at":"2999-01-01T00:00:00Z"`, 1):                                 "body.chosen_at",
		strings.Replace(gives, shown, shown+`,"at":"2026-01-01T00:00:00Z"`, 1):                                        "body.at",
		strings.Replace(gives, shown, shown+`,"guardian":{"subject":"`+ada.String()+`"}`, 1):                          "body.guardian.subject",
		strings.Replace(gives, shown, shown+`,"guardian":{"subject":"`+thimble.SubjectID{9}.String()+`"}`, 1):         "body.guardian.subject",
		strings.Replace(gives, shown, shown+`,"guardian":{"subject":"secret"}`, 1):                                    "body.guardian.subject",
		strings.Replace(gives, shown, shown+`,"incentive":{"id":"A B","terms":"","value_minor":1,"currency":"E"}`, 1): "body.incentive",
		strings.Replace(gives, `"state":"given"`, `"state":"given","scope":{"signal":"secret"}`, 1):                   "body.choices[0].scope.signal",
		strings.Replace(gives, `"state":"given"`, `"state":"given","scope":{"feature":"secret"}`, 1):                  "body.choices[0].scope.feature",
		strings.Replace(gives, `"state":"given"`, `"state":"given","scope":{"brand":"A B"}`, 1):                       "body.choices[0].scope",
		strings.Replace(gives, "banner", "banner@secret", 1):                                                          "body.ui.component",
	} {
		d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), body), 422, "invalid", field, "secret", "Secret")
	}
	twice := strings.Replace(gives, `"state":"given"`, `"state":"refused","state":"given"`, 1)
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), twice), 400, "malformed", "")
	var got consentweb.Choices
	d.Into(&got, d.Get(apitest.Read, consents(ada)))
	for _, c := range got.Consents {
		if c.State != "unanswered" {
			t.Errorf("something was recorded: %+v", c)
		}
	}
}

// privacy.md, case 15: a text in another language was not the one that was shown.
func TestAChoiceOnATextThatIsNotInForceIsRefused(t *testing.T) {
	k, d := operated(t)
	ada, bob := k.Person("17850"), k.Person("12345")
	old := consent.Notice{Lang: "en", Version: "v0", Text: "An older text."}
	if _, err := k.Consents.Record(t.Context(), bob, []consent.Choice{{Purpose: thimble.TrainAISystem, State: consent.Refused}}, consentdb.How{Notice: old, By: consent.By{Actor: "subject"}}); err != nil {
		t.Fatal(err)
	}
	stale := strings.Replace(gives, consent.Current().Ref().SHA256, old.Ref().SHA256, 1)
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), stale), 409, "conflict", "")
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), strings.Replace(gives, `"lang":"en"`, `"lang":"de"`, 1)), 422, "invalid", "body.lang")
	// A no needs no text.
	var recorded consentweb.RecordedChoices
	d.Into(&recorded, d.Do(apitest.Collect, "POST", consents(ada), `{"choices":[{"purpose":"train_ai_system","state":"refused"}],"ui":{"component":"checkout"},"lang":"en"}`))
	if len(recorded.Recorded) != 1 {
		t.Errorf("recorded %+v", recorded)
	}
}

func TestAPartIsChosenAndListedByItself(t *testing.T) {
	k, d := operated(t)
	ada := k.Person("17850")
	var recorded consentweb.RecordedChoices
	body := `{"choices":[{"purpose":"train_ai_system","state":"given"},{"purpose":"train_ai_system","state":"refused","scope":{"signal":"returns"}},{"purpose":"train_ai_system","state":"refused","scope":{"brand":"b1"}}],"ui":{"component":"banner@2"},` + shown + `}`
	d.Into(&recorded, d.Do(apitest.Collect, "POST", consents(ada), body))
	if len(recorded.Recorded) != 3 || recorded.Recorded[1].Scope == nil || recorded.Recorded[1].Scope.Signal != "returns" || recorded.Recorded[0].Scope != nil {
		t.Errorf("recorded %+v", recorded)
	}
	var got consentweb.Choices
	a := d.Get(apitest.Read, consents(ada))
	d.Into(&got, a)
	if part := row(t, got, thimble.TrainAISystem, "returns"); part.State != "refused" || part.Permits || part.MayAsk {
		t.Errorf("the part: %+v", part)
	}
	brand := slices.IndexFunc(got.Consents, func(c consentweb.ChoiceState) bool { return c.Scope != nil && c.Scope.Brand == "b1" })
	if brand < 0 || got.Consents[brand].Permits {
		t.Errorf("the brand is not listed as refused: %s", a.Body)
	}
}

func TestARequestThatIsRepeatedGivesTheSameAnswer(t *testing.T) {
	k, d := operated(t)
	ada := k.Person("17850")
	once := func(body string, headers ...string) string {
		t.Helper()
		a := d.Do(apitest.Collect, "POST", consents(ada), body, headers...)
		if a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return a.Body
	}
	if first := once(gives); once(gives) != first {
		t.Error("the same choices were recorded twice")
	}
	takes := strings.Replace(gives, `"given"`, `"withdrawn"`, 1)
	first := once(takes, "Idempotency-Key", "k1")
	once(gives)
	if once(takes, "Idempotency-Key", "k1") != first {
		t.Error("a request that was repeated with its key was done again")
	}
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), gives, "Idempotency-Key", "k1"), 409, "conflict", "")
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), gives, "Idempotency-Key", strings.Repeat("k", 129)), 422, "invalid", "header.Idempotency-Key")
}

func TestAGuardiansChoiceAndAnIncentiveAreOnTheRecord(t *testing.T) {
	k, d := operated(t)
	ada, guardian := k.Person("17850"), k.Person("12345")
	k.Consents.Ages(func(context.Context, *sqldb.Tx, thimble.SubjectID) (consent.Age, error) {
		return consent.Age{Known: true}, nil
	})
	d.Refuses(d.Do(apitest.Collect, "POST", consents(ada), gives), 403, "denied", "")
	until := time.Now().AddDate(0, 1, 0).UTC().Truncate(time.Second)
	body := strings.Replace(gives, shown, shown+`,"guardian":{"subject":"`+guardian.String()+`","until":"`+until.Format(time.RFC3339)+`"},
		"incentive":{"id":"ten-percent","terms":"`+consent.Current().Ref().SHA256+`","value_minor":500,"currency":"EUR"}`, 1)
	var recorded consentweb.RecordedChoices
	d.Into(&recorded, d.Do(apitest.Collect, "POST", consents(ada), body))
	if !recorded.Recorded[0].Expires.Equal(until) {
		t.Errorf("the yes ends %s, want %s", recorded.Recorded[0].Expires, until)
	}
	a := d.Get(apitest.Read, recorded.Recorded[0].Record)
	if got := a.Header.Get("Content-Type"); a.Status != 200 || got != "application/ld+json" || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("the record: %d %s %s", a.Status, got, a.Body)
	}
	for _, part := range []string{
		"dpv:ConsentReceipt", "dpv:ConsentGiven", "dpv:GuardianOfDataSubject", "Haberdashery", "https://shop.example/privacy", "ten-percent",
		"fideslang:user.behavior.purchase_history", recorded.Recorded[0].Receipt, "until the person is erased", consent.Current().Ref().SHA256,
	} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("the record has no %s: %s", part, a.Body)
		}
	}
	d.Refuses(d.Get(apitest.Read, consents(ada)+"/9/record"), 404, "not-found", "")
}

func TestUnknownPeopleAndKeysAreRefused(t *testing.T) {
	k, d := operated(t)
	ada, gone, nobody := k.Person("17850"), k.Person("12345"), thimble.SubjectID{9}
	if _, err := k.Subjects.Erase(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	for _, who := range []thimble.SubjectID{nobody, gone} {
		d.Refuses(d.Get(apitest.Read, consents(who)), 404, "not-found", "")
		d.Refuses(d.Do(apitest.Collect, "POST", consents(who), gives), 403, "denied", "")
		var recorded consentweb.RecordedChoices
		d.Into(&recorded, d.Do(apitest.Collect, "POST", consents(who), strings.ReplaceAll(gives, `"given"`, `"withdrawn"`)))
		if len(recorded.Recorded) != 0 {
			t.Errorf("recorded for nobody: %+v", recorded)
		}
		d.Refuses(d.Get(apitest.Read, consents(who)+"/1/receipt"), 404, "not-found", "")
		d.Refuses(d.Get(apitest.Read, consents(who)+"/1/record"), 404, "not-found", "")
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
