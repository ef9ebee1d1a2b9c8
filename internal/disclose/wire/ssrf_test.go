package wire_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	neturl "net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"thimble"
	"thimble/internal/disclose/wire"
)

// An attempt is one line of the corpus.
type attempt struct {
	line    int
	want    string // "pass", or a Why
	url     string
	answers string // of the resolver; of a redirect, the Location
}

func corpus(t testing.TB) (all []attempt) {
	t.Helper()
	f := must(os.Open("testdata/ssrf.txt"))
	defer f.Close()
	in := bufio.NewScanner(f)
	for line := 1; in.Scan(); line++ {
		if in.Text() == "" || strings.HasPrefix(in.Text(), "#") {
			continue
		}
		parts := append(strings.Split(in.Text(), "\t"), "")
		all = append(all, attempt{line, parts[0], must(strconv.Unquote(parts[1])), parts[2]})
	}
	if in.Err() != nil {
		t.Fatal(in.Err())
	}
	return all
}

// resolver returns what the third column says, for whatever name is asked.
func (a attempt) resolver() (all [][]netip.Addr) {
	for lookup := range strings.SplitSeq(a.answers, "|") {
		var one []netip.Addr
		for text := range strings.SplitSeq(lookup, ",") {
			if ip, err := netip.ParseAddr(text); err == nil {
				one = append(one, ip)
			}
		}
		all = append(all, one)
	}
	return all
}

// any answers each name the same.
type anyName struct {
	answers [][]netip.Addr
	asked   int
}

func (n *anyName) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	n.asked++
	if len(n.answers) == 0 || len(n.answers[0]) == 0 {
		return nil, errors.New("no such host")
	}
	return n.answers[min(n.asked, len(n.answers))-1], nil
}

// hosts are all readings of an address that a lenient reader could have, so that the
// list of hosts is not what refuses it, unless that is the point.
func (a attempt) hosts() []string {
	if strings.Contains(a.url, "unlisted") {
		return []string{good}
	}
	all := []string{good, "127.0.0.1", "localhost", "::1"}
	if u, err := neturl.Parse(a.url); err == nil {
		all = append(all, u.Hostname(), strings.ToLower(u.Hostname()), u.Host)
	}
	_, rest, _ := strings.Cut(a.url, "://")
	rest, _, _ = strings.Cut(rest, "/")
	return append(all, rest, strings.ToLower(rest), strings.Trim(rest, "[]"), strings.TrimSuffix(rest, ":443"))
}

// elsewhere is an oracle of its own: what the standard library says of an address.
func elsewhere(a netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10")
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.Is4In6() && !shared.Contains(a)
}

func TestNoAddressOfTheCorpusReachesThisMachineOrItsNetwork(t *testing.T) {
	var location atomic.Value
	location.Store("")
	w := served(t, wire.Config{}, func(rw http.ResponseWriter, r *http.Request) {
		if to := location.Load().(string); to != "" {
			rw.Header()["Location"] = []string{to}
			rw.WriteHeader(http.StatusFound)
		}
	}, passing(t)...)
	denied, controls := 0, 0
	var control attempt
	for _, a := range corpus(t) {
		if a.want == "pass" {
			controls, control = controls+1, a
			pass(t, w, a)
			continue
		}
		denied++
		location.Store("")
		if a.want == string(wire.Redirected) {
			location.Store(a.answers)
			a.answers = goodAddress.String()
		}
		refuse(t, w, a)
		location.Store("")
		pass(t, w, control) // the refusal was the attempt's own
	}
	for _, to := range w.dials() {
		if !elsewhere(to.Addr()) {
			t.Errorf("%v was dialled", to)
		}
	}
	if sent := w.meter.sum(t); sent == 0 || denied < 300 {
		t.Errorf("%d attempts, %d bytes to the controls: the test is hollow", denied, sent)
	}
	t.Logf("%d attempts refused, 0 reached this machine or its network; %d controls passed, one beside each attempt", denied, controls)
}

// passing are the hosts of the controls, for the certificate.
func passing(t *testing.T) (hosts []string) {
	for _, a := range corpus(t) {
		if u, err := neturl.Parse(a.url); err == nil && a.want == "pass" {
			hosts = append(hosts, u.Hostname())
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func try(t *testing.T, w *world, a attempt) (wire.Outcome, *anyName, []netip.AddrPort) {
	t.Helper()
	resolver := &anyName{answers: a.resolver()}
	w.names.mu.Lock()
	w.names.every = resolver
	w.names.mu.Unlock()
	before := len(w.dials())
	h := hook(t)
	h.URL, h.Hosts = a.url, a.hosts()
	out := w.Post(t.Context(), h, message(t, `{}`))
	return out, resolver, w.dials()[before:]
}

func pass(t *testing.T, w *world, a attempt) {
	t.Helper()
	out, resolver, dialed := try(t, w, a)
	if out.State != wire.Delivered || len(dialed) != 1 {
		t.Fatalf("line %d: the control %q = %+v after %v", a.line, a.url, out, dialed)
	}
	if first := a.resolver()[0]; len(first) > 0 && (dialed[0].Addr() != first[0] || resolver.asked != 1) {
		t.Errorf("line %d: %v was dialled after %d lookups, %v was judged", a.line, dialed, resolver.asked, first)
	}
}

func refuse(t *testing.T, w *world, a attempt) {
	t.Helper()
	out, _, dialed := try(t, w, a)
	if string(out.Why) != a.want || out.State != wire.Permanent {
		t.Errorf("line %d: %q = %+v, want %s", a.line, a.url, out, a.want)
	}
	if a.want != string(wire.Redirected) && len(dialed) > 0 {
		t.Errorf("line %d: %q dialled %v", a.line, a.url, dialed)
	}
	if a.want == string(wire.Redirected) && (len(dialed) != 1 || dialed[0].Addr() != goodAddress) {
		t.Errorf("line %d: after the redirect %v were dialled", a.line, dialed)
	}
}

// The check before connecting holds by itself, whatever was resolved: here the real
// dialer is pointed at a real listener on this machine.
func TestTheLastCheckRefusesWhatTheKernelWouldConnectTo(t *testing.T) {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	accepted := make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- struct{}{}
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	w := newWorld(t, wire.Config{}, func(*world, net.Conn) {})
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "0.0.0.0", "localhost", "", "::1", "::", "::ffff:127.0.0.1", "127.1.1.1"} {
		conn, err := w.LastCheck(uint16(port)).DialContext(t.Context(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			conn.Close()
			t.Errorf("%q was connected to", host)
		}
	}
	if err := w.LastCheck(443).ControlContext(t.Context(), "tcp4", "93.184.215.14:443", syscall.RawConn(nil)); err != nil {
		t.Errorf("the control is refused: %v", err)
	}
	if err := w.LastCheck(443).ControlContext(t.Context(), "tcp4", "93.184.215.14:444", syscall.RawConn(nil)); err == nil {
		t.Error("another port than the checked one is let through")
	}
	var plain net.Dialer
	conn := must(plain.Dial("tcp", l.Addr().String())) // the control: the listener is there
	conn.Close()
	<-accepted
	l.Close()
	for range accepted {
		t.Error("the listener was reached")
	}
}

func TestThePublicAddressOfThisMachineIsRefusedToo(t *testing.T) {
	w := served(t, wire.Config{}, func(http.ResponseWriter, *http.Request) {})
	if out := w.Post(t.Context(), hook(t), message(t, `{}`)); out.State != wire.Delivered {
		t.Fatalf("the control = %+v", out)
	}
	w.Own(netip.MustParseAddr("2003::5"), goodAddress)
	if out := w.Post(t.Context(), hook(t), message(t, `{}`)); out.State != wire.Permanent || out.Why != wire.AddressForbidden {
		t.Errorf("this machine's own address = %+v", out)
	}
	if !slices.Contains(wire.OwnAddresses(), netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("the machine's own addresses are %v", wire.OwnAddresses())
	}
}

func TestAddressesAreRefusedWhenTheyAreEnteredAlready(t *testing.T) {
	w := newWorld(t, wire.Config{}, func(*world, net.Conn) {})
	if err := w.Check(url, []string{good}); err != nil {
		t.Errorf("a good address: %v", err)
	}
	err := w.Check("https://user:geheim@"+good, []string{good})
	if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "a user or password has no place in it") {
		t.Errorf("with a password: %v", err)
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Error("the error repeats what was entered")
	}
}

func TestANameWithoutAnAddressIsTriedAgain(t *testing.T) {
	w := newWorld(t, wire.Config{}, func(*world, net.Conn) {})
	w.names.answers = nil
	if out := w.Post(t.Context(), hook(t), message(t, `{}`)); out.State != wire.Retry || out.Why != wire.Unresolved {
		t.Errorf("outcome = %+v, want a retry: unresolved", out)
	}
}

func TestNoProxyOfTheEnvironmentIsAsked(t *testing.T) {
	proxy := must(net.Listen("tcp", "127.0.0.1:0"))
	defer proxy.Close()
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"} {
		t.Setenv(name, "http://"+proxy.Addr().String())
	}
	w := served(t, wire.Config{}, func(http.ResponseWriter, *http.Request) {})
	if out := w.Post(t.Context(), hook(t), message(t, `{}`)); out.State != wire.Delivered {
		t.Fatalf("outcome = %+v", out)
	}
	if d := w.dials(); len(d) != 1 || d[0].Addr() != goodAddress {
		t.Errorf("dialled %v, want the recipient", d)
	}
}

func FuzzCheck(f *testing.F) {
	for _, a := range corpus(f) {
		f.Add(a.url)
	}
	w := newWorld(f, wire.Config{Loopback: []string{"127.0.0.1:8123"}}, func(*world, net.Conn) {})
	f.Fuzz(func(t *testing.T, address string) {
		u, err := neturl.Parse(address)
		var hosts []string
		if err == nil {
			hosts = []string{strings.ToLower(u.Hostname())}
		}
		refused := w.Check(address, hosts)
		if refused != nil {
			if !errors.Is(refused, thimble.ErrInvalid) {
				t.Errorf("%q: an error of another kind: %v", address, refused)
			}
			return
		}
		// What passes is read by the standard library in the same way, and is public.
		if err != nil || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
			t.Fatalf("%q passed", address)
		}
		if u.Host == "127.0.0.1:8123" {
			return
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !elsewhere(ip) || u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
			t.Errorf("%q passed", address)
		}
		if strings.HasSuffix(strings.ToLower(u.Hostname()), "localhost") && !strings.Contains(u.Hostname(), ".") {
			t.Errorf("%q passed", address)
		}
	})
}
