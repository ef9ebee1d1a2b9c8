package canary

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/agents"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/ddrf"
	"thimble/internal/rights/drp"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/rights/systems"
)

// The ways in of protocols, beside the pages at which wrong messages come in.
const (
	agentDoor      = "request of an agent"
	chainDoor      = "request of a chain of deletion"
	controllerDoor = "request of a controller"
	systemDoor     = "answer of a system"
)

const (
	business  = "CANARY_SHOP"
	agentName = "CANARY_AGENT"
	firmName  = "publisher.example"
)

// outside is who is told, and who asks, over a network that ends on this machine: systems of
// the shop, and a firm of the IAB's framework. It keeps in memory what it is told.
type outside struct {
	at                  string // its address
	partners, cert, key string // folders and files
	server              *http.Server
	hangsUp             net.Listener // who answers nobody
	firm                *ddrf.Signer

	mu    sync.Mutex
	tasks []string // that it was told of
}

func openOutside(dir string) (*outside, error) {
	o := &outside{partners: filepath.Join(dir, "partners"), cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	o.at = l.Addr().String()
	if o.hangsUp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	go hangUp(o.hangsUp) // until close
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: time.Minute}
	go func() { _ = o.server.Serve(l) }() // until close
	if err := o.files(); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *outside) close() {
	_ = o.server.Close()
	_ = o.hangsUp.Close()
}

// hangUp lets whoever calls have no answer, until the listener is closed.
func hangUp(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
	}
}

// files are the discovery file of the firm, and a certificate to sign answers with.
func (o *outside) files() (err error) {
	if o.firm, err = ddrf.NewSigner(firmName, []byte("a firm of the canary")); err != nil {
		return err
	}
	file, err := json.Marshal(ddrf.Discovery{Endpoint: "https://" + firmName + "/delete", Keys: []jose.JSONWebKey{o.firm.Public()}})
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.partners, 0o700); err != nil {
		return fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	for path, text := range map[string][]byte{
		filepath.Join(o.partners, firmName+".json"): file,
		o.cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		o.key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
		}
	}
	return nil
}

// ServeHTTP takes what a system is told.
func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var n systems.Notice
	if err != nil || json.Unmarshal(body, &n) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.tasks = append(o.tasks, n.Task)
	o.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (o *outside) told() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.tasks...)
}

// protocols has everybody ask for the person who may, and a system outside be told of them.
func (w *world) protocols(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.agent, w.chain, w.controller, w.system} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("canary: the protocols of requests: %w", err)
		}
	}
	// What was asked is done now and not at some moment of what follows: whoever looks at the
	// person while an objection takes effect is told no.
	for range 3 {
		_, settled := w.Cases.Settle(ctx)
		_, retried := w.Desk.Retry(ctx)
		_, followed := w.OpenDSR.Follow(ctx)
		if err := errors.Join(settled, retried, followed); err != nil {
			return err
		}
	}
	return nil
}

// expects says what was not answered as it should be.
func expects(what string, status, want int, text []byte) error {
	if status != want {
		return fmt.Errorf("%s was answered %d: %.300s: %w", what, status, text, thimble.ErrInvalid)
	}
	return nil
}

// agent asks in the person's place by the Data Rights Protocol, and for somebody unknown.
func (w *world) agent(ctx context.Context) error {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if _, err := w.Agents.Add(ctx, []agents.Agent{{ID: agentName, Name: "An agent", Key: public}}, "owner"); err != nil {
		return err
	}
	token := ""
	send := func(path string, more map[string]any) (int, []byte, error) {
		now := time.Now()
		d := map[string]any{"agent-id": agentName, "business-id": business, "issued-at": now.Add(-time.Second).UTC().Format(time.RFC3339), "expires-at": now.Add(5 * time.Minute).UTC().Format(time.RFC3339), "drp.version": drp.Version}
		for name, v := range more {
			d[name] = v
		}
		text, err := json.Marshal(d)
		if err != nil {
			return 0, nil, err
		}
		h := header("Content-Type", "text/plain")
		if token != "" {
			h.Set("Authorization", "Bearer "+token)
		}
		return w.ask(ctx, http.MethodPost, path, h, drp.Sign(key, text))
	}
	status, text, err := send("/drp/v1/agent/"+agentName, nil)
	var set map[string]string
	if err == nil {
		err = expects("an agent that sets itself up", status, http.StatusOK, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	if err != nil {
		return err
	}
	token = set["token"]
	for _, email := range []string{w.mail, w.email(agentDoor)} {
		for _, exercise := range []string{"access", "deletion", "sale:opt-out"} {
			status, text, err := send("/drp/v1/data-rights-request", map[string]any{
				"exercise": exercise, "regime": "ccpa", "name": w.word(agentDoor), "email": email, "email_verified": true, "phone_number": w.phoneNo, "address": w.word(agentDoor),
				"agent-request-id": w.word(agentDoor), "power_of_attorney": w.word(agentDoor), w.word(agentDoor): w.word(agentDoor),
			})
			if err == nil {
				err = expects("a request of an agent", status, http.StatusOK, text)
			}
			if err != nil {
				return err
			}
		}
		if _, _, err := send("/drp/v1/data-rights-request", map[string]any{"exercise": w.word(agentDoor), "email": email, "name": w.word(agentDoor)}); err != nil {
			return err
		}
	}
	return nil
}

// chain has another firm pass a request on, for the person, for somebody unknown, and for an
// address that is none.
func (w *world) chain(ctx context.Context) error {
	for i, value := range []string{w.mail, w.email(chainDoor), w.word(chainDoor)} {
		id := ddrf.Identifier{Value: value, Type: "email", Format: ddrf.Raw}
		idJWT, err := w.out.firm.Identify(w.word(chainDoor), id, time.Now())
		var rq string
		if err == nil {
			rq, err = w.out.firm.Request(w.word(chainDoor), idJWT, id, time.Now())
		}
		if err != nil {
			return err
		}
		status, text, err := w.ask(ctx, http.MethodPost, "/dsrdelete", header("Content-Type", "application/jwt"), []byte(rq))
		if err == nil && i < 2 {
			err = expects("a request of a chain", status, http.StatusAccepted, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// controller asks by OpenDSR: for a copy of what is held about the person, and for somebody
// unknown to be forgotten.
func (w *world) controller(ctx context.Context) error {
	_, token, err := w.OpenDSR.Register(ctx, opendsrdb.Controller{Name: "A controller", Copies: true}, "owner")
	if err != nil {
		return err
	}
	for kind, email := range map[opendsr.Type]string{opendsr.Access: w.mail, opendsr.Erasure: w.email(controllerDoor), opendsr.Portability: w.word(controllerDoor)} {
		id, err := thimble.NewID(nil)
		if err != nil {
			return err
		}
		text, err := json.Marshal(map[string]any{
			"regulation": "gdpr", "subject_request_id": opendsr.RequestID(id), "subject_request_type": kind, "submitted_time": time.Now().UTC().Format(time.RFC3339), "api_version": "2.0",
			"subject_identities": []any{map[string]any{"identity_type": "email", "identity_value": email, "identity_format": "raw"}, map[string]any{"identity_type": "email", "identity_value": hashed(w.email(controllerDoor)), "identity_format": "sha256"}},
			"extensions":         map[string]any{"shop.example": map[string]any{"note": w.word(controllerDoor)}},
		})
		if err != nil {
			return err
		}
		status, answer, err := w.ask(ctx, http.MethodPost, "/v2/requests", header("Content-Type", "application/json", "Authorization", "Bearer "+token), text)
		if err == nil {
			err = expects("a request of a controller", status, http.StatusCreated, answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// system is one outside that is told of what the person wants, by their address, and says
// that it is done. It takes part in their erasure too.
func (w *world) system(ctx context.Context) error {
	y, key, err := w.Systems.Add(ctx, systems.System{Name: "Newsletter", Kinds: []cases.Kind{cases.Erase, cases.Marketing}, Means: systems.Webhook, Endpoint: "http://" + w.out.at + "/told",
		Names: systems.Email, Necessity: "it has nothing but addresses", Days: 7}, thimble.Hide(""), "owner")
	if err != nil {
		return err
	}
	c, err := w.Cases.Open(ctx, casesdb.Asked{Subject: w.who, Kind: cases.Marketing, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		_, err = w.Cases.Accept(ctx, c.ID, cases.ThePerson, "")
	}
	if err != nil {
		return err
	}
	for range 200 {
		if len(w.out.told()) > 0 {
			break
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	told := w.out.told()
	if len(told) == 0 {
		return fmt.Errorf("the system was not told: %w", thimble.ErrUnavailable)
	}
	signing, err := wire.ParseSigningKey(key)
	if err != nil {
		return err
	}
	for _, said := range []map[string]any{
		{"task": w.word(systemDoor), "state": "done", "note": w.word(systemDoor)},
		{"task": told[0], "state": "refused", "reason": w.word(systemDoor)},
		{"task": told[0], "state": "done", "note": w.word(systemDoor) + " " + w.mail},
	} {
		text, err := json.Marshal(said)
		var h http.Header
		if err == nil {
			h, err = wire.Sign(w.word(systemDoor), time.Now(), text, signing)
		}
		if err != nil {
			return err
		}
		status, answer, err := w.ask(ctx, http.MethodPost, "/rights/systems/"+y.ID.Token(systems.SystemPrefix)+"/answers", h, text)
		if err == nil && said["state"] == "done" && said["task"] == told[0] {
			err = expects("a system's answer", status, http.StatusNoContent, answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
