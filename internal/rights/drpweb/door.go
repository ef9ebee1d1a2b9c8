package drpweb

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/agents"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/drp"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// Base is the path of the "api_base" in a service directory.
const Base = "/drp"

// Registry knows agents; *agentsdb.Store does.
type Registry interface {
	Get(ctx context.Context, id string) (agents.Agent, error)
	Token(ctx context.Context, id string, setup [32]byte) (string, error)
	Bearer(ctx context.Context, token string) (agents.Agent, error)
}

// Cases keeps requests; *casesdb.Store does.
type Cases interface {
	OpenSigned(ctx context.Context, a casesdb.Asked, g casesdb.Signed) (c cases.Case, repeated bool, err error)
	OfAgent(ctx context.Context, agent string, id thimble.ID) (casesdb.AgentCase, error)
	RevokeSigned(ctx context.Context, agent string, id thimble.ID) error
}

// Deps are what the door is made of.
type Deps struct {
	Business string // this business in the service directory
	Registry Registry
	Cases    Cases
	// Find returns the subject of each identifier, the zero id for none.
	Find func(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
	// Page is where the person sees a request.
	Page func(id thimble.ID) string
	Now  func() time.Time
	Log  *slog.Logger
}

// Wrong messages: so many at once from one network, and then one every so often.
const (
	wrongBurst = 20
	wrongEvery = 5 * time.Second
)

type door struct {
	Deps
	wrong *web.Limiter
}

const requests = Base + "/v1/data-rights-request"

// Patterns are what the handler takes messages at.
func Patterns() []string {
	return []string{"POST " + Base + "/v1/agent/{agent}", "POST " + requests, "DELETE " + requests + "/{request}"}
}

// Handler serves the protocol below [Base].
func Handler(deps Deps) http.Handler {
	d := &door{deps, web.NewLimiter(wrongEvery, wrongBurst, deps.Now)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Base+"/v1/agent/{agent}", d.setUp)
	mux.HandleFunc("GET "+Base+"/v1/agent/{agent}", d.check)
	mux.HandleFunc("POST "+requests, d.exercise)
	mux.HandleFunc("POST "+requests+"/{$}", d.exercise) // as before version 0.9.3
	mux.HandleFunc("GET "+requests+"/{request}", d.status)
	mux.HandleFunc("DELETE "+requests+"/{request}", d.revoke)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// refuse answers what was not taken. Who may not gets no word.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal, ruled := errors.AsType[drp.Refusal](err)
	denied := errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound)
	if wait, ok := d.wrong.Allow(web.Network(r.RemoteAddr)); !ok && (denied || ruled) {
		w.Header().Set("Retry-After", web.RetryAfter(wait))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	switch {
	case denied && !errors.Is(err, thimble.ErrUnavailable):
		d.Log.WarnContext(r.Context(), "a message of an agent was not taken", slog.String("rule", string(refusal)))
		w.WriteHeader(http.StatusForbidden)
	case ruled:
		answer(w, http.StatusBadRequest, drp.ProblemOf(http.StatusBadRequest, string(refusal), refusal.Fatal()))
	case errors.Is(err, thimble.ErrConflict):
		answer(w, http.StatusConflict, drp.ProblemOf(http.StatusConflict, "It is being done, or it is answered.", false))
	default:
		d.Log.ErrorContext(r.Context(), "a message of an agent was not taken", slog.String("cause", err.Error()))
		answer(w, http.StatusServiceUnavailable, drp.ProblemOf(http.StatusServiceUnavailable, "Nothing was done. The same message can be sent again.", false))
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // who asked may have gone; the same message can come again
}

// message reads a body within bounds.
func message(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, drp.MaxMessage+1))
	if err != nil {
		return nil, drp.NotDecoded
	}
	return b, nil
}

// bearer is the agent that the token of a request belongs to.
func (d *door) bearer(r *http.Request) (agents.Agent, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return agents.Agent{}, thimble.ErrDenied
	}
	return d.Registry.Bearer(r.Context(), token)
}

// nobody's key takes the place of that of an agent that is not there, so that the answer
// takes the same work.
var nobodys = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)

// setUp gives an agent a token (section 2.05).
func (d *door) setUp(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("agent")
	body, err := message(w, r)
	a, unknown := d.Registry.Get(r.Context(), id)
	if unknown != nil {
		a.Key = nobodys
	}
	var m drp.Message
	if err == nil {
		m, err = drp.Open(body, a.Key)
	}
	var e drp.Envelope
	if err == nil {
		e, err = drp.ParseEnvelope(m.Document)
	}
	if err == nil {
		err = e.Check(id, d.Business, d.Now())
	}
	if err == nil {
		err = unknown
	}
	var token string
	if err == nil {
		token, err = d.Registry.Token(r.Context(), id, m.Digest)
	}
	if refusal, ok := errors.AsType[drp.Refusal](err); ok {
		err = errors.Join(refusal, thimble.ErrDenied) // all failures are one: section 2.05.1
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"agent-id": id, "token": token})
}

// check tells an agent that its token is good (section 2.06).
func (d *door) check(w http.ResponseWriter, r *http.Request) {
	a, err := d.bearer(r)
	if err == nil && a.ID != r.PathValue("agent") {
		err = drp.OtherAgent
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// NoIdentity says that nobody can be found by what a request says of the person.
const NoIdentity drp.Refusal = "email or phone_number was expected, in a form that such have"

// exercise takes a request (section 2.01).
func (d *door) exercise(w http.ResponseWriter, r *http.Request) {
	a, err := d.bearer(r)
	var body []byte
	if err == nil {
		body, err = message(w, r)
	}
	var e drp.Exercise
	if err == nil {
		e, err = drp.Take(body, a.Key, a.ID, d.Business, d.Now())
	}
	var who thimble.SubjectID
	if err == nil {
		who, err = d.find(r.Context(), e)
	}
	var c cases.Case
	if err == nil {
		kind, _ := e.Action.Kind()
		c, _, err = d.Cases.OpenSigned(r.Context(),
			casesdb.Asked{Subject: who, Kind: kind, Agency: cases.Agency{Agent: a.ID, AgentName: a.Name, Stated: e.Stated}},
			casesdb.Signed{Digest: e.Digest, Asked: string(e.Action), Reference: e.Reference, Attorney: e.Attorney, Calls: a.Callback != "" && e.Callback == a.Callback})
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	d.tell(w, r, a, c.ID)
}

// find returns who is meant. Identifiers that lead to two people lead to nobody.
func (d *door) find(ctx context.Context, e drp.Exercise) (who thimble.SubjectID, err error) {
	var ids []subject.Identifier
	for kind, said := range map[subject.Kind]thimble.Personal[string]{subject.Email: e.Email, subject.Phone: e.Phone} {
		if said.Reveal() == "" { // to see that there is one
			continue
		}
		id, err := subject.Normalize(subject.Identifier{Kind: kind, Value: said})
		if err != nil {
			return who, NoIdentity
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return who, NoIdentity
	}
	found, err := d.Find(ctx, ids)
	if err != nil {
		return who, err
	}
	for _, f := range found {
		if !f.IsZero() && !who.IsZero() && f != who {
			return thimble.SubjectID{}, nil
		}
		if !f.IsZero() {
			who = f
		}
	}
	return who, nil
}

// tell answers with the status of a request of the agent.
func (d *door) tell(w http.ResponseWriter, r *http.Request, a agents.Agent, id thimble.ID) {
	c, err := d.Cases.OfAgent(r.Context(), a.ID, id)
	var b []byte
	if err == nil {
		b, err = StatusOf(c, d.Page, d.Now()).Marshal()
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, json.RawMessage(b))
}

// StatusOf is the status that an agent is told of a request of its own.
func StatusOf(c casesdb.AgentCase, page func(thimble.ID) string, now time.Time) drp.Status {
	s := drp.StatusOf(drp.View{Case: c.Case, Revoked: c.Revoked, Now: now, Page: page(c.ID)})
	s.Reference = c.Reference
	return s
}

// status says where a request is (section 2.02). Another's request is 403, as the
// specification has it, and so is one that never was.
func (d *door) status(w http.ResponseWriter, r *http.Request) {
	a, err := d.bearer(r)
	var id thimble.ID
	if err == nil {
		id, err = named(r)
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	d.tell(w, r, a, id)
}

func named(r *http.Request) (thimble.ID, error) {
	id, err := drp.ParseUUID(r.PathValue("request"))
	if err != nil {
		return id, errors.Join(err, thimble.ErrDenied)
	}
	return id, nil
}

// revoke takes a request back (section 2.04).
func (d *door) revoke(w http.ResponseWriter, r *http.Request) {
	a, err := d.bearer(r)
	var id thimble.ID
	if err == nil {
		id, err = named(r)
	}
	var body []byte
	if err == nil {
		body, err = message(w, r)
	}
	var m drp.Message
	if err == nil {
		m, err = drp.Open(body, a.Key)
	}
	if err == nil {
		e, sealed, parseErr := drp.ParseReason(m.Document)
		if err = parseErr; err == nil && sealed {
			err = e.Check(a.ID, d.Business, d.Now())
		}
	}
	if err == nil {
		err = d.Cases.RevokeSigned(r.Context(), a.ID, id)
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	d.tell(w, r, a, id)
}
