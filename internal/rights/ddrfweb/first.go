package ddrfweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/ddrf"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
)

// Caller is the way out; *wire.Sender is one.
type Caller interface {
	Check(address string, hosts []string) error
	Call(ctx context.Context, c wire.Call) wire.Answer
}

// A First passes erasures on to systems outside that take part in the framework, as the firm
// that the person asked or as the next of a chain. It implements systemsdb.Speaker.
type First struct {
	caller   Caller
	partners ddrf.Partners
	signer   func(ctx context.Context) (*ddrf.Signer, error)
	now      func() time.Time
}

// NewFirst returns one. The signer is asked for at each request.
func NewFirst(c Caller, p ddrf.Partners, signer func(ctx context.Context) (*ddrf.Signer, error), now func() time.Time) *First {
	return &First{c, p, signer, now}
}

// Why a firm was not told, beside the words of the transport.
const (
	NoPartner       wire.Why = "no-discovery-file"       // the operator has saved none of the firm
	NotTaken        wire.Why = "identifier-not-taken"    // its file has no such identifier
	NotAcknowledged wire.Why = "answer-not-acknowledged" // what it answered acknowledges nothing
)

// refusals are the framework's result codes, as words that may be kept.
var refusals = map[ddrf.Code]wire.Why{
	ddrf.MalformedRequest: "refused-as-malformed", ddrf.InvalidSignature: "refused-signature", ddrf.InvalidToken: "refused-token",
	ddrf.UnsupportedType: "refused-identifier-type", ddrf.IncorrectFormat: "refused-identifier-format", ddrf.InvalidTimestamp: "refused-time",
}

// types are the identifiers as the framework's files have them. It lists none; a firm that
// takes the shop's numbers or its own pseudonyms says so by these words.
var types = map[systems.Names]string{systems.Email: "email", systems.Account: "account", systems.Pseudonym: "pseudonym"}

// partner returns the discovery file of a system's domain.
func (f *First) partner(y systems.System) (domain string, d ddrf.Discovery, ok bool) {
	u, err := url.Parse(y.Endpoint)
	if err != nil {
		return "", d, false
	}
	domain = strings.ToLower(u.Hostname())
	d, ok = f.partners[domain]
	return domain, d, ok
}

// Takes implements systemsdb.Speaker: the firm's file says whether it takes what it would
// be told, and where.
func (f *First) Takes(y systems.System) error {
	_, d, ok := f.partner(y)
	if !ok {
		return &systems.FieldError{Field: "endpoint", Rule: "https and a domain whose dsrdelete.json is in the folder of deletion-partners"}
	}
	if _, ok := d.Write(types[y.Names], ""); !ok {
		return &systems.FieldError{Field: "names", Rule: fmt.Sprintf("what the firm's dsrdelete.json takes (%q, as raw or sha256, is not in it)", types[y.Names])}
	}
	if f.caller.Check(d.Endpoint, hosts(d)) != nil {
		return &systems.FieldError{Field: "endpoint", Rule: "a firm whose dsrdelete.json has an endpoint on the public internet"}
	}
	return nil
}

// hosts is the firm's list: that of the endpoint in its file.
func hosts(d ddrf.Discovery) []string {
	if u, err := url.Parse(d.Endpoint); err == nil {
		return []string{u.Hostname()}
	}
	return nil
}

// Speak implements systemsdb.Speaker: it sends one request for each identifier. The task is
// acknowledged when all are; until then all are sent again, as they were.
func (f *First) Speak(ctx context.Context, y systems.System, _ string, n systems.Notice, t systems.Task) systemsdb.Said {
	domain, d, ok := f.partner(y)
	if !ok {
		return failed(wire.Permanent, NoPartner, 0)
	}
	del := ddrf.Deletion{ID: n.Task, Asked: n.Asked}
	in, chained := ddrf.Names(n.Chain)
	for _, named := range n.Identifiers {
		// An idJWT has its identifier in the open: it goes to who is told that one anyway, and
		// takes it in that form.
		if chained && in.Type == types[named.Kind] && in.Value == named.Value && d.Takes(in) {
			del.Chain = n.Chain
		}
		id, ok := d.Write(types[named.Kind], named.Value)
		if !ok {
			return failed(wire.Permanent, NotTaken, 0)
		}
		del.Identifiers = append(del.Identifiers, id)
	}
	signer, err := f.signer(ctx)
	var requests []string
	if err == nil {
		requests, err = signer.Requests(del, f.now())
	}
	if err != nil {
		return failed(wire.Retry, "not-set-up", 0)
	}
	sum := sha256.New()
	said := systemsdb.Said{Outcome: wire.Outcome{State: wire.Delivered}}
	for _, rq := range requests {
		ac, out := f.send(ctx, t.ID, domain, d, rq)
		if said.Outcome = out; out.State != wire.Delivered {
			return said
		}
		sum.Write([]byte(ac + "\n"))
	}
	said.Events = []systems.Event{{What: systems.HasAcknowledged, Proof: "acJWT signed by " + domain + ", SHA-256 " + hex.EncodeToString(sum.Sum(nil))}}
	return said
}

func failed(state wire.State, why wire.Why, status int) systemsdb.Said {
	return systemsdb.Said{Outcome: wire.Outcome{State: state, Why: why, Status: status}}
}

// send sends one request, and returns the acknowledgement that came back when it is one.
func (f *First) send(ctx context.Context, id thimble.ID, domain string, d ddrf.Discovery, rq string) (ac string, out wire.Outcome) {
	body, err := json.Marshal(map[string]string{"rqJWT": rq})
	if err != nil {
		return "", failed(wire.Retry, wire.MessageInvalid, 0).Outcome
	}
	a := f.caller.Call(ctx, wire.Call{ID: id, Method: http.MethodPost, URL: d.Endpoint, Hosts: hosts(d), Body: thimble.Hide(body),
		Head: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}})
	if a.State != wire.Delivered && a.Status != http.StatusBadRequest {
		return "", a.Outcome
	}
	ac = ddrf.Answered(a.Body.Reveal()) // it is verified, and its digest is kept
	receipt, err := ddrf.Acknowledged(ac, domain, d, rq)
	switch {
	case a.State != wire.Delivered && err != nil: // it may say so of a token that it did not sign
		return "", a.Outcome
	case err != nil:
		return "", failed(wire.Retry, NotAcknowledged, a.Status).Outcome
	case receipt.Code == ddrf.Successful && a.State == wire.Delivered:
		return ac, a.Outcome
	case refusals[receipt.Code] != "":
		return "", failed(wire.Permanent, refusals[receipt.Code], a.Status).Outcome
	}
	return "", failed(wire.Retry, NotAcknowledged, a.Status).Outcome
}
