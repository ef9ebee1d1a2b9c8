package opendsrweb

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
)

// CallbackPath is where processors tell how far they are; the system's token follows.
const CallbackPath = "/opendsr/callbacks/"

// Caller is the way out; *wire.Sender is one.
type Caller interface {
	Call(ctx context.Context, c wire.Call) wire.Answer
}

// A Controller speaks to the systems outside that are processors of the shop.
type Controller struct {
	caller Caller
	base   string         // the address of this installation
	roots  *x509.CertPool // nil: the machine's
	now    func() time.Time

	mu    sync.Mutex
	known map[thimble.ID]known
}

// known is what a processor has said about itself.
type known struct {
	endpoint string
	cert     *opendsr.Certificate
	says     opendsr.Discovery
	until    time.Time
}

// NewController returns one.
func NewController(c Caller, base string, roots *x509.CertPool, now func() time.Time) *Controller {
	return &Controller{caller: c, base: base, roots: roots, now: now, known: map[thimble.ID]known{}}
}

// Why a processor was not told, beside the words of the transport.
const (
	NoDiscovery   wire.Why = "no-discovery"            // it does not say what it takes
	NotSupported  wire.Why = "not-supported"           // it does not take such a request, or no such identity
	NotTrusted    wire.Why = "certificate-not-valid"   // of no authority that is trusted, or not for its domain
	NotSigned     wire.Why = "answer-not-signed"       // its answer is not signed by its certificate
	NotUnderstood wire.Why = "answer-not-understood"   // it is signed, and no answer of the protocol
	NoLaw         wire.Why = "request-not-expressible" // the protocol has no words for what is asked
)

const (
	askAgain = 6 * time.Hour  // how far a processor is, when it does not call back
	trustFor = 24 * time.Hour // what it said about itself
)

var typeOf = map[cases.Kind]opendsr.Type{cases.Erase: opendsr.Erasure, cases.Access: opendsr.Access, cases.Port: opendsr.Portability}

// Takes implements systemsdb.Speaker: what a processor takes it says when it is asked.
func (c *Controller) Takes(systems.System) error { return nil }

// Speak implements systemsdb.Speaker: it passes a request on, or asks how far one is that
// was passed on.
func (c *Controller) Speak(ctx context.Context, y systems.System, secret string, n systems.Notice, t systems.Task) systemsdb.Said {
	about, why := c.discover(ctx, y, t.ID)
	if why != "" {
		return c.failed(why)
	}
	head := http.Header{"Accept": {"application/json"}}
	if secret != "" {
		head.Set("Authorization", "Bearer "+secret)
	}
	uuid, _, told := strings.Cut(t.Remote, " ")
	if told {
		a := c.caller.Call(ctx, wire.Call{ID: t.ID, Method: http.MethodGet, URL: y.Endpoint + RequestsPath + "/" + uuid, Hosts: systemsdb.Hosts(y), Head: head})
		return c.stands(about, a, t)
	}
	body, why := c.request(y, n, uuid, about.says)
	if why != "" {
		return c.failed(why)
	}
	head.Set("Content-Type", "application/json")
	a := c.caller.Call(ctx, wire.Call{ID: t.ID, Method: http.MethodPost, URL: y.Endpoint + RequestsPath, Hosts: systemsdb.Hosts(y), Head: head, Body: thimble.Hide(body)})
	return c.received(about, a, uuid)
}

func (c *Controller) failed(why wire.Why) systemsdb.Said {
	state := wire.Retry
	if why == NotSupported || why == NoLaw || why == NotTrusted {
		state = wire.Permanent
	}
	return systemsdb.Said{Outcome: wire.Outcome{State: state, Why: why}}
}

// request writes what is asked, with what the processor takes of whom it is about.
func (c *Controller) request(y systems.System, n systems.Notice, uuid string, says opendsr.Discovery) ([]byte, wire.Why) {
	kind, ok := typeOf[n.Request]
	if !ok {
		return nil, NoLaw
	}
	r := opendsr.Request{Regulation: opendsr.GDPR, ID: uuid, Type: kind, Submitted: n.Asked, Callbacks: []string{c.base + CallbackPath + y.ID.Token(systems.SystemPrefix)}}
	for _, named := range n.Identifiers {
		i := opendsr.Identity{Type: opendsr.CustomerID, Value: thimble.Hide(named.Value), Format: opendsr.Raw}
		if named.Kind == systems.Email {
			i.Type = opendsr.Email
		}
		if !says.Supports(kind, i.Type, i.Format) {
			return nil, NotSupported
		}
		r.Identities = append(r.Identities, i)
	}
	body, err := r.Marshal()
	if err != nil {
		return nil, NoLaw
	}
	return body, ""
}

// received reads the answer to a request, when its signature holds.
func (c *Controller) received(about known, a wire.Answer, uuid string) systemsdb.Said {
	said := systemsdb.Said{Outcome: a.Outcome, Again: askAgain}
	if a.State != wire.Delivered {
		return said
	}
	if err := about.verify(a.Head, a.Body.Reveal()); err != nil { // the signature is over all of it
		return systemsdb.Said{Outcome: wire.Outcome{State: wire.Permanent, Why: NotSigned, Status: a.Status}}
	}
	r, err := opendsr.ParseReceipt(a.Body.Reveal(), uuid) // it names the request and nobody
	if err != nil {
		return systemsdb.Said{Outcome: wire.Outcome{State: wire.Permanent, Why: NotUnderstood, Status: a.Status}}
	}
	said.Remote = uuid + " " + r.Controller
	said.Events = []systems.Event{{What: systems.HasAcknowledged, Proof: about.proof()}}
	return said
}

// stands reads how far a request is.
func (c *Controller) stands(about known, a wire.Answer, t systems.Task) systemsdb.Said {
	said := systemsdb.Said{Outcome: a.Outcome, Again: askAgain}
	if a.State != wire.Delivered {
		if a.State == wire.Permanent {
			said.State = wire.Retry // it was told: that an answer fails takes nothing back
		}
		return said
	}
	body := a.Body.Reveal() // the signature is over all of it
	if err := about.verify(a.Head, body); err != nil {
		return systemsdb.Said{Outcome: wire.Outcome{State: wire.Retry, Why: NotSigned, Status: a.Status}}
	}
	st, err := opendsr.ParseStanding(body)
	if err != nil || t.Remote != st.ID+" "+st.Controller {
		return systemsdb.Said{Outcome: wire.Outcome{State: wire.Retry, Why: NotUnderstood, Status: a.Status}}
	}
	said.Events = eventsOf(st.Status, about.proof())
	return said
}

// eventsOf is what follows from a status.
func eventsOf(s opendsr.Status, proof string) []systems.Event {
	switch s {
	case opendsr.Completed:
		return []systems.Event{{What: systems.HasDone, Proof: proof}}
	case opendsr.Cancelled:
		return []systems.Event{{What: systems.HasRefused, Why: string(systems.NotPossible), Proof: proof}}
	}
	return []systems.Event{{What: systems.HasAcknowledged, Proof: proof}}
}

func (k known) proof() string {
	return "OpenDSR signature by certificate " + k.cert.Fingerprint()
}

func (k known) verify(h http.Header, body []byte) error {
	domain, signature, err := opendsr.Signed(h)
	if err != nil {
		return err
	}
	return k.cert.Verify(domain, signature, body)
}

// discover asks a processor what it takes, and for the certificate by which it signs, which
// has to be for its own domain. id is what the meter is asked for.
func (c *Controller) discover(ctx context.Context, y systems.System, id thimble.ID) (known, wire.Why) {
	c.mu.Lock()
	k, ok := c.known[y.ID]
	c.mu.Unlock()
	if now := c.now(); ok && k.endpoint == y.Endpoint && now.Before(k.until) && k.cert.Valid(now) {
		return k, ""
	}
	get := func(address string) (wire.Answer, []byte) {
		a := c.caller.Call(ctx, wire.Call{ID: id, Method: http.MethodGet, URL: address, Hosts: systemsdb.Hosts(y), Head: http.Header{"Accept": {"application/json, application/x-pem-file"}}})
		return a, a.Body.Reveal() // nothing of a person: what a processor says about itself
	}
	a, body := get(y.Endpoint + DiscoveryPath)
	if a.State != wire.Delivered {
		return k, orElse(a.Why, NoDiscovery)
	}
	says, err := opendsr.ParseDiscovery(body)
	if err != nil {
		return k, NoDiscovery
	}
	if a, body = get(says.Certificate); a.State != wire.Delivered {
		return k, orElse(a.Why, NoDiscovery)
	}
	host, err := url.Parse(y.Endpoint)
	var cert *opendsr.Certificate
	if err == nil {
		cert, err = opendsr.ParseCertificate(body, host.Hostname(), c.roots, c.now())
	}
	if err != nil {
		return k, NotTrusted
	}
	k = known{endpoint: y.Endpoint, cert: cert, says: says, until: c.now().Add(trustFor)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) > 1000 {
		clear(c.known) // systems that have ended
	}
	c.known[y.ID] = k
	return k, ""
}

func orElse(why, other wire.Why) wire.Why {
	if why == "" {
		return other
	}
	return why
}

// Callback takes what a processor says of itself by a callback. Nothing of the body is read
// before its signature holds. The error is of kind ErrDenied for what is not the system's.
func (c *Controller) callback(ctx context.Context, s Tasks, id thimble.ID, head http.Header, body []byte) error {
	y, err := s.System(ctx, id)
	if err != nil || y.Means != systems.Processor {
		return errors.Join(err, thimble.ErrDenied)
	}
	about, why := c.discover(ctx, y, y.ID)
	if why != "" {
		return thimble.ErrUnavailable // it is to be said again
	}
	if err := about.verify(head, body); err != nil {
		return err
	}
	st, err := opendsr.ParseStanding(body)
	if err != nil {
		return err
	}
	if st.Callback != c.base+CallbackPath+y.ID.Token(systems.SystemPrefix) {
		return &opendsr.Fault{Field: "status_callback_url", Rule: "the address that was given was expected", Reason: "AnotherCallback"}
	}
	t, err := s.ByRemote(ctx, y.ID, st.ID)
	if err != nil {
		return err
	}
	if remote := st.ID + " " + st.Controller; t.Remote != remote && t.Remote != st.ID {
		return &opendsr.Fault{Field: "controller_id", Rule: "the one of the receipt was expected", Reason: "AnotherController"}
	}
	if t.State.Settled() && !st.Status.Final() {
		return &opendsr.Fault{Field: "request_status", Rule: "it does not go back", Reason: "StaleStatus"}
	}
	return s.Heard(ctx, y.ID, t.ID, eventsOf(st.Status, about.proof())[0], cases.ASystem)
}
