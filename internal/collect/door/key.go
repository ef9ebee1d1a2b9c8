package door

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/web"
)

// maxKey bounds what is looked at as a key.
const maxKey = 256

// headerKey returns the key of the header Authorization: the user of Basic, whose
// password is not looked at; some clients leave its colon out. A Bearer token is OAuth's
// (Segment's variant of it), and the key is in the body then.
func headerKey(r *http.Request) string {
	scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Basic") || len(text) > maxKey {
		return ""
	}
	var buf [maxKey]byte
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	n, err := base64.RawStdEncoding.Decode(buf[:], []byte(text))
	if err != nil {
		return ""
	}
	user, _, _ := strings.Cut(string(buf[:n]), ":")
	return user
}

var (
	errNoKey  = errors.New("door: no write key")
	errNoJSON = errors.New("door: the body: a JSON object was expected")
)

// bodyKey returns the string of the key "writeKey" of an object. It looks no deeper and
// checks nothing else: the intake reads the body strictly, and refuses one that has the
// key twice, in whatever spelling. A key that is spelt with escapes is not found.
func bodyKey(b []byte) (string, error) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return "", errNoJSON
	}
	for i = space(b, i+1); i < len(b) && b[i] == '"'; i = space(b, i) {
		name := i + 1
		end := text(b, i)
		i = space(b, end)
		if i >= len(b) || b[i] != ':' {
			return "", errNoJSON
		}
		i = space(b, i+1)
		from := i
		i = value(b, i)
		if string(b[name:end-1]) == "writeKey" && from < i && b[from] == '"' && i-from-2 <= maxKey {
			return string(b[from+1 : i-1]), nil
		}
		i = space(b, i)
		if i >= len(b) || b[i] != ',' {
			break
		}
		i++
	}
	if i < len(b) && b[i] == '}' {
		return "", errNoKey
	}
	return "", errNoJSON
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// text returns the end of the string that begins at i, or a place beyond b.
func text(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(b) + 1
}

// value returns the end of the value that begins at i, at most len(b)+1. It counts what
// opens and closes, and needs no stack however deep it goes.
func value(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = text(b, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i // it closes what is around a number or a word
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
		if depth == 0 && i <= len(b) && (b[i-1] == '"' || b[i-1] == '}' || b[i-1] == ']') {
			return i
		}
	}
	return i
}

// What keeps a known source's request out.
var (
	errOrigin = errors.New("door: the page's origin is not one of the source's")
	errNoPage = errors.New("door: no page sends with the key of browsers")
	errServer = errors.New("door: the key of a server was sent by a page")
)

// errRate says how long a source is to wait.
type errRate struct{ after string }

// Error implements error.
func (errRate) Error() string { return "door: the source sends too much" }

// opens finds the source of a key, and says whether it may send now and from there.
func (d *Door) opens(w http.ResponseWriter, r *http.Request, key, origin string) (*source.Source, error) {
	from, err := d.Sources.Open(r.Context(), key)
	if err != nil {
		return nil, err
	}
	switch {
	case from.Kind == intake.App || origin == "" && from.Kind == intake.Server:
		// An app, whose pages have origins of their own making or none; or a program.
	case origin == "":
		// A browser tells where the page is with each POST (Fetch, 3.2).
		return nil, errNoPage
	case from.Kind == intake.Server:
		disallow(w)
		return nil, errServer
	case !from.Allows(origin):
		disallow(w)
		return nil, errOrigin
	}
	if d.rate == nil {
		return from, nil
	}
	number := strconv.Itoa(int(from.Number))
	if source.Public(from.Kind) {
		if wait, ok := d.networks.Allow(number + " " + web.Network(r.RemoteAddr)); !ok {
			return nil, errRate{web.RetryAfter(wait)}
		}
	}
	if wait, ok := d.rate.Allow(number); !ok {
		return nil, errRate{web.RetryAfter(wait)}
	}
	return from, nil
}
