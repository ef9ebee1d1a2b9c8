package app

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"thimble/internal/api"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/collect/collectweb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/portal"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/rights/opendsrweb"
	"thimble/internal/rights/systemsweb"
	"thimble/internal/session"
	"thimble/internal/session/sessionweb"
	"thimble/internal/storefront"
	"thimble/internal/web"
	js "thimble/sdk/js"

	"thimble"
)

// doors are what the doors share.
type doors struct {
	*App
	kit       *web.Kit
	keys      *apikeydb.Store
	customers *sessionweb.Door
	staff     *sessionweb.Door
	shopKeys  session.ShopKeys
	own       gateweb.Own
	tls       bool
}

// doors makes what the doors share.
func (a *App) doors(context.Context) (*doors, error) {
	kit, err := web.New(web.Config{Name: "Thimble", Now: a.Config.clock(), Log: a.Log, Extra: []fs.FS{
		ledgerweb.PortalAssets(), decisionweb.PortalAssets(), portal.Assets(), storefront.Assets(), consentweb.Assets(),
	}})
	if err != nil {
		return nil, err
	}
	d := &doors{App: a, kit: kit, keys: apikeydb.New(a.Core, a.Config.clock()), own: gateweb.OpenOwn(a.Gate), tls: a.secure()}
	d.customers = sessionweb.New(a.Sessions, session.Customer, d.tls, a.Log)
	d.staff = sessionweb.New(a.Sessions, session.Staff, d.tls, a.Log)
	if d.shopKeys, err = a.Config.shopKeys(); err != nil {
		return nil, err
	}
	return d, nil
}

// Handler puts the doors together: storefront, privacy centre, console, API, log.
func (a *App) Handler(ctx context.Context) (http.Handler, error) {
	d, err := a.doors(ctx)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, mount := range []func(context.Context, *http.ServeMux) error{d.mountShop, d.mountPortal, d.mountConsole, d.mountAPI, d.mountOperations, d.mountHooks, d.mountAgents, d.mountChains, d.mountDevice} {
		if err := mount(ctx, mux); err != nil {
			return nil, err
		}
	}
	others, err := d.around(mux)
	if err != nil {
		return nil, err
	}
	return d.withEvents(others)
}

// secure reports whether people come by TLS, also where a proxy ends it.
func (a *App) secure() bool {
	return a.Config.TLSCert != "" || len(a.Config.PublicURL) > 8 && a.Config.PublicURL[:8] == "https://"
}

// around is what every request passes, from the outside in.
func (d *doors) around(h http.Handler) (http.Handler, error) {
	h = gateweb.Sink(h, d.kit.Error)
	h = d.limit(h)
	h, err := web.Secure(h, web.SecureOptions{TLS: d.tls, FromAnywhere: []string{"POST " + sessionweb.Enter, "POST " + consentweb.BrowserPath}})
	if err != nil {
		return nil, err
	}
	h = web.Recover(h, d.Log, d.kit.Error)
	proxies, err := web.ParseProxies(d.Config.Proxies)
	if err != nil {
		return nil, err
	}
	h = proxies.Client(h)
	return web.RequestID(web.GPC(d.telemetry.Middleware(h))), nil
}

// limit bounds the bodies of requests. A file that staff upload may be longer than others;
// whether they may is asked before any of it is read.
func (d *doors) limit(h http.Handler) http.Handler {
	usual, upload := web.Limit(h, d.Config.MaxBody), web.Limit(h, max(collectweb.MaxUpload, d.Config.MaxBody))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path == collectweb.UploadPattern {
			upload.ServeHTTP(w, r)
			return
		}
		usual.ServeHTTP(w, r)
	})
}

// mountShop mounts the storefront. It comes with the demo: a real shop has its own.
func (d *doors) mountShop(ctx context.Context, mux *http.ServeMux) error {
	if !d.Config.Demo {
		mux.Handle("GET /{$}", http.RedirectHandler("/console", http.StatusFound))
		return nil
	}
	why, err := decisionweb.Shop(d.kit, d.decisions())
	if err != nil {
		return err
	}
	asks := consentweb.ShopDeps{Store: d.wholeConsent(), Log: d.Log, Now: d.Config.clock()}
	choices, err := consentweb.Shop(d.kit, asks)
	if err != nil {
		return err
	}
	customers, err := d.DemoCustomers(ctx)
	if err != nil {
		return err
	}
	categories, err := d.Catalog.Categories(ctx)
	if err != nil {
		return err
	}
	cfg := storefront.Config{
		Kit: d.kit, Log: d.Log, Sessions: d.customers, Sections: []web.Section{why, choices, tasteweb.Shop(d.wholeTastes())}, Prompt: consentweb.ShopPrompt(asks), Lists: d.Shop, Catalog: d.Catalog,
		Categories: categories, Label: d.label, DeviceKey: d.Device.Key, Signals: consentweb.Signals(d.wholeConsent(), d.Log), Demo: true, Rule: DemoRule,
	}
	for _, c := range customers {
		cfg.Customers = append(cfg.Customers, storefront.DemoCustomer{Label: "Customer " + c.Account, Note: c.Note, Subject: c.Subject})
	}
	h, err := storefront.New(cfg)
	if err != nil {
		return err
	}
	mux.Handle("/", h)
	return nil
}

// label names a signed-in customer. The demo's account numbers are those of the
// public data set; a person of a real shop is "You".
func (d *doors) label(ctx context.Context, who thimble.SubjectID) string {
	if !d.Config.Demo {
		return "You"
	}
	account, err := d.account(ctx, who)
	if err != nil || account == "" {
		return "You"
	}
	return "Customer " + account
}

func (d *doors) mountAPI(_ context.Context, mux *http.ServeMux) error {
	door, err := api.New(api.Config{Kit: d.kit, Keys: d.keys, Operations: d.operations(), Version: Version, Log: d.Log, Frame: func(_ *http.Request, p web.Page) web.Page {
		p.Layout, p.Home = web.Plain, "/"
		return p
	}})
	if err != nil {
		return err
	}
	mux.Handle(api.Prefix, door)
	mux.Handle(api.ManualPath, door)
	return nil
}

// mountOperations mounts what operators and other programs need: assets, the browser
// SDK, the log itself, health, metrics.
func (d *doors) mountOperations(_ context.Context, mux *http.ServeMux) error {
	sdk, err := js.Handler()
	if err != nil {
		return err
	}
	mux.Handle("GET "+js.Prefix, sdk)
	mux.Handle(web.AssetPrefix, d.kit.Assets())
	mux.Handle("/ledger/", ledgerweb.Handler(d.Ledger, d.Log))
	mux.HandleFunc("GET "+consentweb.WellKnown, consentweb.ServeWellKnown)
	browsers := consentweb.ServeBrowser(d.browsers())
	mux.Handle("POST "+consentweb.BrowserPath, browsers)
	mux.Handle("OPTIONS "+consentweb.BrowserPath, browsers)
	mux.Handle("POST "+discloseweb.AckPath+"{recipient}", discloseweb.ServeAck(d.Disclose, web.NewLimiter(discloseweb.AckEvery, discloseweb.AckBurst, d.Config.clock())))
	mux.Handle(systemsweb.AnswerPattern, systemsweb.ServeAnswers(d.Systems, web.NewLimiter(systemsweb.AnswersEvery, systemsweb.AnswersBurst, d.Config.clock())))
	answers := func() *web.Limiter { return web.NewLimiter(opendsrweb.Every, opendsrweb.Burst, d.Config.clock()) }
	mux.Handle(opendsrweb.CallbackPattern, opendsrweb.ServeCallbacks(d.speaker, d.Systems, answers()))
	if d.signer != nil {
		processor := opendsrweb.Processor(d.OpenDSR, d.writeCopy, d.signer, d.Config.BaseURL(), answers())
		for _, p := range opendsrweb.Patterns() {
			mux.Handle(p, processor)
		}
	}
	mux.Handle("GET /metrics", d.operators(d.telemetry.Handler()))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", d.ready)
	return nil
}

// operators lets in this machine, and whoever has an admin key: metrics tell how
// much a shop sells and to how many.
func (d *doors) operators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr) // set by the server
		key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, err := d.keys.Check(r.Context(), key, apikey.Admin)
		here := loopback(host) && d.Config.PublicURL == "" // behind a proxy everybody comes from here
		if !here && (!bearer || err != nil) {
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrDenied))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readyWithin bounds how long the question may take.
const readyWithin = 2 * time.Second

// ready says whether requests can be served: both databases answer, the disk has room for
// events and takes them, and the ledger records. The reason goes to the log, not to whoever asks.
func (d *doors) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	err := d.Core.Ping(ctx)
	if err == nil {
		err = d.Keys.Ping(ctx)
	}
	if err == nil {
		err = newRoom(d.Config.Data, d.Config.Reserve).Left()
	}
	if err == nil {
		err = d.events.takes(ctx)
	}
	if err == nil && d.Ledger.Silent(ctx) {
		err = fmt.Errorf("the ledger is silent: %w", thimble.ErrUnavailable)
	}
	if err != nil {
		d.Log.WarnContext(ctx, "not ready", slog.String("cause", err.Error()))
		plain(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // who asked may have gone
}
