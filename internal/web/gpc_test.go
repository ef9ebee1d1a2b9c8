package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"thimble/internal/web"
)

func TestOnlyTheValueOneIsGlobalPrivacyControl(t *testing.T) {
	for name, row := range map[string]struct {
		values []string
		want   bool
	}{
		"none":                  {nil, false},
		"1":                     {[]string{"1"}, true},
		"0":                     {[]string{"0"}, false},
		"true":                  {[]string{"true"}, false},
		"a list":                {[]string{"1, 1"}, false},
		"one of several is 1":   {[]string{"0", "1"}, true},
		"blanks are taken away": {[]string{" 1 "}, true},
	} {
		var got bool
		h := web.GPC(web.GPC(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = web.GPCFrom(r.Context()) })))
		server := httptest.NewServer(h)
		r, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Sec-Gpc"] = row.values
		answer, err := server.Client().Do(r)
		server.Close()
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got != row.want {
			t.Errorf("%s: %t, want %t", name, got, row.want)
		}
		if vary := answer.Header.Values("Vary"); !slices.Equal(vary, []string{"Sec-GPC"}) {
			t.Errorf("%s: Vary is %q, want Sec-GPC once", name, vary)
		}
	}
}
