package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"thimble"
)

// Proxies are the networks of the proxies in front, whose word on where a request
// comes from is believed.
type Proxies []netip.Prefix

// ParseProxies reads networks and addresses with blanks or commas between. The error is
// of kind thimble.ErrInvalid.
func ParseProxies(text string) (all Proxies, err error) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		p, err := netip.ParsePrefix(word)
		if a, notNet := netip.ParseAddr(word); notNet == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p.Addr().Is4In6() {
			return nil, fmt.Errorf("web: %q is no network, such as 10.0.0.0/8: %w", word, thimble.ErrInvalid)
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("web: %q is everybody, whose word is nothing: %w", word, thimble.ErrInvalid)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (p Proxies) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Client has the handlers behind it see the address of whoever is in front of the
// proxies as that of the request. Each proxy adds to the right of X-Forwarded-For whom
// it had the request from, so it is read from the right until somebody who is no
// proxy: further left is what anybody may have written. What is no address ends it
// too, and the last proxy stands for the request. Without proxies it does nothing.
func (p Proxies) Client(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := p.client(r); ok {
			r = r.Clone(r.Context())
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		}
		next.ServeHTTP(w, r)
	})
}

// hops bounds how many proxies are passed over.
const hops = 16

func (p Proxies) client(r *http.Request) (client netip.Addr, ok bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.has(peer.Addr()) {
		return client, false
	}
	rest := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for range hops {
		at := strings.LastIndexByte(rest, ',')
		a, err := forwarded(rest[at+1:])
		if err != nil {
			return client, ok
		}
		client, ok = a, true
		if at < 0 || !p.has(a) {
			return client, ok
		}
		rest = rest[:at]
	}
	return client, ok
}

// forwarded reads one hop: an address, which some write with its port.
func forwarded(hop string) (netip.Addr, error) {
	hop = strings.TrimSpace(hop)
	if a, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
		return a.Unmap().WithZone(""), nil
	}
	ap, err := netip.ParseAddrPort(hop)
	return ap.Addr().Unmap().WithZone(""), err
}
