package subjectweb_test

import (
	"context"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/subject/subjectweb"
)

func system(context.Context) string { return "till" }

const lookup = "/v1/subjects/lookup"

func TestASubjectIsLookedUpByABody(t *testing.T) {
	k := apitest.NewKernel(t)
	d := apitest.Open(t, subjectweb.Operations(k.Subjects, func(context.Context, thimble.SubjectID) error { return nil }, system))
	ada := k.Person("17850")
	var got subjectweb.Subject
	a := d.Do(apitest.Read, "POST", lookup, `{"kind":"account","value":" 17850 "}`)
	d.Into(&got, a)
	if got.Subject != ada || a.Header.Get("Cache-Control") != "private, no-store" || strings.Contains(a.Body, "17850") {
		t.Errorf("got %s, %v", a.Body, a.Header)
	}
	d.Refuses(d.Do(apitest.Read, "POST", lookup, `{"kind":"account","value":"99999"}`), 404, "not-found", "", "99999")
	d.Refuses(d.Do(apitest.Read, "POST", lookup, `{"kind":"email","value":"17850@example.org"}`), 404, "not-found", "", "17850")
}

func TestBadInputOfALookUpIsNamed(t *testing.T) {
	k := apitest.NewKernel(t)
	d := apitest.Open(t, subjectweb.Operations(k.Subjects, func(context.Context, thimble.SubjectID) error { return nil }, system))
	for body, field := range map[string]string{
		`{"kind":"email","value":"secret"}`:                             "body.value",
		`{"kind":"phone","value":"020 7946 secret"}`:                    "body.value",
		`{"kind":"account","value":"secret\u0000"}`:                     "body.value",
		`{"kind":"account","value":""}`:                                 "body.value",
		`{"kind":"secret","value":"1"}`:                                 "body.kind",
		`{"kind":"account","value":["secret"]}`:                         "body.value",
		`{"kind":"account","value":"1","email":"secret"}`:               "body.email",
		`{"kind":"account","value":"` + strings.Repeat("s", 255) + `"}`: "body.value",
	} {
		d.Refuses(d.Do(apitest.Read, "POST", lookup, body), 422, "invalid", field, "secret")
	}
	d.Refuses(d.Do(apitest.Read, "POST", lookup, `{"kind":"account","kind":"email","value":"secret"}`), 400, "malformed", "body", "secret")
	d.Refuses(d.Do(apitest.Read, "POST", lookup, `{"kind":"account","value":"`+strings.Repeat("s", 5000)+`"}`), 413, "too-large", "")
	d.Refuses(d.Get(apitest.Read, lookup+"?value=secret"), 405, "method", "", "secret")
	d.Refuses(d.Do(apitest.None, "POST", lookup, `{}`), 401, "key-missing", "")
	d.Refuses(d.Do(apitest.Collect, "POST", lookup, `{}`), 403, "scope-missing", "")
}

func TestTwoSubjectsAreJoinedAndPartedByKey(t *testing.T) {
	k := apitest.NewKernel(t)
	d := apitest.Open(t, subjectweb.Operations(k.Subjects, func(context.Context, thimble.SubjectID) error { return nil }, system))
	ada, bob := k.Person("17850"), k.Person("17851")
	both := func(a, b string) string {
		return `{"subjects":["` + a + `","` + b + `"],"ground":"declared","note":"said so at the till"}`
	}
	const path = "/v1/subjects/merges"
	var link subjectweb.MergeLink
	d.Into(&link, d.Do(apitest.Admin, "POST", path, both(bob.String(), ada.String())))
	if link.Survivor != ada || link.Absorbed != bob {
		t.Errorf("link %+v, want the older to survive", link)
	}
	d.Refuses(d.Do(apitest.Admin, "POST", path, both(ada.String(), bob.String())), 409, "conflict", "", "said so")
	d.Refuses(d.Do(apitest.Admin, "POST", path, both(ada.String(), "secret")), 422, "invalid", "body.subjects", "secret")
	d.Refuses(d.Do(apitest.Admin, "POST", path, `{"subjects":["`+ada.String()+`","`+bob.String()+`"],"ground":"device"}`), 422, "invalid", "body.ground")
	d.Refuses(d.Do(apitest.Read, "POST", path, both(ada.String(), bob.String())), 403, "scope-missing", "")

	var left subjectweb.People
	d.Refuses(d.Do(apitest.Admin, "DELETE", path+"/secret", ""), 422, "invalid", "path.merge", "secret")
	d.Into(&left, d.Do(apitest.Admin, "DELETE", path+"/"+link.Merge, ""))
	if len(left.People) != 2 || left.People[0][0] != ada || left.People[1][0] != bob {
		t.Errorf("people %v, want the two as they were", left.People)
	}
	d.Refuses(d.Do(apitest.Admin, "DELETE", path+"/"+link.Merge, ""), 404, "not-found", "")
}
