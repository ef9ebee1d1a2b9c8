package decisionweb_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/sqldb"
)

func TestASystemOfTheShopContestsADecisionForAPerson(t *testing.T) {
	k := apitest.NewKernel(t)
	k.Decisions.Reviews(decisiondb.Reviewing{Due: func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, _ bool, at time.Time) (time.Time, string, error) {
		return at.AddDate(0, 1, 0), "eu.gdpr", nil
	}})
	d := apitest.Open(t, decisionweb.ContestOperations(k.Decisions, k.Gate, k.Decisions))
	id := decided(t, k, k.Person("17850"))
	path := "/v1/decisions/" + id + "/reviews"
	const wish = `{"reason": "wrong data", "text": "That was a gift."}`
	var got decisionweb.Review
	a := d.Do(apitest.Admin, "POST", path, wish)
	d.Into(&got, a)
	if a.Status != http.StatusOK || got.Decision != id || got.State != "open" || got.Rule != "eu.gdpr" || got.Appeal {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	d.Refuses(d.Do(apitest.Admin, "POST", path, wish), 409, "conflict", "")
	d.Refuses(d.Do(apitest.Read, "POST", path, wish), 403, "scope-missing", "")
	d.Refuses(d.Do(apitest.Admin, "POST", path, `{"reason": "because"}`), 422, "invalid", "")
	d.Refuses(d.Do(apitest.Admin, "POST", "/v1/decisions/"+thimble.ID{9}.Token("dec")+"/reviews", wish), 404, "not-found", "")
	var list struct{ Reviews []decisionweb.Review }
	d.Into(&list, d.Get(apitest.Read, path))
	if len(list.Reviews) != 1 || list.Reviews[0].ID != got.ID {
		t.Errorf("got %+v", list)
	}
}
