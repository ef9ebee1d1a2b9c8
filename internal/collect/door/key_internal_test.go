package door

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheKeyIsTheUserOfBasicAuthorization(t *testing.T) {
	for header, want := range map[string]string{
		"Basic d2tzX2s6":                       "wks_k", // wks_k:
		"Basic d2tzX2s=":                       "wks_k", // without its colon
		"Basic d2tzX2s":                        "wks_k", // without padding
		"basic d2tzX2s6c2VjcmV0":               "wks_k", // with a password
		"Bearer d2tzX2s6":                      "",
		"Basic !":                              "",
		"Basic":                                "",
		"":                                     "",
		"Basic " + strings.Repeat("d2tz", 100): "",
	} {
		r := httptest.NewRequest("POST", "/v1/track", nil)
		r.Header.Set("Authorization", header)
		if got := headerKey(r); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

func TestTheKeyIsThatOfTheOutermostObject(t *testing.T) {
	for body, want := range map[string]string{
		`{"writeKey":"k"}`:                     "k",
		" \n{ \"writeKey\" : \"k\" , \"a\":1}": "k",
		`{"batch":[{"writeKey":"no"},"}",{"a":"\"writeKey\":\"no\""}],"sentAt":"x","writeKey":"k"}`: "k",
		`{"a":"\\","b":-1.5e3,"c":null,"d":{},"e":[],"writeKey":"k"}`:                               "k",
		`{"context":{"writeKey":"no"}}`:                                                             "no key",
		`{"writeKey":1}`:                                                                            "no key",
		`{"writeKey":null,"a":1}`:                                                                   "no key",
		`{"write\u004bey":"k"}`:                                                                     "no key",
		`{}`:                                                                                        "no key",
		`[]`:                                                                                        "no JSON",
		``:                                                                                          "no JSON",
		`{`:                                                                                         "no JSON",
		`{"a"`:                                                                                      "no JSON",
		`{"a":`:                                                                                     "no JSON",
		`{"a":"`:                                                                                    "no JSON",
		`{"a":[`:                                                                                    "no JSON",
		`{"a" 1}`:                                                                                   "no JSON",
		`{"a":1,`:                                                                                   "no JSON",
		`{"writeKey":"` + strings.Repeat("k", maxKey+1) + `"}`:                                     "no key",
		strings.Repeat("[", 100_000):                                                               "no JSON",
		`{"a":` + strings.Repeat("[", 100_000):                                                     "no JSON",
		`{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"writeKey":"k"}`: "k",
	} {
		got, err := bodyKey([]byte(body))
		switch {
		case errors.Is(err, errNoKey):
			got = "no key"
		case errors.Is(err, errNoJSON):
			got = "no JSON"
		}
		if got != want {
			t.Errorf("%.60s: got %q, want %q", body, got, want)
		}
	}
}

// What a strict reader finds is found here, unless it is spelt with escapes; and where
// this one finds a key there is one in the body.
func FuzzBodyKey(f *testing.F) {
	for _, seed := range []string{`{"writeKey":"k"}`, `{"a":{"writeKey":"x"},"writeKey":"k"}`, `{"a":"\\\"","b":[1,{"c":"}"}],"writeKey":"k"}`, `{"writeKey":"a","writeKey":"b"}`, `{"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := bodyKey(b)
		if err == nil && !bytes.Contains(b, []byte(got)) {
			t.Errorf("%q is not in the body", got)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) != nil || object == nil || bytes.Contains(b, []byte(`\`)) || bytes.Count(b, []byte(`"writeKey"`)) != 1 {
			return
		}
		var want string
		raw, there := object["writeKey"]
		if !there || len(raw) == 0 || raw[0] != '"' || len(raw)-2 > maxKey {
			if err == nil {
				t.Errorf("found %q where there is none", got)
			}
			return
		}
		if json.Unmarshal(raw, &want) == nil && (err != nil || want != got && !strings.Contains(want, "\uFFFD")) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

func BenchmarkBodyKey(b *testing.B) {
	event := `{"type":"track","event":"Product Viewed","userId":"u1","properties":{"product_id":"SKU-1","name":"Linen shirt","price":"49.95","currency":"EUR"},"context":{"ip":"1.2.3.4"},"timestamp":"2026-11-29T12:00:00Z"},`
	body := []byte(`{"batch":[` + strings.TrimSuffix(strings.Repeat(event, 300), ",") + `],"writeKey":"wks_k"}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bodyKey(body); err != nil {
			b.Fatal(err)
		}
	}
}
