package door_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/door"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/source"
)

// A taken is what the intake was given.
type taken struct {
	From    intake.Source
	Call    segment.Call
	Body    string
	GPC     []string
	Address string
}

// An intakeFake remembers what it is given.
type intakeFake struct {
	mu   sync.Mutex
	all  []taken
	err  error
	said intake.Taken
	wait time.Duration
}

func (f *intakeFake) Take(ctx context.Context, s intake.Source, c segment.Call, body []byte, a intake.Arrival) (intake.Taken, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wait > 0 {
		time.Sleep(f.wait)
	}
	if err := ctx.Err(); err != nil {
		return intake.Taken{}, err
	}
	f.all = append(f.all, taken{s, c, string(body), a.GPC, a.Address.String()})
	return f.said, f.err
}

// last is what was given since it was asked before.
func (f *intakeFake) since() []taken {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all
	f.all = nil
	return all
}

// keys are the sources of a test by their keys.
type keys struct {
	by  map[string]*source.Source
	err error
}

func (k keys) Open(_ context.Context, key string) (*source.Source, error) {
	if k.err != nil {
		return nil, k.err
	}
	if s := k.by[key]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("no such key: %w", thimble.ErrDenied)
}

func (k keys) Origin(_ context.Context, origin string) (bool, error) {
	for _, s := range k.by {
		if s.Allows(origin) {
			return true, k.err
		}
	}
	return false, k.err
}

const (
	till    = "wks_till"
	browser = "wkp_shop"
	other   = "wkp_other"
	app     = "wkp_app"
	shopURL = "https://shop.example"
)

var sources = map[string]*source.Source{
	till:    {Source: intake.Source{Number: 1, Name: "till", Kind: intake.Server}},
	browser: {Source: intake.Source{Number: 2, Name: "shop", Kind: intake.Browser}, Origins: []string{shopURL}},
	other:   {Source: intake.Source{Number: 3, Name: "other", Kind: intake.Browser}, Origins: []string{"https://other.example"}},
	app:     {Source: intake.Source{Number: 4, Name: "app", Kind: intake.App}},
}

// A bench is a door over HTTP.
type bench struct {
	t      *testing.T
	url    string
	server *httptest.Server
	intake *intakeFake
	log    *bytes.Buffer
	door   *door.Door
}

func open(t *testing.T, change ...func(*door.Config)) *bench {
	t.Helper()
	b := &bench{t: t, intake: &intakeFake{}, log: &bytes.Buffer{}}
	cfg := door.Config{Sources: keys{by: sources}, Intake: b.intake, Categories: []string{"Analytics", "Personalization"}, Log: slog.New(slog.NewTextHandler(&locked{w: b.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range change {
		f(&cfg)
	}
	b.door = door.New(cfg)
	b.server = httptest.NewServer(b.door)
	b.url = b.server.URL
	t.Cleanup(b.server.Close)
	return b
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func basic(key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))
}

// An answer is what came back.
type answer struct {
	*http.Response
	body string
}

// do sends a request; headers are "Name: value".
func (b *bench) do(method, path, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := b.server.Client().Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(got)}
}

const (
	event = `{"userId":"u1","event":"Product Viewed","messageId":"m1"}`
	ok    = `{"success": true}`
)

func auth(key string) string { return "Authorization: " + basic(key) }

func TestEveryPathOfTheSDKsIsTaken(t *testing.T) {
	b := open(t)
	for path, want := range map[string]segment.Call{
		"track": segment.Track, "identify": segment.Identify, "page": segment.Page, "screen": segment.Screen, "group": segment.Group, "alias": segment.Alias,
		"batch": segment.Batch, "import": segment.Batch, "t": segment.Track, "i": segment.Identify, "p": segment.Page, "s": segment.Screen, "g": segment.Group, "a": segment.Alias, "b": segment.Batch,
	} {
		for _, slash := range []string{"", "/"} {
			res := b.do("POST", "/v1/"+path+slash, event, auth(till))
			if res.StatusCode != 200 || res.body != ok || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s%s: %s %s", path, slash, res.Status, res.body)
			}
			if got := b.intake.since(); len(got) != 1 || got[0].Call != want || got[0].Body != event || got[0].From.Number != 1 {
				t.Errorf("%s%s: got %+v, want one %s", path, slash, got, want)
			}
		}
	}
	if res := b.do("POST", "/v1/m", `{"series":[{"metric":"x"}]}`); res.StatusCode != 200 || res.body != ok || len(b.intake.since()) != 0 {
		t.Errorf("the SDK's own figures: %s, %s", res.Status, res.body)
	}
	for _, path := range []string{"/v1/x", "/v1/tracks", "/v1/projects//settings", "/v1/projects/a/b/settings", "/v1/projects/a", "/v1/track/x"} {
		if door.Serves(path) != "" {
			t.Errorf("%s is the door's", path)
		}
	}
	if got := door.Serves("/v1/projects/wkp_secret/settings"); strings.Contains(got, "secret") {
		t.Errorf("a pattern names the key: %s", got)
	}
}

func TestTheKeyIsFoundInTheOrderOfSegment(t *testing.T) {
	b := open(t)
	inBody := `{"writeKey":"` + app + `","anonymousId":"a","event":"x"}`
	for name, c := range map[string]struct {
		headers []string
		body    string
		status  int
		from    uint32
	}{
		"basic":                        {[]string{auth(till)}, event, 200, 1},
		"basic without a colon":        {[]string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(till))}, event, 200, 1},
		"the header before the body":   {[]string{auth(till)}, inBody, 200, 1},
		"the body":                     {nil, inBody, 200, 4},
		"bearer and the body":          {[]string{"Authorization: Bearer oauth"}, inBody, 200, 4},
		"broken basic and the body":    {[]string{"Authorization: Basic %%%"}, inBody, 200, 4},
		"an unknown key in the header": {[]string{auth("wks_never")}, inBody, 401, 0},
		"an unknown key in the body":   {nil, `{"writeKey":"wks_never"}`, 401, 0},
		"no key":                       {nil, event, 401, 0},
		"bearer alone":                 {[]string{"Authorization: Bearer " + till}, event, 401, 0},
		"an empty user":                {[]string{"Authorization: Basic Og=="}, event, 401, 0},
		"no key, and no JSON":          {nil, `hello`, 400, 0},
		"a key deeper in the body":     {nil, `{"context":{"writeKey":"` + till + `"}}`, 401, 0},
		"a cookie is no key":           {[]string{"Cookie: writeKey=" + till}, event, 401, 0},
		"a key in the query is no key": {nil, event, 401, 0},
	} {
		path := "/v1/track"
		if strings.Contains(name, "query") {
			path += "?writeKey=" + till
		}
		res := b.do("POST", path, c.body, c.headers...)
		got := b.intake.since()
		if res.StatusCode != c.status || (c.status == 200) != (len(got) == 1) || len(got) == 1 && got[0].From.Number != c.from {
			t.Errorf("%s: %s %s, %+v, want %d from source %d", name, res.Status, res.body, got, c.status, c.from)
		}
		if strings.Contains(res.body, "wk") || res.StatusCode == 401 && (res.Header.Get("WWW-Authenticate") == "" || strings.Contains(res.Header.Get("WWW-Authenticate"), "Basic")) {
			t.Errorf("%s: the refusal shows a key, or has a browser ask for a password: %s %v", name, res.body, res.Header)
		}
	}
	if strings.Contains(b.log.String(), "wk") {
		t.Errorf("a key is in the log: %s", b.log)
	}
}

func TestTheTypeOfTheContentDoesNotMatter(t *testing.T) {
	b := open(t)
	for _, kind := range []string{"application/json", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"} {
		if res := b.do("POST", "/v1/t", event, auth(till), "Content-Type: "+kind); res.StatusCode != 200 {
			t.Errorf("%s: %s", kind, res.Status)
		}
	}
}

func TestWhatWasDroppedIsAnsweredLikeWhatWasKept(t *testing.T) {
	b := open(t)
	b.intake.said = intake.Taken{Events: 1, Kept: 1}
	kept := b.do("POST", "/v1/track", event, auth(till))
	b.intake.said = intake.Taken{Events: 3, Dropped: map[intake.Drop]int{intake.Denied: 2, intake.Gone: 1}}
	dropped := b.do("POST", "/v1/track", event, auth(till))
	kept.Header.Del("Date")
	dropped.Header.Del("Date")
	if diff := cmp.Diff(kept.Header, dropped.Header); diff != "" || kept.body != dropped.body || kept.StatusCode != dropped.StatusCode {
		t.Errorf("the network learns what was dropped: %s\n%s %s", diff, kept.body, dropped.body)
	}
	asked := b.do("POST", "/v1/track", event, auth(till), "Thimble-Debug: 1")
	if got := asked.Header.Get("Thimble-Taken"); got != "events=3, kept=0, denied=2, gone=1" || asked.body != ok {
		t.Errorf("a server that asks is told %q, %s", got, asked.body)
	}
	page := b.do("POST", "/v1/track", event, auth(browser), "Thimble-Debug: 1", "Origin: "+shopURL)
	if page.Header.Get("Thimble-Taken") != "" {
		t.Error("a page is told what was dropped")
	}
}

func TestWhatTheIntakeSaysBecomesAStatus(t *testing.T) {
	b := open(t)
	for name, c := range map[string]struct {
		err    error
		status int
		retry  bool
	}{
		"invalid":     {fmt.Errorf("segment: the body: at byte 7: JSON was expected: %w", thimble.ErrInvalid), 400, false},
		"unavailable": {fmt.Errorf("framedb: no space left: %w", thimble.ErrUnavailable), 503, true},
		"broken":      {errors.New("framedb: u1 secret"), 500, false},
	} {
		b.intake.err = c.err
		res := b.do("POST", "/v1/track", event, auth(till))
		if res.StatusCode != c.status || (res.Header.Get("Retry-After") != "") != c.retry || strings.Contains(res.body, "secret") || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %v %s", name, res.Status, res.Header, res.body)
		}
		if c.status == 400 && !strings.Contains(res.body, `"detail":"the body: at byte 7: JSON was expected"`) {
			t.Errorf("the rule is not told: %s", res.body)
		}
	}
	if strings.Contains(b.log.String(), "Product Viewed") {
		t.Errorf("the body is in the log: %s", b.log)
	}
}

func TestWhenTheDiskIsNearlyFullNothingIsRead(t *testing.T) {
	b := open(t, func(c *door.Config) { c.Room = func() error { return thimble.ErrUnavailable } })
	res := b.do("POST", "/v1/batch", strings.Repeat("x", 400_000), auth(till))
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !res.Close {
		t.Errorf("%s, Retry-After %q, close %t", res.Status, res.Header.Get("Retry-After"), res.Close)
	}
	if got := b.intake.since(); len(got) != 0 {
		t.Error("it was taken")
	}
}

func TestASilentDatabaseOfKeysIsAnsweredLater(t *testing.T) {
	b := open(t, func(c *door.Config) { c.Sources = keys{err: thimble.ErrUnavailable} })
	for _, headers := range [][]string{{auth(till)}, {"Origin: " + shopURL}, nil} {
		if res := b.do("POST", "/v1/t", `{"writeKey":"x"}`, headers...); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
			t.Errorf("%v: %s", headers, res.Status)
		}
	}
}

func TestASourceThatSendsTooMuchIsToldWhenToComeAgain(t *testing.T) {
	b := open(t, func(c *door.Config) { c.Rate = 2 })
	got := map[int]int{}
	for range 6 {
		res := b.do("POST", "/v1/track", event, auth(till))
		got[res.StatusCode]++
		if res.StatusCode == 429 && res.Header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
		}
	}
	if got[200] < 3 || got[429] == 0 || got[200]+got[429] != 6 {
		t.Errorf("got %v, want 200 for three at once and 429 beyond", got)
	}
	if res := b.do("POST", "/v1/track", event, auth(app)); res.StatusCode != 200 {
		t.Errorf("another source: %s", res.Status)
	}
}

func TestOneNetworkCannotUseUpAPublicKey(t *testing.T) {
	b := open(t, func(c *door.Config) { c.Rate = 100 })
	refused := 0
	for range 30 {
		if res := b.do("POST", "/v1/track", event, auth(app)); res.StatusCode == 429 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("30 requests of one network were taken, where it may send 15 at once")
	}
	r := httptest.NewRequest("POST", "/v1/track", strings.NewReader(event))
	r.Header.Set("Authorization", basic(app))
	r.RemoteAddr = "198.51.100.7:1"
	w := httptest.NewRecorder()
	b.door.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("another network: %d", w.Code)
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	b := open(t)
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "HEAD"} {
		if res := b.do(method, "/v1/track", "", auth(till)); res.StatusCode != 405 || res.Header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("%s: %s, %q", method, res.Status, res.Header.Get("Allow"))
		}
	}
}

func TestTheSignalAndTheAddressGoToTheIntake(t *testing.T) {
	b := open(t)
	b.do("POST", "/v1/t", event, auth(browser), "Sec-GPC: 1", "Sec-GPC: 0", "Origin: "+shopURL)
	if got := b.intake.since(); len(got) != 1 || !cmp.Equal(got[0].GPC, []string{"1", "0"}) || got[0].Address != "127.0.0.1" {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsTakenIsTakenAlsoWhenTheSenderHasGone(t *testing.T) {
	b := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/v1/t", strings.NewReader(event))
	r.Header.Set("Authorization", basic(till))
	w := httptest.NewRecorder()
	b.door.ServeHTTP(w, r)
	if got := b.intake.since(); w.Code != 200 || len(got) != 1 {
		t.Errorf("%d, %d taken", w.Code, len(got))
	}
}

func TestNoRequestSeesTheBodyOfAnother(t *testing.T) {
	b := open(t)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 60 {
				body := fmt.Sprintf(`{"n":%d,"i":%d,"fill":"%s"}`, n, i, strings.Repeat(string(rune('a'+n)), 1<<(i%18)))
				headers := []string{auth(till)}
				sent := body
				if i%3 == 0 {
					sent = packed(t, "gzip", body)
					headers = append(headers, "Content-Encoding: gzip")
				}
				if res := b.do("POST", "/v1/track", sent, headers...); res.StatusCode != 200 {
					t.Errorf("%s %s", res.Status, res.body)
				}
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, one := range b.intake.since() {
		var v struct {
			N, I int
			Fill string
		}
		if err := json.Unmarshal([]byte(one.Body), &v); err != nil || v.Fill != strings.Repeat(string(rune('a'+v.N)), 1<<(v.I%18)) {
			t.Fatalf("a body was mixed with another: %.80s, %v", one.Body, err)
		}
		seen[fmt.Sprint(v.N, v.I)] = true
	}
	if len(seen) != 8*60 {
		t.Errorf("%d bodies arrived, want %d", len(seen), 8*60)
	}
}
