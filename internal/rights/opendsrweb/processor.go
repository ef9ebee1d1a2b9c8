package opendsrweb

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/web"
)

// The paths of a processor.
const (
	DiscoveryPath   = "/v2/discovery"
	RequestsPath    = "/v2/requests"
	resultsPattern  = opendsrdb.ResultsPath + "{results}"
	CertificatePath = "/v2/certificate.pem"
)

// How many requests may come from one network.
const (
	Every = 200 * time.Millisecond
	Burst = 100
)

// A Desk takes what controllers ask; *opendsrdb.Store does.
type Desk interface {
	Authenticate(ctx context.Context, token string) (opendsrdb.Controller, error)
	Receive(ctx context.Context, c opendsrdb.Controller, r opendsr.Request) (opendsrdb.Held, error)
	Standing(ctx context.Context, c opendsrdb.Controller, id string) (opendsrdb.Held, error)
	Cancel(ctx context.Context, c opendsrdb.Controller, id string) (opendsrdb.Held, error)
	Says(h opendsrdb.Held, callback string) (body []byte, head http.Header, err error)
	Sign(body []byte) (http.Header, error)
	Whose(ctx context.Context, c opendsrdb.Controller, results string) (thimble.SubjectID, error)
	Copied(ctx context.Context) (bool, error)
}

// A Copier writes everything that is held about a person, as people take it along, and
// records that it was handed over. The error is of kind ErrNotFound for who is erased.
type Copier func(ctx context.Context, w io.Writer, who thimble.SubjectID) error

type processor struct {
	desk   Desk
	copies Copier
	signer *opendsr.Signer
	base   string
	limit  *web.Limiter
}

// Patterns are what a processor answers to.
func Patterns() []string {
	return []string{"GET " + DiscoveryPath, "GET " + CertificatePath, "POST " + RequestsPath, "GET " + RequestsPath + "/{id}", "DELETE " + RequestsPath + "/{id}", "GET " + resultsPattern}
}

// Processor answers controllers. base is the address of this installation.
func Processor(d Desk, copies Copier, signer *opendsr.Signer, base string, limit *web.Limiter) http.Handler {
	p := &processor{desk: d, copies: copies, signer: signer, base: base, limit: limit}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+DiscoveryPath, p.discovery)
	mux.HandleFunc("GET "+CertificatePath, p.certificate)
	mux.HandleFunc("POST "+RequestsPath, p.with(p.request))
	mux.HandleFunc("GET "+RequestsPath+"/{id}", p.with(p.standing))
	mux.HandleFunc("DELETE "+RequestsPath+"/{id}", p.with(p.cancel))
	mux.HandleFunc("GET "+resultsPattern, p.with(p.results))
	return mux
}

// discovery says what can be asked for: what is held can be looked up as it is, and not
// under a hash. Copies are named when somebody may ask for them.
func (p *processor) discovery(w http.ResponseWriter, r *http.Request) {
	copied, err := p.desk.Copied(r.Context())
	if err != nil {
		p.fail(w, err)
		return
	}
	types := []opendsr.Type{opendsr.Erasure}
	if copied {
		types = opendsr.Types()
	}
	body, err := json.Marshal(opendsr.Discovery{Version: opendsr.Version, Types: types, Certificate: p.base + CertificatePath,
		Identities: []opendsr.Supported{{Type: opendsr.CustomerID, Format: opendsr.Raw}, {Type: opendsr.Email, Format: opendsr.Raw}}})
	p.signed(w, http.StatusOK, body, err)
}

func (p *processor) certificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(p.signer.PEM()) // who asked may have gone
}

// with lets in a controller that is registered.
func (p *processor) with(next func(http.ResponseWriter, *http.Request, opendsrdb.Controller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := p.limit.Allow(web.Network(r.RemoteAddr)); !ok {
			w.Header().Set("Retry-After", web.RetryAfter(wait))
			p.refuse(w, http.StatusTooManyRequests, opendsr.Detail{Domain: "Quota", Reason: "TooManyRequests", Message: "Come again later."})
			return
		}
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		c, err := p.desk.Authenticate(r.Context(), token)
		switch {
		case errors.Is(err, thimble.ErrUnavailable):
			p.fail(w, err)
		case err != nil || !bearer:
			p.refuse(w, http.StatusUnauthorized, opendsr.Detail{Domain: "Authentication", Reason: "UnknownController", Message: "The token of a registered controller was expected."})
		default:
			next(w, r, c)
		}
	}
}

func (p *processor) request(w http.ResponseWriter, r *http.Request, c opendsrdb.Controller) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, opendsr.MaxBody+1))
	var asked opendsr.Request
	if err != nil {
		err = &opendsr.Fault{Field: "body", Rule: "at most 64 KiB were expected", Reason: "TooLarge"}
	} else {
		asked, err = opendsr.ParseRequest(body)
	}
	var h opendsrdb.Held
	if err == nil {
		h, err = p.desk.Receive(r.Context(), c, asked)
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	answer, err := json.Marshal(opendsr.Receipt{Controller: c.ID.Token(opendsrdb.ControllerPrefix), Expected: h.Expected, Received: h.Received, Encoded: base64.StdEncoding.EncodeToString(body), ID: h.ID})
	p.signed(w, http.StatusCreated, answer, err)
}

func (p *processor) standing(w http.ResponseWriter, r *http.Request, c opendsrdb.Controller) {
	id, err := opendsr.ParseRequestID(r.PathValue("id"))
	var h opendsrdb.Held
	if err == nil {
		h, err = p.desk.Standing(r.Context(), c, id)
	}
	var body []byte
	if err == nil {
		body, _, err = p.desk.Says(h, "")
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	p.signed(w, http.StatusOK, body, nil)
}

func (p *processor) cancel(w http.ResponseWriter, r *http.Request, c opendsrdb.Controller) {
	id, err := opendsr.ParseRequestID(r.PathValue("id"))
	var h opendsrdb.Held
	if err == nil {
		h, err = p.desk.Cancel(r.Context(), c, id)
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	body, err := json.Marshal(opendsr.Cancellation{Controller: c.ID.Token(opendsrdb.ControllerPrefix), ID: h.ID, Received: h.Received, Version: opendsr.Version})
	p.signed(w, http.StatusAccepted, body, err)
}

// results hands a copy over, to the controller that asked for it. All of it is made before
// the first byte leaves: the signature is over all of it, and an error is no half file.
func (p *processor) results(w http.ResponseWriter, r *http.Request, c opendsrdb.Controller) {
	who, err := p.desk.Whose(r.Context(), c, r.PathValue("results"))
	var file bytes.Buffer
	if err == nil {
		err = p.copies(r.Context(), &file, who)
	}
	var head http.Header
	if err == nil {
		head, err = p.desk.Sign(file.Bytes())
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	for name, v := range head {
		w.Header()[name] = v
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="copy.zip"`)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(file.Bytes()) // who asked may have gone, and can ask again
}

// signed writes an answer with its signature.
func (p *processor) signed(w http.ResponseWriter, status int, body []byte, err error) {
	var head http.Header
	if err == nil {
		head, err = p.desk.Sign(body)
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	for name, v := range head {
		w.Header()[name] = v
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked may have gone
}

// fail says what is wrong, by the kind of an error.
func (p *processor) fail(w http.ResponseWriter, err error) {
	fault, ok := errors.AsType[*opendsr.Fault](err)
	switch {
	case ok:
		p.refuse(w, http.StatusBadRequest, opendsr.DetailOf(fault))
	case errors.Is(err, thimble.ErrNotFound):
		p.refuse(w, http.StatusNotFound, opendsr.Detail{Domain: "Request", Reason: "NotFound", Message: "The controller has no request with this id, or no copy at this address any more."})
	case errors.Is(err, thimble.ErrConflict) && !errors.Is(err, thimble.ErrUnavailable): // a copy that waits is both
		p.refuse(w, http.StatusConflict, opendsr.Detail{Domain: "Request", Reason: "Conflict", Message: "Another request has this id, or it is not pending any more."})
	default:
		p.refuse(w, http.StatusServiceUnavailable, opendsr.Detail{Domain: "Server", Reason: "Unavailable", Message: "Come again later; nothing was lost."})
	}
}

func (p *processor) refuse(w http.ResponseWriter, code int, d opendsr.Detail) {
	body := opendsr.ProblemOf(code, d)
	if head, err := p.desk.Sign(body); err == nil {
		for name, v := range head {
			w.Header()[name] = v
		}
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body) // who asked may have gone
}
