package consentweb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/web"
)

const (
	shopOrigin = "https://shop.example"
	browserKey = "web_1"
	browserID  = "4b1d7c1e-9d0a-4c57-8f5e-0d2b6d4c9a11"
)

// browsers is the door for browsers over a small installation.
type browsers struct {
	answered map[thimble.Purpose]bool // by the owner of the account that every browser leads to
	*testing.T
	k     *apitest.Kernel
	of    map[string]thimble.SubjectID
	made  int
	spent bool // every unknown id was somebody's who was forgotten, or several people's
	h     http.Handler
}

func openBrowsers(t *testing.T, burst int) *browsers {
	t.Helper()
	k, _ := operated(t)
	b := &browsers{T: t, k: k, of: map[string]thimble.SubjectID{}}
	b.h = consentweb.ServeBrowser(consentweb.BrowserDeps{
		Store: k.Consents, Receipts: k.Ledger, Limit: web.NewLimiter(time.Hour, burst, nil), Said: web.NewLimiter(time.Second, 1000, nil),
		Answered: func(_ context.Context, who thimble.SubjectID, p thimble.Purpose) (bool, error) {
			return b.answered[p], nil
		},
		Source: func(_ context.Context, key, origin string) error {
			if key != browserKey || origin != shopOrigin {
				return fmt.Errorf("no such key: %w", thimble.ErrDenied)
			}
			return nil
		},
		Find: func(_ context.Context, id string) (thimble.SubjectID, error) { return b.of[id], nil },
		Make: func(_ context.Context, id string) (thimble.SubjectID, error) {
			if b.spent {
				return thimble.SubjectID{}, nil
			}
			b.made++
			b.of[id] = k.Person(id)
			return b.of[id], nil
		},
	})
	return b
}

func (b *browsers) post(body string, header ...string) (int, string) {
	b.Helper()
	r := httptest.NewRequest(http.MethodPost, consentweb.BrowserPath, strings.NewReader(body))
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	r.Header.Set("Origin", shopOrigin)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
		b.Errorf("the answer is for %q, want every page that knows the id", got)
	}
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		b.Fatal(err)
	}
	return w.Code, string(text)
}

// says is a body in a language with the choices for the two purposes.
func says(lang, first, second string) string {
	n, _, _, _ := consent.In(lang)
	return fmt.Sprintf(`{"writeKey":%q,"anonymousId":%q,"choices":[{"purpose":"personalize.content.profiled","state":%q},{"purpose":"train_ai_system","state":%q}],`+
		`"notice":%q,"lang":%q,"ui":{"component":"sdk@1","choice_path":["banner","allow"]},"chosenAt":"2026-11-29T10:00:00Z","sentAt":"2026-11-29T10:00:01Z"}`, browserKey, browserID, first, second, n.Ref().SHA256, lang)
}

func TestAChoiceInABrowserIsRecordedWithItsReceipt(t *testing.T) {
	for _, lang := range consent.Langs() {
		b := openBrowsers(t, 1)
		code, text := b.post(says(lang, "given", "refused"))
		if code != http.StatusOK {
			t.Fatalf("%s: %d %s", lang, code, text)
		}
		var got struct {
			Recorded []struct{ Purpose, State string }
			Receipts []string
			Expires  time.Time
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Recorded) != 2 || got.Recorded[0].State != "given" || got.Recorded[1].State != "refused" || len(got.Receipts) != 2 || !strings.HasPrefix(got.Receipts[0], "c2sp.org/tlog-proof@v1\n") || got.Expires.IsZero() {
			t.Errorf("%s: %s", lang, text)
		}
		st, err := b.k.Consents.Standing(t.Context(), b.of[browserID], thimble.PersonalizeContent)
		n, _, _, _ := consent.In(lang)
		if err != nil || !st.State.Permits() || st.Notice != n.Ref().SHA256 {
			t.Errorf("%s: standing %+v, %v", lang, st, err)
		}
		// Sent again, it is the same.
		if _, again := b.post(says(lang, "given", "refused")); !strings.Contains(again, `"seq":1`) || b.made != 1 {
			t.Errorf("%s: sent again: %s, %d people", lang, again, b.made)
		}
		if _, text := b.post(says(lang, "withdrawn", "refused")); !strings.Contains(text, "withdrawn") {
			t.Errorf("%s: %s", lang, text)
		}
	}
}

func TestANoInAnUnknownBrowserMakesNobody(t *testing.T) {
	b := openBrowsers(t, 1)
	for _, state := range []string{"refused", "withdrawn"} {
		code, text := b.post(says("en", state, state))
		if want := `{"recorded":[],"receipts":[]}` + "\n"; code != http.StatusOK || text != want {
			t.Errorf("%s: %d %q, want %q", state, code, text, want)
		}
	}
	if b.made != 0 {
		t.Errorf("%d people were made", b.made)
	}
}

func TestWhatIsNoChoiceOfABrowserIsRefused(t *testing.T) {
	good, b := says("en", "given", "given"), openBrowsers(t, 1)
	for name, c := range map[string]struct {
		body string
		code int
		says string
	}{
		"another key":     {strings.Replace(good, browserKey, "web_2", 1), 403, ""},
		"no JSON":         {"{", 422, "body"},
		"a key twice":     {strings.Replace(good, `"writeKey"`, `"lang":"de","writeKey"`, 1), 422, "body"},
		"a state twice":   {strings.Replace(good, `"state":"given"`, `"state":"refused","state":"given"`, 1), 422, "body"},
		"unknown":         {strings.Replace(good, `"lang"`, `"subject":"sub_1","lang"`, 1), 422, "body"},
		"a guessable id":  {strings.Replace(good, browserID, "1", 1), 422, "body.anonymousId"},
		"no choices":      {`{"writeKey":"web_1","anonymousId":"` + browserID + `","ui":{"component":"sdk"},"lang":"en"}`, 422, "body.choices"},
		"another purpose": {strings.Replace(good, "train_ai_system", "marketing", 1), 422, "body.choices[1]"},
		"no notice":       {strings.Replace(good, consent.Current().Ref().SHA256, "", 1), 422, "body.notice"},
		"never shown":     {strings.Replace(good, consent.Current().Ref().SHA256, strings.Repeat("0", 64), 1), 422, "body.notice"},
		"another tongue":  {strings.Replace(good, `"lang":"en"`, `"lang":"de"`, 1), 422, "body.lang"},
		"no component":    {strings.Replace(good, "sdk@1", "Robert'); --", 1), 422, "body.ui.component"},
		"too long":        {`{"writeKey":"` + strings.Repeat("x", 17<<10) + `"}`, 413, ""},
	} {
		code, text := b.post(c.body)
		if code != c.code || !strings.Contains(text, `"`+c.says) || strings.Contains(text, "Robert") || strings.Contains(text, browserID) {
			t.Errorf("%s: %d %s, want %d and %q", name, code, text, c.code, c.says)
		}
		if b.made != 0 {
			t.Errorf("%s: somebody was made", name)
		}
	}
	if code, _ := b.post(good, "Origin", "https://elsewhere.example"); code != 403 {
		t.Errorf("a page of another origin: %d, want 403", code)
	}
	if code, _ := b.post(good, "Origin", ""); code != 403 || b.made != 0 {
		t.Errorf("a caller that names no page: %d, want 403", code)
	}
}

// An id that leads to nobody any more gets an answer by which a browser can go on, and
// that does not tell why.
func TestAYesUnderASpentIdIsToldToTakeAnother(t *testing.T) {
	b := openBrowsers(t, 9)
	b.spent = true
	code, text := b.post(says("en", "given", "given"))
	if code != http.StatusConflict || !strings.Contains(text, `"urn:thimble:problem:browser-id"`) || strings.Contains(text, "forgotten") || strings.Contains(text, browserID) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := b.post(says("en", "withdrawn", "withdrawn")); code != http.StatusOK {
		t.Errorf("a no under it: %d %s", code, text)
	}
}

func TestANetworkMakesAsManyPeopleAsAHousehold(t *testing.T) {
	b := openBrowsers(t, 2)
	for i, want := range []int{200, 200, 429} {
		body := strings.Replace(says("en", "given", "given"), browserID, fmt.Sprintf("browser-000000000%d", i), 1)
		if code, text := b.post(body); code != want {
			t.Errorf("number %d: %d %s, want %d", i, code, text, want)
		}
	}
	// Whoever is there may always say no.
	body := strings.Replace(says("en", "withdrawn", "withdrawn"), browserID, "browser-0000000000", 1)
	if code, _ := b.post(body); code != http.StatusOK {
		t.Errorf("a withdrawal beyond the limit: %d", code)
	}
}

// A yes that was made offline, and arrives after a no, does not undo it; only the distance
// between the two times of a browser counts, whatever its clock says.
func TestAYesFromOfflineDoesNotUndoALaterNo(t *testing.T) {
	b := openBrowsers(t, 1)
	b.post(says("en", "given", "given"))
	b.post(says("en", "withdrawn", "withdrawn"))
	late := strings.NewReplacer(`"chosenAt":"2026-11-29T10:00:00Z"`, `"chosenAt":"2031-01-01T10:00:00Z"`, `"sentAt":"2026-11-29T10:00:01Z"`, `"sentAt":"2031-01-01T13:00:00Z"`).Replace(says("en", "given", "given"))
	if code, text := b.post(late); code < 400 {
		t.Errorf("an old yes after a no: %d %s", code, text)
	}
	if st, err := b.k.Consents.Standing(t.Context(), b.of[browserID], thimble.TrainAISystem); err != nil || st.State.Permits() {
		t.Errorf("standing %+v, %v", st, err)
	}
}

func TestABrowserMayAskBeforeItSends(t *testing.T) {
	b := openBrowsers(t, 1)
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, httptest.NewRequest(http.MethodOptions, consentweb.BrowserPath, nil))
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Headers") != "content-type" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestTheNoticeIsThereInEachLanguageForEveryPage(t *testing.T) {
	_, d := operated(t)
	covers := map[string]bool{}
	for tag, want := range map[string]string{"": "en", "de": "de", "de-AT": "de", "fr": "fr", "ja": "en"} {
		var got consentweb.CurrentNotice
		r := d.Get("", "/v1/notice?lang="+tag)
		if origin := r.Header.Get("Access-Control-Allow-Origin"); origin != "*" {
			t.Errorf("%q: for %q, want everybody", tag, origin)
		}
		d.Into(&got, r)
		n, asks, words, _ := consent.In(want)
		if got.Lang != want || got.SHA256 != n.Ref().SHA256 || got.Words != words || len(got.Asks) != len(asks) || got.LivesDays != 365 || got.RestMonths != 12 {
			t.Errorf("%q: %+v", tag, got)
		}
		covers[got.Covers] = true
		var categories []string
		for _, a := range got.Asks {
			categories = append(categories, a.Category)
		}
		if !cmp.Equal(categories, []string{"Personalization", "Training"}) {
			t.Errorf("%q: categories %q", tag, categories)
		}
	}
	if len(covers) != 1 {
		t.Errorf("a yes covers %d things, want the same in all languages", len(covers))
	}
}

var _ consentweb.BrowserStore = (*consentdb.Store)(nil)

// What the owner of an account has said is not undone by whoever sits at one of their
// browsers; what they have not been asked may be answered there, and a no counts.
func TestAYesInABrowserDoesNotUndoWhatTheAccountSaid(t *testing.T) {
	b := openBrowsers(t, 2)
	b.post(says("en", "given", "given"))
	b.answered = map[thimble.Purpose]bool{thimble.PersonalizeContent: true, thimble.TrainAISystem: true}
	if code, text := b.post(says("en", "withdrawn", "withdrawn")); code != http.StatusOK || strings.Count(text, `"withdrawn"`) != 2 {
		t.Errorf("a no: %d %s, want it recorded", code, text)
	}
	if code, text := b.post(says("en", "given", "given")); code != http.StatusOK || strings.Contains(text, `"given"`) {
		t.Errorf("a yes to what the owner ended: %d %s, want nothing recorded", code, text)
	}
	st, err := b.k.Consents.Standing(t.Context(), b.of[browserID], thimble.PersonalizeContent)
	if err != nil || st.State != consent.Withdrawn {
		t.Errorf("standing %+v, %v, want withdrawn", st, err)
	}
}

// A no only ends something: it needs neither a key in force nor the newest text.
func TestANoIsTakenUnderAnOldTextAndAnEndedKey(t *testing.T) {
	b := openBrowsers(t, 2)
	b.post(says("en", "given", "given"))
	no := says("en", "withdrawn", "withdrawn")
	n, _, _, _ := consent.In("en")
	no = strings.NewReplacer(browserKey, "wkp_ended", n.Ref().SHA256, strings.Repeat("0", 64)).Replace(no)
	if code, text := b.post(no, "Origin", "https://elsewhere.example"); code != http.StatusOK || strings.Count(text, `"withdrawn"`) != 2 {
		t.Errorf("%d %s, want it recorded", code, text)
	}
}

func TestOneNetworkMakesAsManyPeopleAsOneAddress(t *testing.T) {
	b := openBrowsers(t, 1)
	for i := range 3 {
		r := httptest.NewRequest(http.MethodPost, consentweb.BrowserPath, strings.NewReader(strings.Replace(says("en", "given", "given"), browserID, fmt.Sprintf("%s-%d", browserID, i), 1)))
		r.Header.Set("Origin", shopOrigin)
		r.RemoteAddr = fmt.Sprintf("[2001:db8::%d]:9", i+1)
		w := httptest.NewRecorder()
		b.h.ServeHTTP(w, r)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i == 0]; w.Code != want {
			t.Errorf("address %d of one network: %d, want %d", i, w.Code, want)
		}
	}
}
