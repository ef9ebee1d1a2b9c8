package subjectweb_test

import (
	"context"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/subject/subjectweb"
)

const lookup = "/v1/subjects/lookup"

func TestASubjectIsLookedUpByABody(t *testing.T) {
	k := apitest.NewKernel(t)
	d := apitest.Open(t, subjectweb.Operations(k.Subjects, func(context.Context, thimble.SubjectID) error { return nil }))
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
	d := apitest.Open(t, subjectweb.Operations(k.Subjects, func(context.Context, thimble.SubjectID) error { return nil }))
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
