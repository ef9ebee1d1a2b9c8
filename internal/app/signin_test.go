package app_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"thimble/internal/session"
	"thimble/internal/thimbletest"
)

// A portal is a shop's privacy centre with a clock, and the shop that signs for it.
type portal struct {
	*testing.T
	*thimbletest.Shop
	handler http.Handler
	key     ed25519.PrivateKey
	now     time.Time
	tokens  int
}

func openPortal(t *testing.T) *portal {
	t.Helper()
	p := &portal{T: t, now: time.Now().UTC()}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.key = private
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "2026"}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shop.jwks")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Shop = thimbletest.OpenAt(t, map[string]string{"data": filepath.Join(t.TempDir(), "data"), "shop-keys": file, "shop-issuer": "https://shop.example"}, func() time.Time { return p.now })
	if p.handler, err = p.Handler(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// token is what the shop signs for one of its customers.
func (p *portal) token(account string) string {
	p.Helper()
	p.tokens++
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: p.key, KeyID: "2026"}}, nil)
	if err != nil {
		p.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: "https://shop.example", Audience: jwt.Audience{session.ShopAudience}, Subject: account, ID: time.Duration(p.tokens).String(),
		IssuedAt: jwt.NewNumericDate(p.now), Expiry: jwt.NewNumericDate(p.now.Add(session.ShopTokenLives)),
	}).Serialize()
	if err != nil {
		p.Fatal(err)
	}
	return token
}

// A browser keeps the session's cookie.
type browser struct {
	p      *portal
	cookie *http.Cookie
}

func (b *browser) do(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.p.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == "thimble_customer" {
			b.cookie = c
		}
	}
	return w
}

// comes signs the customer of an account in by the shop's session, and returns where that
// leads.
func (b *browser) comes(account, next string) string {
	b.p.Helper()
	w := b.do("POST", "/privacy/enter", url.Values{"token": {b.p.token(account)}, "next": {next}}, "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site")
	to := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/privacy/link/") || b.cookie != nil && b.cookie.Value == "" {
		b.p.Fatalf("the shop's token = %d to %q: %s", w.Code, to, w.Body)
	}
	path, query, _ := strings.Cut(to, "?")
	form, _ := url.ParseQuery(query)
	return b.do("POST", path, form).Header().Get("Location")
}

func TestWhoIsSignedInAtTheShopComesInByItsToken(t *testing.T) {
	p := openPortal(t)
	p.Subject("17850")
	ada := &browser{p: p}
	if to := ada.comes("17850", ""); to != "/privacy?done=signed-in" {
		t.Fatalf("led to %q", to)
	}
	if w := ada.do("GET", "/privacy", nil); w.Code != http.StatusOK {
		t.Errorf("the privacy centre = %d", w.Code)
	}
	if w := ada.do("GET", "/privacy/devices", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "this browser") {
		t.Errorf("her devices = %d", w.Code)
	}
}

func TestAShopsTokenIsBelievedOnceAndForgedOnesAreToldAlike(t *testing.T) {
	p := openPortal(t)
	p.Subject("17850")
	stranger := openPortal(t)
	once := p.token("17850")
	(&browser{p: p}).do("POST", "/privacy/enter", url.Values{"token": {once}})
	expired := p.token("17850")
	p.now = p.now.Add(session.ShopTokenLives + session.ShopSkew + time.Second)
	stranger.now = p.now
	var bodies []string
	for name, token := range map[string]string{"replayed": once, "expired": expired, "another shop's": stranger.token("17850"), "nobody's": p.token("99999"), "no token": "x", "empty": ""} {
		w := (&browser{p: p}).do("POST", "/privacy/enter", url.Values{"token": {token}})
		if w.Code != http.StatusForbidden || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s = %d", name, w.Code)
		}
		bodies = append(bodies, w.Body.String())
	}
	for _, b := range bodies[1:] {
		if b != bodies[0] {
			t.Error("the answers differ")
		}
	}
}

// A cookie that was stolen an hour after its owner came in neither takes everything along nor
// has them forgotten.
func TestAStolenCookieNeitherDownloadsNorForgets(t *testing.T) {
	p := openPortal(t)
	who := p.Subject("17850")
	ada := &browser{p: p}
	ada.comes("17850", "")
	forget := url.Values{"word": {"FORGET"}, "forget-word": {"FORGET"}}
	if w := ada.do("GET", "/privacy/data.json", nil); w.Code != http.StatusOK {
		t.Errorf("at once = %d", w.Code)
	}
	p.Works()
	p.now = p.now.Add(time.Hour)
	thief := &browser{p: p, cookie: ada.cookie}
	for _, try := range [][2]string{{"GET", "/privacy/data.json"}, {"POST", "/privacy/forget"}, {"POST", "/privacy/devices"}} {
		w := thief.do(try[0], try[1], forget)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/privacy/confirm?next=") {
			t.Errorf("%s %s = %d to %q, want to be asked who it is", try[0], try[1], w.Code, to)
		}
	}
	if _, err := p.Subjects.Epoch(t.Context(), who); err != nil {
		t.Errorf("she was forgotten: %v", err)
	}
	if w := thief.do("GET", "/privacy/confirm?next=/privacy/data", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Is it still you?") {
		t.Errorf("the question = %d", w.Code)
	}
	if to := ada.comes("17850", "/privacy/forget"); to != "/privacy/forget" {
		t.Errorf("her proof leads to %q", to)
	}
	if w := ada.do("GET", "/privacy/data.json", nil); w.Code != http.StatusOK {
		t.Errorf("after her proof = %d", w.Code)
	}
}

func TestWhoWasForgottenMeanwhileIsToldLikeASpentLink(t *testing.T) {
	p := openPortal(t)
	who := p.Subject("17850")
	token, err := p.Sessions.Link(t.Context(), session.Who{Audience: session.Customer, Subject: who})
	if err != nil {
		t.Fatal(err)
	}
	p.Erase(who)
	if w := (&browser{p: p}).do("POST", "/privacy/link/"+token, nil); w.Code != http.StatusForbidden {
		t.Errorf("the link = %d", w.Code)
	}
}
