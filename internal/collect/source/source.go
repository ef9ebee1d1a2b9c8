package source

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
	"thimble/internal/collect/intake"
)

// A Source is where events come from, as it is looked after.
type Source struct {
	intake.Source
	// Origins are those whose pages may send with the key of a browser, such as
	// "https://shop.example".
	Origins []string
	Created time.Time
	Ended   time.Time // zero: not
	Keys    []Key     // the newest first
}

// A Key is what is known of a write key.
type Key struct {
	Text    string // "" where only its hash is kept
	Hint    string // its last four characters
	Created time.Time
	Ends    time.Time // zero: no end is set
}

// Live reports whether the key opens the source at that time.
func (k Key) Live(at time.Time) bool { return k.Ends.IsZero() || at.Before(k.Ends) }

// Live returns the newest key that opens the source; false for none.
func (s Source) Live(at time.Time) (Key, bool) {
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Live(at) })
	if i < 0 || !s.Ended.IsZero() {
		return Key{}, false
	}
	return s.Keys[i], true
}

// Allows reports whether pages of an origin may send for the source.
func (s Source) Allows(origin string) bool { return slices.Contains(s.Origins, origin) }

// A FieldError names the field that breaks a rule.
type FieldError struct{ Field, Rule string }

// Error implements error.
func (e *FieldError) Error() string { return fmt.Sprintf("source: %s: %s", e.Field, e.Rule) }

// Is makes it an error of kind thimble.ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == thimble.ErrInvalid }

// ErrTaken says that another source, in force or ended, has the name.
var ErrTaken = fmt.Errorf("source: another source has this name (%w)", thimble.ErrConflict)

// Bounds of what a person types.
const (
	maxName    = 80
	maxOrigins = 50
	maxOrigin  = 255
)

// Kinds returns the kinds of source in the order in which they are shown.
func Kinds() []intake.Kind { return []intake.Kind{intake.Server, intake.Browser, intake.App} }

// New drafts a source: it checks what a person typed and puts it in order. The error is
// a *FieldError.
func New(name string, kind intake.Kind, consents bool, origins []string) (Source, error) {
	s := Source{Source: intake.Source{Name: strings.TrimSpace(name), Kind: kind, Consents: consents}}
	if n := utf8.RuneCountInString(s.Name); n < 1 || n > maxName || !utf8.ValidString(s.Name) || strings.ContainsFunc(s.Name, unprintable) {
		return s, &FieldError{"name", fmt.Sprintf("1 to %d visible characters were expected", maxName)}
	}
	if !slices.Contains(Kinds(), kind) {
		return s, &FieldError{"kind", "server, browser or app was expected"}
	}
	var err error
	s.Origins, err = Origins(kind, origins)
	return s, err
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// Origins checks the origins of a source of a kind, and returns them in the form in
// which a browser sends them, sorted, each once.
func Origins(kind intake.Kind, origins []string) ([]string, error) {
	var all []string
	for _, o := range origins {
		if o = strings.TrimSpace(o); o == "" {
			continue
		}
		clean, err := origin(o)
		if err != nil {
			return nil, err
		}
		all = append(all, clean)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	switch {
	case kind == intake.Browser && len(all) == 0:
		return nil, &FieldError{"origins", "the address of the shop's pages was expected, such as https://shop.example"}
	case kind != intake.Browser && len(all) > 0:
		return nil, &FieldError{"origins", "only a browser's source has origins"}
	case len(all) > maxOrigins:
		return nil, &FieldError{"origins", fmt.Sprintf("%d at most", maxOrigins)}
	}
	return all, nil
}

// origin returns an origin as browsers send it (RFC 6454, 6.2): lower case, without the
// port that the scheme implies.
func origin(text string) (string, error) {
	wrong := func(rule string) (string, error) { return "", &FieldError{"origins", rule} }
	u, err := url.Parse(strings.ToLower(text))
	if err != nil || len(text) > maxOrigin || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return wrong("scheme and host were expected, such as https://shop.example")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" || strings.ContainsAny(u.Host, "*%") || !ascii(u.Host) {
		return wrong("nothing but scheme, host and port was expected, each host by itself, and names beyond ASCII as xn--…")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return wrong("https was expected; http is for this machine only")
	}
	host := u.Host
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= unicode.MaxASCII })
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
