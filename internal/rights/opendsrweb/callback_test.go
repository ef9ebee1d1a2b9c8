package opendsrweb

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsr/opendsrtest"
	"thimble/internal/rights/systems"
	"thimble/internal/web"
)

// far is a processor behind the way out, with what it answers by path.
type far map[string]string

func (f far) Call(_ context.Context, c wire.Call) wire.Answer {
	_, path, _ := strings.Cut(strings.TrimPrefix(c.URL, "https://"), "/")
	text, ok := f["/"+path]
	if !ok {
		return wire.Answer{Outcome: wire.Outcome{State: wire.Retry, Why: wire.Unreachable}}
	}
	return wire.Answer{Outcome: wire.Outcome{State: wire.Delivered, Status: 200}, Body: thimble.Hide([]byte(text))}
}

// one is a shop with one processor and one task there.
type one struct {
	system systems.System
	task   systems.Task
	heard  []systems.What
}

func (o *one) System(_ context.Context, id thimble.ID) (systems.System, error) {
	if id != o.system.ID {
		return systems.System{}, thimble.ErrNotFound
	}
	return o.system, nil
}

func (o *one) ByRemote(_ context.Context, _ thimble.ID, remote string) (systems.Task, error) {
	if !strings.HasPrefix(o.task.Remote, remote) {
		return systems.Task{}, thimble.ErrDenied
	}
	return o.task, nil
}

func (o *one) Heard(_ context.Context, _, _ thimble.ID, e systems.Event, _ string) error {
	n, err := o.task.Next(e)
	if err == nil {
		o.task, o.heard = n, append(o.heard, e.What)
	}
	return err
}

func TestACallbackCountsWhenItIsTheProcessorsOwnAboutWhatItWasSent(t *testing.T) {
	now := time.Now()
	ca := opendsrtest.NewAuthority(t, now)
	signer := func(domain string, by *opendsrtest.Authority) *opendsr.Signer {
		cert, key := by.Issue(t, domain, now)
		s, err := opendsr.NewSigner(domain, cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	theirs, thief := signer("processor.example", ca), signer("thief.example", ca)
	id, uuid := thimble.ID{5}, opendsr.RequestID(thimble.ID{9})
	o := &one{system: systems.System{ID: id, Means: systems.Processor, Endpoint: "https://processor.example"},
		task: systems.Task{ID: thimble.ID{9}, System: id, Means: systems.Processor, State: systems.Acknowledged, Acked: now, Remote: uuid + " ctl-7", At: now, Due: now.AddDate(0, 0, 7)}}
	discovery := `{"api_version":"2.0","supported_identities":[],"supported_subject_request_types":["erasure"],"processor_certificate":"https://processor.example/cert.pem"}`
	c := NewController(far{"/v2/discovery": discovery, "/cert.pem": string(theirs.PEM())}, "https://shop.example", ca.Roots, func() time.Time { return now })
	own := "https://shop.example" + CallbackPath + id.Token(systems.SystemPrefix)
	says := func(status, controller, callback, request string) string {
		return `{"controller_id":"` + controller + `","expected_completion_time":"2026-12-30T00:00:00Z","status_callback_url":"` + callback + `","subject_request_id":"` + request + `","request_status":"` + status + `"}`
	}
	post := func(to thimble.ID, domain string, by *opendsr.Signer, body, signed string) int {
		t.Helper()
		sig, err := by.Sign([]byte(signed))
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle(CallbackPattern, ServeCallbacks(c, o, web.NewLimiter(time.Millisecond, 100, nil)))
		r := httptest.NewRequest("POST", CallbackPath+to.Token(systems.SystemPrefix), strings.NewReader(body))
		r.Header.Set(opendsr.DomainHeader, domain)
		r.Header.Set(opendsr.SignatureHeader, sig)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code
	}
	good := says("completed", "ctl-7", own, uuid)
	refused := []struct {
		name string
		got  int
		want int
	}{
		{"in another domain's name", post(id, "thief.example", theirs, good, good), 401},
		{"by another domain's certificate", post(id, "processor.example", thief, good, good), 401},
		{"by another domain, in its own name", post(id, "thief.example", thief, good, good), 401},
		{"a body that was changed", post(id, "processor.example", theirs, good, good+" "), 401},
		{"to a system that there is not", post(thimble.ID{6}, "processor.example", theirs, good, good), 401},
		{"about a request that was not passed on", post(id, "processor.example", theirs, says("completed", "ctl-7", own, opendsr.RequestID(thimble.ID{8})), says("completed", "ctl-7", own, opendsr.RequestID(thimble.ID{8}))), 401},
		{"of another controller", post(id, "processor.example", theirs, says("completed", "ctl-8", own, uuid), says("completed", "ctl-8", own, uuid)), 400},
		{"for another's address", post(id, "processor.example", theirs, says("completed", "ctl-7", "https://other.example/", uuid), says("completed", "ctl-7", "https://other.example/", uuid)), 400},
		{"signed, and no JSON", post(id, "processor.example", theirs, "[", "["), 400},
	}
	for _, r := range refused {
		if r.got != r.want {
			t.Errorf("%s: %d, want %d", r.name, r.got, r.want)
		}
	}
	if len(o.heard) != 0 {
		t.Fatalf("what was refused counted: %v", o.heard)
	}
	if got := post(id, "processor.example", theirs, good, good); got != http.StatusAccepted || o.task.State != systems.Done {
		t.Fatalf("a good callback: %d, and the task is %s", got, o.task.State)
	}
	stale := says("pending", "ctl-7", own, uuid)
	if got := post(id, "processor.example", theirs, stale, stale); got != http.StatusBadRequest || o.task.State != systems.Done {
		t.Errorf("an old one, replayed: %d, and the task is %s", got, o.task.State)
	}
}

func TestAProcessorWhoseCertificateIsNotTrustedIsNotTold(t *testing.T) {
	now := time.Now()
	ca, other := opendsrtest.NewAuthority(t, now), opendsrtest.NewAuthority(t, now)
	cert, _ := other.Issue(t, "processor.example", now)
	discovery := `{"api_version":"2.0","supported_identities":[{"identity_type":"email","identity_format":"raw"}],"supported_subject_request_types":["erasure"],"processor_certificate":"https://processor.example/cert.pem"}`
	y := systems.System{ID: thimble.ID{5}, Means: systems.Processor, Endpoint: "https://processor.example"}
	n := systems.Notice{Request: "erase", Asked: now, Identifiers: []systems.Named{{Kind: systems.Account, Value: "4711"}}}
	task := systems.Task{ID: thimble.ID{9}, Remote: opendsr.RequestID(thimble.ID{9})}
	speak := func(f far) wire.Outcome {
		return NewController(f, "https://shop.example", ca.Roots, func() time.Time { return now }).Speak(t.Context(), y, "", n, task).Outcome
	}
	if got := speak(far{"/v2/discovery": discovery, "/cert.pem": string(cert)}); got.State != wire.Permanent || got.Why != NotTrusted {
		t.Errorf("a certificate of nobody: %+v", got)
	}
	good, key := ca.Issue(t, "processor.example", now)
	if got := speak(far{"/v2/discovery": discovery, "/cert.pem": string(good)}); got.State != wire.Permanent || got.Why != NotSupported {
		t.Errorf("a number that it does not take: %+v", got)
	}
	if got := speak(far{}); got.State != wire.Retry {
		t.Errorf("a processor that is away: %+v", got)
	}
	n.Identifiers[0].Kind = systems.Email
	if got := speak(far{"/v2/discovery": discovery, "/cert.pem": string(good), "/v2/requests": `{"controller_id":"c"}`}); got.State != wire.Permanent || got.Why != NotSigned {
		t.Errorf("an answer that is not signed: %+v", got)
	}
	if _, err := opendsr.NewSigner("processor.example", good, key); errors.Is(err, thimble.ErrInvalid) {
		t.Error(err)
	}
}
