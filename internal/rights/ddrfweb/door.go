package ddrfweb

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"thimble"
	"thimble/internal/rights/ddrf"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// Where the framework has its file, and where requests go here.
const (
	DiscoveryPath = "/dsrdelete.json"
	RequestPath   = "/dsrdelete"
)

// Store keeps what was received; *ddrfdb.Store does.
type Store interface {
	Receive(ctx context.Context, c ddrf.Chain, rqJWT string, who thimble.SubjectID) error
}

// Deps are what the door is made of.
type Deps struct {
	Signer   *ddrf.Signer
	Partners ddrf.Partners
	Base     string // the address of this installation
	Store    Store
	// Find returns the subject of each identifier, the zero id for none.
	Find func(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Wrong requests: so many at once from one network, and then one every so often.
const (
	wrongBurst = 20
	wrongEvery = 5 * time.Second
)

type door struct {
	Deps
	own   ddrf.Discovery
	wrong *web.Limiter
}

// kinds are the identifiers that are taken, as they are: of a hash nobody can be found,
// because what is held is under keyed hashes.
var kinds = map[string]subject.Kind{"email": subject.Email, "phone": subject.Phone}

// Mount mounts both addresses.
func Mount(mux *http.ServeMux, deps Deps) {
	d := &door{Deps: deps, wrong: web.NewLimiter(wrongEvery, wrongBurst, deps.Now), own: ddrf.Discovery{
		Endpoint: deps.Base + RequestPath, Keys: []jose.JSONWebKey{deps.Signer.Public()},
		Identifiers: []ddrf.Accepted{{ID: 1, Type: "email", Format: "raw"}, {ID: 2, Type: "phone", Format: "raw"}},
	}}
	mux.HandleFunc("GET "+DiscoveryPath, d.discovery)
	mux.HandleFunc("POST "+RequestPath, d.receive)
}

func (d *door) discovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	answer(w, http.StatusOK, d.own)
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // who asked may have gone; the same request can come again
}

// token reads a request as it came: the token alone, or in the member rqJWT.
func token(w http.ResponseWriter, r *http.Request) (string, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ddrf.MaxToken+256))
	if err != nil {
		return "", ddrf.NotAToken
	}
	text := strings.TrimSpace(string(b))
	if !strings.HasPrefix(text, "{") {
		return text, nil
	}
	var in struct {
		Token string `json:"rqJWT"`
	}
	if json.Unmarshal([]byte(text), &in) != nil {
		return "", ddrf.NotAToken
	}
	return in.Token, nil
}

// receive takes a request, and acknowledges it or says what is wrong.
func (d *door) receive(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	now := d.Now()
	rq, err := token(w, r)
	var c ddrf.Chain
	if err == nil {
		c, err = d.Partners.Verify(rq, d.own, now)
	}
	if err == nil {
		err = d.take(r.Context(), c, rq)
	}
	refusal, ruled := errors.AsType[ddrf.Refusal](err)
	switch {
	case err == nil:
		d.acknowledge(w, r, http.StatusAccepted, rq, ddrf.Refusal{Code: ddrf.Successful})
	case !ruled:
		d.Log.ErrorContext(r.Context(), "a request that was passed on was not taken", slog.String("cause", err.Error()))
		web.WriteProblem(w, r, web.ProblemOf(thimble.ErrUnavailable))
	default:
		if wait, ok := d.wrong.Allow(web.Network(r.RemoteAddr)); !ok {
			w.Header().Set("Retry-After", web.RetryAfter(wait))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		d.Log.WarnContext(r.Context(), "a request that was passed on was not taken", slog.String("rule", refusal.Text))
		if refusal.Code == ddrf.InvalidSignature || refusal.Code == ddrf.InvalidToken {
			rq = "" // what a stranger wrote is not signed here
		}
		d.acknowledge(w, r, http.StatusBadRequest, rq, refusal)
	}
}

// take opens the case. Nothing tells whether anybody is known.
func (d *door) take(ctx context.Context, c ddrf.Chain, rq string) error {
	id, err := subject.NewIdentifier(kinds[c.Subject.Type], c.Subject.Value)
	if err != nil {
		return ddrf.BadFormat
	}
	found, err := d.Find(ctx, []subject.Identifier{id})
	if err != nil {
		return err
	}
	return d.Store.Receive(ctx, c, rq, found[0])
}

func (d *door) acknowledge(w http.ResponseWriter, r *http.Request, status int, rq string, said ddrf.Refusal) {
	id, err := thimble.NewID(nil)
	var ac string
	if err == nil {
		ac, err = d.Signer.Acknowledge(id.Token("ack"), rq, said.Code, said.Text, d.Now())
	}
	if err != nil {
		d.Log.ErrorContext(r.Context(), "a request that was passed on was not acknowledged", slog.String("cause", err.Error()))
		web.WriteProblem(w, r, web.ProblemOf(thimble.ErrUnavailable))
		return
	}
	answer(w, status, map[string]string{"acJWT": ac})
}
