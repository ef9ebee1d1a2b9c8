package staffweb_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"thimble"
	"thimble/internal/console"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/staff"
	"thimble/internal/staff/rules"
	"thimble/internal/staff/staffdb"
	"thimble/internal/staff/staffweb"
	"thimble/internal/vault/vaulttest"
	"thimble/internal/web"
)

// An office is the console with nothing in it but accounts.
type office struct {
	*testing.T
	staff    *staffdb.Store
	sessions *sessiondb.Store
	handler  http.Handler
	url      string
	at       time.Time
	log      bytes.Buffer
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func open(t *testing.T, demo bool) *office {
	t.Helper()
	o := &office{T: t, at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return o.at }
	db := sqldbtest.SQLite(t, sqldb.Core)
	signer, err := ledger.NewSigner("thimble.local/log/office", make([]byte, 32))
	o.must(err)
	o.sessions = sessiondb.New(db, nil, now)
	o.staff, err = staffdb.New(db, ledgerdb.New(db, signer, ledgerdb.Config{Now: now}), vaulttest.SQLite(t), o.sessions, staffdb.Config{Cost: staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, Now: now})
	o.must(err)
	kit, err := web.New(web.Config{Now: now})
	o.must(err)
	deps := staffweb.Deps{Accounts: o.staff, Door: sessionweb.New(o.sessions, session.Staff, false, nil), Links: o.sessions, Sessions: o.sessions, Demo: demo, Now: now, Log: slog.New(slog.NewTextHandler(&o.log, nil))}
	entrance, err := staffweb.Entrance(kit, deps)
	o.must(err)
	account, err := staffweb.Account(kit, deps)
	o.must(err)
	overview, err := console.Overview{}.Section(kit)
	o.must(err)
	set, err := rules.Shipped()
	o.must(err)
	o.handler, err = console.New(console.Config{Kit: kit, Log: slog.New(slog.DiscardHandler), Sessions: deps.Door, Sections: []web.Section{overview, account}, Entrance: entrance,
		Account: o.staff.Account, Rules: set, Proofs: staffweb.Proofs(), Now: now})
	o.must(err)
	server := httptest.NewServer(o.handler)
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// A visitor is one browser.
type visitor struct {
	o *office
	*http.Client
}

func (o *office) visitor() visitor {
	jar, err := cookiejar.New(nil)
	o.must(err)
	return visitor{o, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v visitor) do(method, path string, form url.Values) (status int, to, body string) {
	v.o.Helper()
	r, err := http.NewRequestWithContext(v.o.Context(), method, v.o.url+path, strings.NewReader(form.Encode()))
	v.o.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := v.Do(r)
	v.o.must(err)
	b, err := io.ReadAll(answer.Body)
	v.o.must(err)
	v.o.must(answer.Body.Close())
	return answer.StatusCode, answer.Header.Get("Location"), string(b)
}

func (o *office) link(name string) string {
	o.Helper()
	token, err := o.sessions.Link(o.Context(), session.Who{Audience: session.Staff, Staff: name})
	o.must(err)
	return "/console/link/" + token
}

var secretField = regexp.MustCompile(`name="secret" value="([A-Z2-7]+)"`)

const password = "ein Fingerhut voll Mut"

func (o *office) code(secret string) string {
	o.Helper()
	c, err := totp.GenerateCode(secret, o.at)
	o.must(err)
	return c
}

// employs makes an account and sets it up by its link, in the browser.
func (o *office) employs(v visitor, name string) (secret string) {
	o.Helper()
	_, err := o.staff.Add(o.Context(), name, []staff.Role{staff.Support}, staff.CommandLine)
	o.must(err)
	link := o.link(name)
	_, _, page := v.do("GET", link, nil)
	found := secretField.FindStringSubmatch(page)
	if found == nil {
		o.Fatal("the page of the link shows no secret")
	}
	secret = found[1]
	status, _, page := v.do("POST", link, url.Values{"password": {password}, "again": {password}, "secret": {secret}, "code": {o.code(secret)}})
	if status != http.StatusOK || strings.Count(page, "-") < 20 || !strings.Contains(page, "Keep these recovery codes") {
		o.Fatalf("setting up = %d", status)
	}
	return secret
}

func TestAFirstLinkSetsUpAnAccountAndIsDeadAfterThat(t *testing.T) {
	o := open(t, false)
	v := o.visitor()
	_, err := o.staff.Add(t.Context(), "mara", []staff.Role{staff.Support}, staff.CommandLine)
	o.must(err)
	link := o.link("mara")
	for range 2 { // looking does not use it up
		if status, _, page := v.do("GET", link, nil); status != http.StatusOK || !strings.Contains(page, "Welcome, mara") || !strings.Contains(page, `<svg class="qr"`) {
			t.Fatalf("looking at the link = %d", status)
		}
	}
	_, _, page := v.do("GET", link, nil)
	secret := secretField.FindStringSubmatch(page)[1]
	good := url.Values{"password": {password}, "again": {password}, "secret": {secret}, "code": {o.code(secret)}}
	for says, change := range map[string]url.Values{
		"not the same":        {"again": {"another"}},
		"at least 12":         {"password": {"short"}, "again": {"short"}},
		"everybody takes":     {"password": {"password123456"}, "again": {"password123456"}},
		"look at the clock":   {"code": {"000000"}},
		"Fill in all fields.": {"secret": {"AAAA"}, "code": {""}},
	} {
		form := url.Values{}
		for k, values := range good {
			form[k] = values
		}
		for k, values := range change {
			form[k] = values
		}
		status, _, page := v.do("POST", link, form)
		if status != http.StatusUnprocessableEntity || says != "Fill in all fields." && !strings.Contains(page, says) {
			t.Errorf("%s: %d", says, status)
		}
		if strings.Contains(page, password) {
			t.Error("the password is on the page")
		}
	}
	if status, _, _ := v.do("POST", link, good); status != http.StatusOK {
		t.Fatalf("setting up = %d", status)
	}
	if status, _, _ := v.do("GET", "/console", nil); status != http.StatusOK {
		t.Errorf("after setting up: %d", status)
	}
	fresh := o.link("mara") // made by somebody who does not know that there is a password
	for _, dead := range []string{link, fresh, "/console/link/never-was"} {
		for _, method := range []string{"GET", "POST"} {
			if status, _, page := o.visitor().do(method, dead, good); status != http.StatusForbidden || !strings.Contains(page, "does not work any more") {
				t.Errorf("%s of a dead link = %d", method, status)
			}
		}
	}
}

func TestSigningInTakesNamePasswordAndCode(t *testing.T) {
	o := open(t, false)
	secret := o.employs(o.visitor(), "mara")
	o.at = o.at.Add(time.Minute)
	v := o.visitor()
	var pages []string
	for name, form := range map[string]url.Values{
		"password": {"name": {"mara"}, "password": {"wrong"}, "code": {o.code(secret)}},
		"name":     {"name": {"ivo"}, "password": {password}, "code": {o.code(secret)}},
		"code":     {"name": {"mara"}, "password": {password}, "code": {"000000"}},
	} {
		status, _, page := v.do("POST", "/console/sign-in", form)
		if status != http.StatusForbidden {
			t.Errorf("a wrong %s = %d", name, status)
		}
		pages = append(pages, strings.ReplaceAll(page, `value="ivo"`, `value="mara"`))
	}
	if pages[0] != pages[1] || pages[1] != pages[2] {
		t.Error("the answers differ")
	}
	status, to, _ := v.do("POST", "/console/sign-in", url.Values{"name": {"mara"}, "password": {password}, "code": {o.code(secret)}, "next": {"/console/account"}})
	if status != http.StatusSeeOther || to != "/console/account" {
		t.Fatalf("the right ones = %d to %q", status, to)
	}
	if status, _, page := v.do("GET", "/console/account", nil); status != http.StatusOK || !strings.Contains(page, "this browser") {
		t.Errorf("my account = %d", status)
	}
	if status, _, _ := o.visitor().do("POST", "/console/sign-in", url.Values{"name": {"mara"}, "password": {password}, "code": {o.code(secret)}}); status != http.StatusForbidden {
		t.Errorf("the same code in another browser = %d", status)
	}
}

// A cookie that was stolen long after the sign-in changes nothing.
func TestAStolenCookieChangesNoPassword(t *testing.T) {
	o := open(t, false)
	v := o.visitor()
	secret := o.employs(v, "mara")
	o.at = o.at.Add(session.FreshFor)
	change := url.Values{"password": {"ein ganz anderer Fingerhut"}, "again": {"ein ganz anderer Fingerhut"}}
	for _, path := range []string{"/console/account/password", "/console/account/factor", "/console/account/devices"} {
		if status, to, _ := v.do("POST", path, change); status != http.StatusSeeOther || !strings.HasPrefix(to, "/console/confirm?next=") {
			t.Errorf("POST %s = %d to %q, want to be asked who it is", path, status, to)
		}
	}
	if status, _, _ := v.do("POST", "/console/confirm", url.Values{"password": {"guess"}, "code": {"123456"}}); status != http.StatusForbidden {
		t.Errorf("a guess = %d", status)
	}
	if status, to, _ := v.do("POST", "/console/confirm", url.Values{"password": {password}, "code": {o.code(secret)}, "next": {"/console/account"}}); status != http.StatusSeeOther || to != "/console/account" {
		t.Fatalf("the owner = %d to %q", status, to)
	}
	other := o.visitor()
	o.at = o.at.Add(time.Minute)
	if status, _, _ := other.do("POST", "/console/sign-in", url.Values{"name": {"mara"}, "password": {password}, "code": {o.code(secret)}}); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	if status, to, _ := v.do("POST", "/console/account/password", change); status != http.StatusSeeOther || to != "/console/account?done=password-set" {
		t.Fatalf("the owner's new password = %d to %q", status, to)
	}
	if status, _, _ := v.do("GET", "/console", nil); status != http.StatusOK {
		t.Errorf("the browser of the change = %d", status)
	}
	if status, _, _ := other.do("GET", "/console", nil); status != http.StatusSeeOther {
		t.Errorf("the other browser = %d, want to be signed out", status)
	}
}

func TestInTheDemoALinkSignsInUntilAPasswordIsSet(t *testing.T) {
	o := open(t, true)
	_, err := o.staff.Add(t.Context(), "owner", staff.Roles(), staff.CommandLine)
	o.must(err)
	v := o.visitor()
	if status, to, _ := v.do("POST", o.link("owner"), nil); status != http.StatusSeeOther || to != "/console" {
		t.Fatalf("the link = %d to %q", status, to)
	}
	_, _, page := v.do("GET", "/console/account", nil)
	found := secretField.FindStringSubmatch(page)
	if found == nil || !strings.Contains(page, "You have no password yet") {
		t.Fatal("the page offers no password")
	}
	form := url.Values{"password": {password}, "again": {password}, "secret": {found[1]}, "code": {o.code(found[1])}}
	if status, _, page := v.do("POST", "/console/account/set-up", form); status != http.StatusOK || !strings.Contains(page, "recovery codes") {
		t.Fatalf("setting a password = %d", status)
	}
	if status, _, _ := o.visitor().do("POST", o.link("owner"), nil); status != http.StatusForbidden {
		t.Errorf("a link after that = %d", status)
	}
}

// Who took a cookie of a demo's owner long after the link sets no password of theirs.
func TestAFirstPasswordNeedsAFreshProofToo(t *testing.T) {
	o := open(t, true)
	_, err := o.staff.Add(t.Context(), "owner", staff.Roles(), staff.CommandLine)
	o.must(err)
	v := o.visitor()
	v.do("POST", o.link("owner"), nil)
	_, _, page := v.do("GET", "/console/account", nil)
	secret := secretField.FindStringSubmatch(page)[1]
	o.at = o.at.Add(session.FreshFor)
	form := url.Values{"password": {password}, "again": {password}, "secret": {secret}, "code": {o.code(secret)}}
	if status, to, _ := v.do("POST", "/console/account/set-up", form); status != http.StatusSeeOther || !strings.HasPrefix(to, "/console/confirm?next=") {
		t.Errorf("setting a password = %d to %q, want to be asked who it is", status, to)
	}
}

// Whoever has a session that was stolen, in a browser of their own, guesses no faster where
// a proof is asked for than at the entrance.
func TestAStolenSessionGuessesAsSlowlyAsAStranger(t *testing.T) {
	o := open(t, false)
	o.employs(o.visitor(), "mara")
	looked := 0
	for range 24 {
		// The session lasts eight hours; who took it may have taken the next one too.
		cookie, err := o.sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: "mara"}, session.UnknownDevice)
		o.must(err)
		for i := range 80 {
			if i%20 == 0 && i > 0 {
				o.at = o.at.Add(15 * time.Minute)
			}
			r := httptest.NewRequest(http.MethodPost, "/console/confirm", strings.NewReader(url.Values{"password": {password}, "code": {"000000"}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = fmt.Sprintf("203.0.%d.7:443", i)
			r.AddCookie(&http.Cookie{Name: "thimble_staff", Value: cookie})
			w := httptest.NewRecorder()
			o.handler.ServeHTTP(w, r)
			if w.Code == http.StatusForbidden {
				looked++
			}
		}
		o.at = o.at.Add(15 * time.Minute)
	}
	if logged := strings.Count(o.log.String(), "a proof was refused"); logged != looked {
		t.Errorf("%d guesses are in the log, want all of %d", logged, looked)
	}
	if strings.Contains(o.log.String(), "mara") || strings.Contains(o.log.String(), password) {
		t.Error("the log says who it was, or the password")
	}
	if most := 10 + 10*24; looked > most {
		t.Errorf("%d guesses were looked at within a day, at most %d were expected", looked, most)
	}
}

// Guesses spread over accounts and networks are held to so few that only chance lets one in,
// and lock nobody out who comes from a browser of theirs. The guesser knows every password.
// Three codes of a million count at a time, and the secrets are drawn anew in each run: once
// in some hundred runs a guess is right, and then it comes in.
func TestSpreadGuessesAreHeldToFewAndLockNobodyOut(t *testing.T) {
	const seed = 20261129
	hours, accounts := 24, 3
	if os.Getenv("THIMBLE_SOAK") != "" {
		hours, accounts = 24*30, 20
	}
	o := open(t, false)
	owner, secrets := o.visitor(), map[string]string{}
	for i := range accounts {
		name := fmt.Sprintf("mara-%d", i)
		v := owner
		if i > 0 {
			v = o.visitor()
		}
		secrets[name] = o.employs(v, name)
	}
	// The owner of the first account has come in by password once, so that this browser is known.
	o.at = o.at.Add(time.Minute)
	if status, _, _ := owner.do("POST", "/console/sign-in", url.Values{"name": {"mara-0"}, "password": {password}, "code": {o.code(secrets["mara-0"])}}); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	tries, looked, byChance := 0, 0, 0
	for range hours {
		for range 40 * accounts { // as fast as a crowd of networks likes
			name, code := fmt.Sprintf("mara-%d", rng.IntN(accounts)), fmt.Sprintf("%06d", rng.IntN(1_000_000))
			form := url.Values{"name": {name}, "password": {password}, "code": {code}}
			r := httptest.NewRequest(http.MethodPost, "/console/sign-in", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = fmt.Sprintf("203.%d.%d.7:443", rng.IntN(256), rng.IntN(256))
			w := httptest.NewRecorder()
			o.handler.ServeHTTP(w, r)
			tries++
			switch w.Code {
			case http.StatusForbidden:
				looked++
			case http.StatusSeeOther:
				looked++
				byChance++
				if _, right := staff.CodeStep(thimble.Hide(secrets[name]), code, o.at); !right {
					t.Errorf("%s was taken by a code that is none of theirs", name)
				}
			}
		}
		o.at = o.at.Add(time.Hour)
	}
	// Ten at once and ten an hour, for each account.
	if most := accounts * (10 + 10*hours); looked > most {
		t.Errorf("%d guesses were looked at, at most %d were expected", looked, most)
	}
	t.Logf("seed %d: of %d guesses %d were looked at, %d of them right by chance", seed, tries, looked, byChance)
	if status, _, _ := owner.do("POST", "/console/sign-in", url.Values{"name": {"mara-0"}, "password": {password}, "code": {o.code(secrets["mara-0"])}}); status != http.StatusSeeOther {
		t.Errorf("the owner from her own browser = %d, want that she comes in", status)
	}
}
