package door

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/source"
	"thimble/internal/web"
)

// An Intake makes what is permitted of a body durable; *intake.Intake is one. Its errors
// are of kind thimble.ErrInvalid for a body that is refused whole, and of kind
// thimble.ErrUnavailable when it may be tried again.
type Intake interface {
	Take(ctx context.Context, s intake.Source, c segment.Call, body []byte, a intake.Arrival) (intake.Taken, error)
}

// Sources knows the write keys; *sourcedb.Store does.
type Sources interface {
	Open(ctx context.Context, key string) (*source.Source, error)
	Origin(ctx context.Context, origin string) (bool, error)
}

// Config says what a door is made of. What is marked so may be left out.
type Config struct {
	Sources Sources
	Intake  Intake
	// PublicURL is the address people reach the installation at; when empty, what the
	// request says.
	PublicURL string
	// Categories are those of consent, for the settings document.
	Categories []string
	// TLS says that senders come by https although r.TLS is nil.
	TLS bool
	// Room returns an error of kind thimble.ErrUnavailable when the disk is nearly full;
	// may be nil.
	Room func() error
	// Rate is how many requests a second a source may send in the long run, and half as
	// many again at once; 0 means DefaultRate, a negative one no bound.
	Rate int
	// InFlight bounds the bytes of all bodies that are being read or taken; 0 means
	// DefaultInFlight. One network has half of it at most, and an eighth when the other
	// half is in use.
	InFlight int64
	Now      func() time.Time // nil means time.Now
	Log      *slog.Logger     // nil means silence
}

// Defaults of [Config].
const (
	DefaultRate     = 20_000
	DefaultInFlight = 128 << 20
)

// A Door is an http.Handler for the paths that it [Door.Serves].
type Door struct {
	Config
	rate     *web.Limiter // of each source; nil: none
	networks *web.Limiter // of each network that sends with a public key
	inFlight atomic.Int64
	shares   shares
	warned   atomic.Int64 // when a warning was logged last, in seconds
}

// New returns a door.
func New(cfg Config) *Door {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = DefaultInFlight
	}
	if cfg.Rate == 0 {
		cfg.Rate = DefaultRate
	}
	d := &Door{Config: cfg}
	if cfg.Rate > 0 {
		// The clock of the limiters is the machine's: it is about the machine.
		d.rate = web.NewLimiter(time.Second/time.Duration(cfg.Rate), cfg.Rate+cfg.Rate/2, nil)
		one := max(1, cfg.Rate/networkShare)
		d.networks = web.NewLimiter(time.Second/time.Duration(one), one+one/2, nil)
	}
	return d
}

// networkShare: anybody may send with a public key, and one network may use up only a part
// of what the source may send.
const networkShare = 10

// A route is what a path is for.
type route struct {
	pattern string // for logs and metrics
	call    segment.Call
	dropped bool // answered, and not read: the SDK's figures of itself
}

const (
	projects      = "/v1/projects/"
	settings      = "/settings"
	settingsRoute = projects + "{writeKey}" + settings
)

var routes = paths()

func paths() map[string]route {
	all := map[string]route{}
	for _, p := range []string{
		"track", "identify", "page", "screen", "group", "alias", "batch", "import", "t", "i", "p", "s", "g", "a", "b", "m",
	} {
		path := "/v1/" + p
		call, ok := segment.ByPath(path)
		r := route{pattern: path, call: call, dropped: !ok}
		all[path], all[path+"/"] = r, r
	}
	return all
}

// Paths are the addresses that events are sent to.
func Paths() (all []string) {
	for path, r := range routes {
		if path == r.pattern {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}

// Serves returns the pattern of a path that is the door's, "" for any other.
func Serves(path string) string {
	if r, ok := routes[path]; ok {
		return r.pattern
	}
	if _, ok := project(path); ok {
		return settingsRoute
	}
	return ""
}

// project returns the key of the path of a settings document.
func project(path string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(path, projects)
	if !ok {
		return "", false
	}
	key, ok = strings.CutSuffix(strings.TrimSuffix(rest, "/"), settings)
	return key, ok && key != "" && !strings.Contains(key, "/")
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["Cross-Origin-Resource-Policy"] = crossOrigin
	if d.TLS || r.TLS != nil {
		h["Strict-Transport-Security"] = transport
	}
	to, ok := routes[r.URL.Path]
	key, isProject := "", false
	if !ok {
		key, isProject = project(r.URL.Path)
	}
	switch {
	case !ok && !isProject:
		web.WriteProblem(w, r, web.ProblemOf(thimble.ErrNotFound))
	case r.Method == http.MethodOptions:
		d.preflight(w, r, isProject)
	case isProject && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		d.settings(w, r, key)
	case isProject:
		notAllowed(w, r, "GET, HEAD, OPTIONS")
	case r.Method != http.MethodPost:
		notAllowed(w, r, "POST, OPTIONS")
	default:
		d.post(w, r, to)
	}
}

// Values of headers, shared by all answers.
var (
	noSniff     = []string{"nosniff"}
	crossOrigin = []string{"cross-origin"}
	transport   = []string{"max-age=63072000; includeSubDomains"}
	jsonType    = []string{"application/json"}
	success     = []byte(`{"success": true}`)
	successSize = []string{strconv.Itoa(len(success))}
)

// post takes a body.
func (d *Door) post(w http.ResponseWriter, r *http.Request, to route) {
	origin, err := d.allowOrigin(w, r)
	if err == nil && to.dropped {
		d.accept(w)
		return
	}
	if err == nil && d.Room != nil {
		err = d.Room()
	}
	var from *source.Source
	if key := headerKey(r); err == nil && key != "" {
		from, err = d.opens(w, r, key, origin)
	}
	if err != nil {
		d.refuseUnread(w, r, err)
		return
	}
	b, err := d.body(w, r)
	defer b.release()
	if err != nil {
		d.refuseUnread(w, r, err)
		return
	}
	if from == nil {
		var key string
		if key, err = bodyKey(b.bytes()); err == nil {
			from, err = d.opens(w, r, key, origin)
		}
		if err != nil {
			d.refuse(w, r, err)
			return
		}
	}
	d.take(w, r, to.call, from, b.bytes())
}

// patience bounds how long an answer may wait for a body to be durable.
const patience = 10 * time.Second

func (d *Door) take(w http.ResponseWriter, r *http.Request, call segment.Call, from *source.Source, body []byte) {
	// Whoever sent it may be gone, such as a page that was closed: it counts all the same.
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer stop()
	a := intake.Arrival{At: d.Now(), GPC: r.Header["Sec-Gpc"]}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		a.Address = ap.Addr().Unmap()
	}
	taken, err := d.Intake.Take(ctx, from.Source, call, body, a)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, thimble.ErrInvalid) {
			err = errors.Join(err, thimble.ErrUnavailable)
		}
		d.refuse(w, r, err)
		return
	}
	if from.Trusted() && r.Header.Get(debugHeader) != "" {
		w.Header().Set(takenHeader, counts(taken))
	}
	d.accept(w)
}

func (d *Door) accept(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"], h["Content-Length"] = jsonType, successSize
	_, _ = w.Write(success) // it is durable, whoever has gone
}

// The header by which a server asks what became of what it sent, and the one that says it.
const (
	debugHeader = "Thimble-Debug"
	takenHeader = "Thimble-Taken"
)

// counts writes what became of a body as a structured dictionary (RFC 9651).
func counts(t intake.Taken) string {
	var b strings.Builder
	b.WriteString("events=" + strconv.Itoa(t.Events) + ", kept=" + strconv.Itoa(t.Kept))
	for _, why := range []intake.Drop{intake.Unplanned, intake.Denied, intake.Nobody, intake.Repeated, intake.Broken, intake.Gone, intake.NotKept} {
		if n := t.Dropped[why]; n > 0 {
			b.WriteString(", " + string(why) + "=" + strconv.Itoa(n))
		}
	}
	return b.String()
}

func notAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	web.WriteProblem(w, r, web.Problem{Type: web.ProblemBase + "method", Title: "Another method was expected", Status: http.StatusMethodNotAllowed, Detail: "This address takes " + allow + "."})
}
