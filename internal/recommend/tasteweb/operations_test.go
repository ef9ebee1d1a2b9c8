package tasteweb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/thimbletest"
)

const choices = "/v1/recommendations/choices"

// A shop with a door: people who buy together, and Ada, who bought a shirt.
type shop struct {
	*thimbletest.Shop
	*apitest.Door
	ada thimble.SubjectID
}

func each(t *testing.T, f func(*testing.T, shop)) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		d := apitest.Open(t, recommendweb.Operations(s.App.Shop), tasteweb.Operations(tasteweb.OperationDeps{
			Store: tastedb.Whole{Store: s.Tastes, Persons: s.Subjects}, Receipts: s.Ledger,
			Exists: func(ctx context.Context, who thimble.SubjectID) error {
				_, err := s.Subjects.Epoch(ctx, who)
				return err
			},
			Open: func(ctx context.Context, key string, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error) {
				return s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Client, Name: key}, Subject: who, Purpose: thimble.LegalObligation, Categories: categories})
			},
		}))
		permits := thimbletest.Allows(thimble.TrainAISystem, thimble.PersonalizeContent)
		for i := range 8 {
			s.Buys(s.Subject(fmt.Sprint("person-", i), permits...), "shirt", "belt", thimble.ItemID(fmt.Sprint("extra-", i%4)))
		}
		ada := s.Subject("ada", permits...)
		s.Buys(ada, "shirt")
		s.Works()
		f(t, shop{s, d, ada})
	})
}

// shown are the items of Ada's next list, and whether it is her own.
func (s shop) shown(t *testing.T) (items []string, personal bool) {
	t.Helper()
	var got recommendweb.Recommendations
	s.Into(&got, s.Get(apitest.Read, "/v1/recommendations?subject="+s.ada.String()))
	for _, e := range got.Entries {
		items = append(items, string(e.Item.ID))
	}
	return items, got.Personal
}

func (s shop) says(t *testing.T, body string, headers ...string) tasteweb.RecordedListChoices {
	t.Helper()
	var got tasteweb.RecordedListChoices
	a := s.Do(apitest.Collect, "POST", choices, strings.Replace(body, "ADA", s.ada.String(), 1), headers...)
	s.Into(&got, a)
	if a.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("a choice is kept by caches: %v", a.Header)
	}
	return got
}

func (s shop) stands(t *testing.T) (all []string) {
	t.Helper()
	var got tasteweb.ListChoices
	s.Into(&got, s.Get(apitest.Read, choices+"?subject="+s.ada.String()))
	for _, c := range got.Choices {
		all = append(all, c.Kind+" "+c.Item+c.Category)
	}
	return all
}

func TestAChoiceByTheAPIActsOnTheVeryNextListAndHasAReceipt(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		if items, personal := s.shown(t); !personal || !slices.Contains(items, "belt") {
			t.Fatalf("before: %v, personal %t", items, personal)
		}
		got := s.says(t, `{"subject":"ADA","choices":[{"kind":"less","item":"belt"}],"component":"lists@1"}`)
		if items, personal := s.shown(t); personal && slices.Contains(items, "belt") {
			t.Errorf("she wants less of the belt, and the next list is %v", items)
		}
		if len(got.Recorded) != 1 || got.Recorded[0].Undone || got.Recorded[0].At.IsZero() || got.Recorded[0].Item != "belt" {
			t.Fatalf("got %+v", got)
		}
		if all := s.stands(t); !slices.Equal(all, []string{"less belt"}) {
			t.Errorf("stands %q", all)
		}
		s.Works()
		a := s.Get(apitest.Read, got.Recorded[0].Receipt)
		opened, err := ledger.Verify([]byte(a.Body), s.Ledger.VerifierKey())
		if err != nil || opened.Class != ledger.Taste || a.Header.Get("Cache-Control") != "private, no-store" {
			t.Fatalf("the receipt: %v, %d %v in %s", err, a.Status, a.Header, a.Body)
		}
		if e, err := taste.Unmarshal(opened.Record); err != nil || e.Subject != s.ada || e.Item != "belt" || e.By != (taste.By{Auth: "shop", Component: "lists@1"}) {
			t.Errorf("the receipt says %+v, %v", e, err)
		}

		var undone tasteweb.RecordedListChoices
		s.Into(&undone, s.Do(apitest.Collect, "DELETE", choices+"/"+got.Recorded[0].ID, ""))
		if len(undone.Recorded) != 1 || !undone.Recorded[0].Undone {
			t.Errorf("undone %+v", undone)
		}
		if items, personal := s.shown(t); !personal || !slices.Contains(items, "belt") {
			t.Errorf("after the undoing: %v, personal %t", items, personal)
		}
		s.Into(&undone, s.Do(apitest.Collect, "DELETE", choices+"/"+got.Recorded[0].ID, ""))
		if len(undone.Recorded) != 0 || len(s.stands(t)) != 0 {
			t.Errorf("undone again %+v, stands %q", undone, s.stands(t))
		}
	})
}

func TestForgetAndNeverByTheAPIActAtOnceAndAreUndoneWithTheSameWords(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		for _, c := range []string{`[{"kind":"forget","item":"shirt"}]`, `[{"kind":"never","category":"other"}]`} {
			s.says(t, `{"subject":"ADA","choices":`+c+`}`)
			if items, personal := s.shown(t); personal {
				t.Errorf("%s: the next list is %v of her own", c, items)
			}
			s.says(t, `{"subject":"ADA","undo":true,"choices":`+c+`}`)
			s.Works()
			if items, personal := s.shown(t); !personal || !slices.Contains(items, "belt") {
				t.Errorf("%s, undone: %v, personal %t", c, items, personal)
			}
		}
	})
}

func TestTheSameRequestCountsOnceAndNobodyLearnsWhoIsThere(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		less := `{"subject":"ADA","choices":[{"kind":"less","category":"hats"}]}`
		first, again := s.says(t, less, "Idempotency-Key", "one"), s.says(t, less, "Idempotency-Key", "one")
		if fmt.Sprint(first) != fmt.Sprint(again) || len(first.Recorded) != 1 {
			t.Errorf("first %+v, again %+v", first, again)
		}
		if more := s.says(t, less); len(more.Recorded) != 0 {
			t.Errorf("what holds already is recorded: %+v", more)
		}
		s.Refuses(s.Do(apitest.Collect, "POST", choices, strings.Replace(strings.Replace(less, "ADA", s.ada.String(), 1), "hats", "mugs", 1), "Idempotency-Key", "one"), 409, "conflict", "")
		var got tasteweb.RecordedListChoices
		s.Into(&got, s.Do(apitest.Collect, "POST", choices, strings.Replace(less, "ADA", thimble.SubjectID{9}.String(), 1)))
		if got.Recorded == nil || len(got.Recorded) != 0 {
			t.Errorf("of somebody who is not there: %+v", got)
		}
		s.Refuses(s.Get(apitest.Read, choices+"?subject="+thimble.SubjectID{9}.String()), 404, "not-found", "")
		s.Refuses(s.Do(apitest.Collect, "DELETE", choices+"/99-"+s.ada.String(), ""), 404, "not-found", "")
	})
}

func TestBadChoicesAboutListsAreNamedAndNothingIsRecorded(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		d := apitest.Open(t, tasteweb.Operations(tasteweb.OperationDeps{Store: tastedb.Whole{Store: s.Tastes, Persons: s.Subjects}}))
		ada := s.Subject("ada").String()
		for body, field := range map[string]string{
			`{"subject":"secret","choices":[{"kind":"less","item":"x"}]}`:                                           "body.subject",
			`{"subject":"` + ada + `","choices":[{"kind":"secret","item":"x"}]}`:                                    "body.choices[0].kind",
			`{"subject":"` + ada + `","choices":[{"kind":"less"}]}`:                                                 "body.choices[0]",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"secret","category":"secret"}]}`:             "body.choices[0]",
			`{"subject":"` + ada + `","choices":[{"kind":"forget","category":"secret"}]}`:                           "body.choices[0].item",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"x"},{"kind":"never","item":"secret"}]}`:     "body.choices[1].category",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"secret"},{"kind":"less","item":"secret"}]}`: "body.choices[1]",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"secret\u0007"}]}`:                           "body.choices[0]",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"` + strings.Repeat("s", 65) + `"}]}`:        "body.choices[0].item",
			`{"subject":"` + ada + `","choices":[]}`:                                                                "body.choices",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"x"}],"component":"Secret Secret"}`:          "body.component",
			`{"subject":"` + ada + `","choices":[{"kind":"less","item":"x"}],"reason":"secret"}`:                    "body.reason",
		} {
			d.Refuses(d.Do(apitest.Collect, "POST", choices, body), 422, "invalid", field, "secret", "Secret", "sss")
		}
		d.Refuses(d.Get(apitest.Read, choices), 422, "invalid", "query.subject")
		d.Refuses(d.Get(apitest.Read, choices+"?subject=secret"), 422, "invalid", "query.subject", "secret")
		for _, id := range []string{"secret", "x-" + ada, "3-secret"} {
			d.Refuses(d.Do(apitest.Collect, "DELETE", choices+"/"+id, ""), 422, "invalid", "path.id", "secret")
		}
		d.Refuses(d.Do(apitest.Read, "POST", choices, `{"subject":"`+ada+`","choices":[{"kind":"less","item":"x"}]}`), 403, "scope-missing", "")
		d.Refuses(d.Get(apitest.Collect, choices+"?subject="+ada), 403, "scope-missing", "")
		d.Refuses(d.Get(apitest.None, choices+"?subject="+ada), 401, "key-missing", "")
	})
}
