package canary

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/app"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/subject"
)

// A world is an installation that serves, and the person who is made up in it.
type world struct {
	*app.App
	texts

	dir, base string
	log       *os.File
	words     *slog.Logger // into it
	stop      context.CancelFunc
	done      chan error
	client    http.Client

	account, mail, phoneNo, device string // of the person
	who                            thimble.SubjectID
	apiKey, serverKey, browserKey  string
	staffCookie, ownCookie         *http.Cookie
	refused                        []string // forms that were filled rightly, and refused
	out                            *outside
}

const hookSecret = "a-secret-of-the-shop-system"

// begin makes an installation in a folder and serves it on this machine.
func begin(ctx context.Context, dir string) (w *world, err error) {
	w = &world{dir: dir, done: make(chan error, 1)}
	w.client = http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, name := range []string{"files", "logs", apartFolder} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
		}
	}
	out, err := openOutside(dir)
	if err != nil {
		return nil, err
	}
	w.out = out
	defer func() {
		if err != nil {
			out.close()
		}
	}()
	cfg, err := w.config("data", "files")
	if err != nil {
		return nil, err
	}
	if w.log, err = os.Create(filepath.Join(dir, "logs", "messages.log")); err != nil {
		return nil, fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	w.words = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if w.App, err = app.Open(ctx, cfg, w.words); err != nil {
		return nil, errors.Join(err, w.log.Close())
	}
	if err := w.serve(ctx); err != nil {
		return nil, errors.Join(err, w.App.Close(), w.log.Close())
	}
	return w, nil
}

// config is that of an installation whose data and files for recipients lie in these folders.
func (w *world) config(data, files string) (app.Config, error) {
	cfg, err := app.Load(map[string]string{
		"data": filepath.Join(w.dir, data), "drop-folder": filepath.Join(w.dir, files), "apart": filepath.Join(w.dir, apartFolder), "listen": "127.0.0.1:0",
		"hooks":        "shopify/main=" + hookSecret + " woocommerce/main=" + hookSecret,
		"drp-business": business, "deletion-domain": "shop.example", "deletion-partners": w.out.partners, "opendsr-cert": w.out.cert, "opendsr-key": w.out.key, "disclose-loopback": w.out.at,
		"smtp-url": "smtp://" + w.out.hangsUp.Addr().String(), "mail-from": "shop@shop.example", // letters wait, sealed: the last one too
	}, func(string) string { return "" }, os.DevNull)
	cfg.Demo = true // the shop's pages are ways in too
	cfg.PasswordCost = staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}
	return cfg, err
}

func (w *world) serve(ctx context.Context) error {
	if err := w.Recover(ctx); err != nil {
		return err
	}
	h, err := w.Handler(ctx)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	w.base = strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	go func() { w.done <- w.Serve(serving, l, h) }()
	return w.keys(ctx)
}

// end stops serving and closes everything, as an operator does. The log of messages stays open.
func (w *world) end() error {
	if w.stop == nil {
		return nil
	}
	w.stop()
	w.stop = nil
	w.out.close()
	return errors.Join(<-w.done, w.App.Close())
}

// keys makes what lets others in: a member of the staff, an API key, sources of events.
func (w *world) keys(ctx context.Context) error {
	if _, err := w.Staff.Add(ctx, "owner", staff.Roles(), staff.CommandLine); err != nil {
		return err
	}
	if err := w.Staff.SetTraining(ctx, "owner", time.Now().AddDate(1, 0, 0), staff.CommandLine, ""); err != nil {
		return err
	}
	value, err := w.Sessions.Begin(ctx, session.Who{Audience: session.Staff, Staff: "owner"}, session.UnknownDevice)
	if err != nil {
		return err
	}
	w.staffCookie = &http.Cookie{Name: "thimble_staff", Value: value}
	if w.apiKey, _, err = apikeydb.New(w.Core, nil).Create(ctx, "canary", apikey.Scopes()); err != nil {
		return err
	}
	for _, s := range []struct {
		kind    intake.Kind
		origins []string
		key     *string
	}{{intake.Server, nil, &w.serverKey}, {intake.Browser, []string{"https://shop.example"}, &w.browserKey}} {
		draft, err := source.New(fmt.Sprint("source ", s.kind), s.kind, s.kind == intake.Browser, s.origins)
		if err != nil {
			return err
		}
		if *s.key, _, err = w.Sources.Add(ctx, draft, staff.CommandLine); err != nil {
			return err
		}
	}
	return nil
}

// signIn begins a session of the person.
func (w *world) signIn(ctx context.Context) error {
	value, err := w.Sessions.Begin(ctx, session.Who{Audience: session.Customer, Subject: w.who}, session.UnknownDevice)
	w.ownCookie = &http.Cookie{Name: "thimble_customer", Value: value}
	return err
}

// find looks the person up by their account.
func (w *world) find(ctx context.Context) error {
	id, err := subject.NewIdentifier(subject.Account, w.account)
	if err != nil {
		return err
	}
	w.who, err = w.Subjects.Find(ctx, id)
	if err == nil && w.who.IsZero() {
		err = fmt.Errorf("canary: nobody was made of the import: %w", thimble.ErrNotFound)
	}
	return err
}

// ask sends a request, and returns the status and what was answered. Whatever is answered
// is right: it is what was written that counts.
func (w *world) ask(ctx context.Context, method, path string, head http.Header, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, w.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for k, v := range head {
		r.Header[k] = v
	}
	answer, err := w.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	text, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	return answer.StatusCode, text, err
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// form posts a page's form as a browser does that is signed in as staff, or as the person.
func (w *world) form(ctx context.Context, path string, fields url.Values) (int, []byte, error) {
	h := header("Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "User-Agent", w.word("header"), "Referer", w.base+"/"+w.word("header"))
	for _, c := range []*http.Cookie{w.staffCookie, w.ownCookie} {
		if c != nil {
			h.Add("Cookie", c.String())
		}
	}
	return w.ask(ctx, http.MethodPost, path, h, []byte(fields.Encode()))
}

// json posts a document with the API's key.
func (w *world) json(ctx context.Context, method, path string, v any) (int, []byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, nil, err
	}
	return w.ask(ctx, method, path, header("Content-Type", "application/json", "Authorization", "Bearer "+w.apiKey, "Idempotency-Key", w.word("header")), body)
}

// event posts to the door for events.
func (w *world) event(ctx context.Context, path string, v any) (int, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(w.serverKey+":"))
	status, _, err := w.ask(ctx, http.MethodPost, path, header("Content-Type", "application/json", "Authorization", basic), body)
	return status, err
}

// browser posts as a page of the shop's site does, by the key that everybody can read.
func (w *world) browser(ctx context.Context, path string, v map[string]string) error {
	v["writeKey"] = w.browserKey
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, _, err = w.ask(ctx, http.MethodPost, path, header("Content-Type", "text/plain", "Origin", "https://shop.example"), body)
	return err
}

// hole is the part of a pattern that an address fills.
var hole = regexp.MustCompile(`\{[^}]*\}`)

// filled is an address of a pattern: the person's where it names a subject, and a planted
// string in every other hole.
func (w *world) filled(door, pattern string) string {
	return hole.ReplaceAllStringFunc(pattern, func(h string) string {
		if h == "{subject}" {
			return w.who.String()
		}
		return url.PathEscape(w.word(door))
	})
}
