package trialweb_test

import (
	"context"
	"net/http"
	"testing"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/recommend/trial"
	"thimble/internal/recommend/trialweb"
)

const feedbackPath = "/v1/recommendations/feedback"

// A taker counts what is reported of one list.
type taker struct{ taken []trial.Feedback }

var (
	kept   = thimble.ID{4}
	nobody = thimble.SubjectID{9}
)

func (k *taker) Feedback(_ context.Context, f trial.Feedback) error {
	if err := f.Check(); err != nil {
		return err
	}
	if !f.Decision.IsZero() && f.Decision != kept {
		return thimble.ErrNotFound
	}
	k.taken = append(k.taken, f)
	return nil
}

func TestFeedbackIsAnsweredAlikeForEverybody(t *testing.T) {
	k := &taker{}
	d := apitest.Open(t, trialweb.Operations(k))
	var first string
	for name, body := range map[string]string{
		"of a personal list":               `{"decision":"` + kept.Token("dec") + `","item":"22423","what":"clicked"}`,
		"of the popular list":              `{"subject":"` + thimble.SubjectID{1}.String() + `","placement":"home","item":"22423","what":"bought"}`,
		"of somebody whom nobody knows of": `{"subject":"` + nobody.String() + `","placement":"home","item":"22423","what":"added"}`,
	} {
		a := d.Do(apitest.Collect, http.MethodPost, feedbackPath, body)
		if first == "" {
			first = a.Body
		}
		if a.Status != http.StatusOK || a.Body != first {
			t.Errorf("%s: %d %s, want the answer of the others: %s", name, a.Status, a.Body, first)
		}
	}
	if len(k.taken) != 3 {
		t.Errorf("%d reports were taken, want 3", len(k.taken))
	}
}

func TestFeedbackThatNamesNoListOrNothingThatHappenedIsRefusedByItsField(t *testing.T) {
	k := &taker{}
	d := apitest.Open(t, trialweb.Operations(k))
	for name, c := range map[string]struct{ body, field string }{
		"no list":              {`{"item":"22423","what":"clicked"}`, "body.decision"},
		"two lists":            {`{"decision":"` + kept.Token("dec") + `","subject":"` + nobody.String() + `","placement":"home","item":"a","what":"clicked"}`, "body.decision"},
		"no decision":          {`{"decision":"dec_1","item":"22423","what":"clicked"}`, "body.decision"},
		"no subject":           {`{"subject":"somebody","placement":"home","item":"22423","what":"clicked"}`, "body.subject"},
		"a place that is none": {`{"subject":"` + nobody.String() + `","placement":"HOME","item":"22423","what":"clicked"}`, "body.placement"},
		"something else":       {`{"decision":"` + kept.Token("dec") + `","item":"22423","what":"hated"}`, "body.what"},
		"nothing":              {`{"decision":"` + kept.Token("dec") + `","item":"","what":"clicked"}`, "body.item"},
	} {
		t.Run(name, func(t *testing.T) {
			d.Refuses(d.Do(apitest.Collect, http.MethodPost, feedbackPath, c.body), http.StatusUnprocessableEntity, "invalid", c.field)
		})
	}
	other := thimble.ID{5}
	if a := d.Do(apitest.Collect, http.MethodPost, feedbackPath, `{"decision":"`+other.Token("dec")+`","item":"22423","what":"clicked"}`); a.Status != http.StatusNotFound {
		t.Errorf("a decision that is not there: %d", a.Status)
	}
	if a := d.Do(apitest.Read, http.MethodPost, feedbackPath, `{"decision":"`+kept.Token("dec")+`","item":"22423","what":"clicked"}`); a.Status != http.StatusForbidden {
		t.Errorf("with a key that may only read: %d", a.Status)
	}
	if len(k.taken) != 0 {
		t.Errorf("%d reports were taken", len(k.taken))
	}
}
