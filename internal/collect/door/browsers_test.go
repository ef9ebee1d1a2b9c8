package door_test

import (
	"encoding/json"
	"strings"
	"testing"

	"thimble/internal/collect/door"
)

func TestOnlyPagesOfTheSourceMaySendAndRead(t *testing.T) {
	b := open(t)
	for name, c := range map[string]struct {
		key, origin string
		status      int
		reads       bool
	}{
		"its page":                     {browser, shopURL, 200, true},
		"a page of another source":     {browser, "https://other.example", 403, false},
		"a page of nobody":             {browser, "https://evil.example", 403, false},
		"a page of nobody, null":       {browser, "null", 403, false},
		"no page":                      {browser, "", 403, false},
		"a server, no page":            {till, "", 200, false},
		"an app, no page":              {app, "", 200, false},
		"a server's key on a page":     {till, shopURL, 403, false},
		"a server's key, evil page":    {till, "https://evil.example", 403, false},
		"an app":                       {app, "capacitor://localhost", 200, false},
		"an unknown key on a page":     {"wkp_never", shopURL, 401, true},
		"another spelling of the page": {browser, "https://SHOP.example", 403, false},
	} {
		headers := []string{auth(c.key)}
		if c.origin != "" {
			headers = append(headers, "Origin: "+c.origin)
		}
		res := b.do("POST", "/v1/t", event, headers...)
		got, want := res.Header.Get("Access-Control-Allow-Origin"), ""
		if c.reads {
			want = c.origin
		}
		if res.StatusCode != c.status || got != want || res.Header.Get("Access-Control-Allow-Credentials") != "" || res.Header.Get("Vary") != "Origin" {
			t.Errorf("%s: %s, origin %q, %v, want %d and %q", name, res.Status, got, res.Header, c.status, want)
		}
		if c.reads && res.Header.Get("Access-Control-Expose-Headers") != "Retry-After" {
			t.Errorf("%s: the SDK cannot read how long to wait", name)
		}
	}
	b.intake.since()
	// A page may send a plain request without asking; the key is in the body then.
	res := b.do("POST", "/v1/t", `{"writeKey":"`+browser+`"}`, "Origin: https://evil.example", "Content-Type: text/plain")
	if res.StatusCode != 403 || len(b.intake.since()) != 0 {
		t.Errorf("a page of nobody sends: %s", res.Status)
	}
}

func TestABrowserIsToldForADayThatItMaySend(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/v1/t", "/v1/b/", "/v1/track", "/v1/m"} {
		res := b.do("OPTIONS", path, "", "Origin: "+shopURL, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type")
		want := map[string]string{
			"Access-Control-Allow-Origin": shopURL, "Access-Control-Allow-Methods": "POST, OPTIONS", "Access-Control-Max-Age": "86400",
			"Access-Control-Allow-Headers": "authorization, content-type, x-retry-count", "Access-Control-Allow-Credentials": "", "Vary": "Origin",
		}
		for name, value := range want {
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %s: %q, want %q", path, name, got, value)
			}
		}
		if res.StatusCode != 204 || res.body != "" {
			t.Errorf("%s: %s %s", path, res.Status, res.body)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", ""} {
		res := b.do("OPTIONS", "/v1/t", "", "Origin: "+origin)
		for name := range res.Header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%q is told %s", origin, name)
			}
		}
	}
}

func TestTheSettingsSayWhereToSend(t *testing.T) {
	b := open(t, func(c *door.Config) { c.PublicURL = "https://thimble.shop.example/" })
	res := b.do("GET", "/v1/projects/"+browser+"/settings", "", "Origin: "+shopURL)
	var doc struct {
		Integrations map[string]struct{ APIKey, APIHost, Protocol string }
		Metrics      struct{ SampleRate *int }
		Consent      struct {
			AllCategories           []string
			HasUnmappedDestinations *bool
		} `json:"consentSettings"`
	}
	if err := json.Unmarshal([]byte(res.body), &doc); err != nil {
		t.Fatal(err)
	}
	to := doc.Integrations["Segment.io"]
	if res.StatusCode != 200 || to.APIKey != browser || to.APIHost != "thimble.shop.example/v1" || to.Protocol != "https" || doc.Metrics.SampleRate == nil || *doc.Metrics.SampleRate != 0 {
		t.Errorf("%s %s", res.Status, res.body)
	}
	if doc.Consent.HasUnmappedDestinations == nil || *doc.Consent.HasUnmappedDestinations || len(doc.Consent.AllCategories) != 2 {
		t.Errorf("consent: %+v", doc.Consent)
	}
	tag := res.Header.Get("ETag")
	if tag == "" || res.Header.Get("Cache-Control") != "public, max-age=60" || res.Header.Get("Access-Control-Allow-Origin") != shopURL {
		t.Errorf("headers %v", res.Header)
	}
	if again := b.do("GET", "/v1/projects/"+browser+"/settings", "", "If-None-Match: "+tag); again.StatusCode != 304 || again.body != "" {
		t.Errorf("again: %s", again.Status)
	}
	if head := b.do("HEAD", "/v1/projects/"+browser+"/settings/", ""); head.StatusCode != 200 || head.body != "" {
		t.Errorf("head: %s", head.Status)
	}
	for _, key := range []string{till, "wkp_never"} {
		if res := b.do("GET", "/v1/projects/"+key+"/settings", "", "Origin: "+shopURL); res.StatusCode != 404 || strings.Contains(res.body, key) {
			t.Errorf("%s: %s", key, res.Status)
		}
	}
	if res := b.do("GET", "/v1/projects/"+browser+"/settings", "", "Origin: https://evil.example"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page of nobody may read the settings")
	}
	if res := b.do("POST", "/v1/projects/"+browser+"/settings", ""); res.StatusCode != 405 || res.Header.Get("Allow") == "" {
		t.Errorf("post: %s", res.Status)
	}
}

func TestWithoutAPublicAddressTheSettingsSayWhereTheRequestCameTo(t *testing.T) {
	b := open(t)
	res := b.do("GET", "/v1/projects/"+browser+"/settings", "")
	if want := `"apiHost":"` + strings.TrimPrefix(b.url, "http://") + `/v1","protocol":"http"`; !strings.Contains(res.body, want) {
		t.Errorf("%s, want %s", res.body, want)
	}
}
