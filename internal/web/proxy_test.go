package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// seenFrom returns the address that a handler behind the proxies sees.
func seenFrom(t *testing.T, proxies, peer string, headers ...string) string {
	t.Helper()
	p, err := ParseProxies(proxies)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	for _, h := range headers {
		r.Header.Add("X-Forwarded-For", h)
	}
	var got string
	p.Client(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
	return got
}

func TestTheClientIsWhoeverIsInFrontOfTheProxies(t *testing.T) {
	const two = "127.0.0.1, 10.0.0.0/8 fd00::/8"
	for name, c := range map[string]struct {
		proxies, peer string
		headers       []string
		want          string
	}{
		"no proxy is trusted":           {"", "127.0.0.1:9", []string{"198.51.100.7"}, "127.0.0.1:9"},
		"a stranger's word is nothing":  {two, "203.0.113.9:9", []string{"198.51.100.7"}, "203.0.113.9:9"},
		"one proxy":                     {two, "127.0.0.1:9", []string{"198.51.100.7"}, "198.51.100.7:0"},
		"two proxies":                   {two, "127.0.0.1:9", []string{"198.51.100.7, 10.1.2.3"}, "198.51.100.7:0"},
		"what the client wrote is left": {two, "127.0.0.1:9", []string{"192.0.2.1, 198.51.100.7"}, "198.51.100.7:0"},
		"in lines of their own":         {two, "127.0.0.1:9", []string{"192.0.2.1", "198.51.100.7,10.0.0.1"}, "198.51.100.7:0"},
		"IPv6":                          {two, "[fd00::1]:9", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"with a port":                   {two, "127.0.0.1:9", []string{"[2001:db8::7]:443"}, "[2001:db8::7]:0"},
		"in brackets":                   {two, "127.0.0.1:9", []string{"[2001:db8::7]"}, "[2001:db8::7]:0"},
		"IPv4 within IPv6":              {two, "[::ffff:127.0.0.1]:9", []string{"::ffff:198.51.100.7"}, "198.51.100.7:0"},
		"nothing was said":              {two, "127.0.0.1:9", nil, "127.0.0.1:9"},
		"nonsense":                      {two, "127.0.0.1:9", []string{"unknown"}, "127.0.0.1:9"},
		"nonsense before a proxy":       {two, "127.0.0.1:9", []string{"198.51.100.7, <b>, 10.0.0.1"}, "10.0.0.1:0"},
		"proxies all the way":           {two, "127.0.0.1:9", []string{"10.0.0.2, 10.0.0.1"}, "10.0.0.2:0"},
		"an empty header":               {two, "127.0.0.1:9", []string{""}, "127.0.0.1:9"},
		"a peer without an address":     {two, "@", []string{"198.51.100.7"}, "@"},
	} {
		if got := seenFrom(t, c.proxies, c.peer, c.headers...); got != c.want {
			t.Errorf("%s: the client is %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatIsNoNetworkIsRefused(t *testing.T) {
	for _, text := range []string{"10.0.0.0/33", "proxy.example", "10.0.0.0/8;10.1.0.0/16", "*", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104"} {
		if p, err := ParseProxies(text); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
}

// FuzzClient: whatever is written in front, nobody but the hop that the trusted proxy
// itself named is the client.
func FuzzClient(f *testing.F) {
	f.Add("198.51.100.7")
	f.Add(", , 10.0.0.1")
	f.Add("[::1")
	p, err := ParseProxies("127.0.0.1/32")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, written string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "127.0.0.1:9"
		r.Header.Set("X-Forwarded-For", written+", 203.0.113.5")
		if client, ok := p.client(r); !ok || client != netip.MustParseAddr("203.0.113.5") {
			t.Errorf("%q made the client %v", written, client)
		}
	})
}
