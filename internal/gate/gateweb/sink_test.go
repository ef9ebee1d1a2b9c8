package gateweb_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/gate/gateweb"
)

// A page is a handler behind the sink that shows what a person permits.
type page struct {
	*apitest.Kernel
	who     thimble.SubjectID
	between func() // after the grant was given and the page made
	server  *httptest.Server
}

func newPage(t *testing.T) *page {
	k := apitest.NewKernel(t)
	p := &page{Kernel: k, who: k.Person("A-1"), between: func() {}}
	k.Chooses(p.who, thimble.PersonalizeContent, consent.Given)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := k.Gate.Open(r.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "page"}, Subject: p.who, Purpose: thimble.PersonalizeContent, Categories: []thimble.Category{thimble.PurchaseHistory}})
		if err != nil {
			http.Error(w, "refused", http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"mine"`)
		if r.URL.Path == "/elsewhere" {
			p.between()
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		_, _ = io.WriteString(w, "made for you")
		p.between()
	})
	fail := func(w http.ResponseWriter, _ *http.Request, err error) {
		if !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("failed with %v, want a denial", err)
		}
		http.Error(w, "your choices have changed", http.StatusForbidden)
	}
	p.server = httptest.NewServer(gateweb.Sink(h, fail))
	t.Cleanup(p.server.Close)
	return p
}

func (p *page) get(t *testing.T, path string) (int, http.Header, string) {
	t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(p.server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// Privacy cases 1 and 8: a page that was made before a withdrawal does not leave
// after it.
func TestAPageMadeBeforeAWithdrawalDoesNotLeaveAfterIt(t *testing.T) {
	p := newPage(t)
	if code, head, body := p.get(t, "/"); code != 200 || body != "made for you" || head.Get("Content-Length") != "12" {
		t.Fatalf("before: %d %q %v", code, body, head)
	}
	p.between = func() { p.Chooses(p.who, thimble.PersonalizeContent, consent.Withdrawn) }
	code, head, body := p.get(t, "/")
	if code != http.StatusForbidden || strings.Contains(body, "made for you") || head.Get("ETag") != "" {
		t.Errorf("after: %d %q %v", code, body, head)
	}
}

func TestAPageLeavesWhenThePersonSaidYesAgainMeanwhile(t *testing.T) {
	p := newPage(t)
	p.between = func() {
		p.Chooses(p.who, thimble.PersonalizeContent, consent.Withdrawn)
		p.Chooses(p.who, thimble.PersonalizeContent, consent.Given)
	}
	if code, _, body := p.get(t, "/"); code != 200 || body != "made for you" {
		t.Errorf("%d %q", code, body)
	}
}

// The form with which a person withdraws is answered, although the grant that
// showed it has died of it.
func TestAnAnswerThatSendsElsewhereNeedsNoGrant(t *testing.T) {
	p := newPage(t)
	p.between = func() { p.Chooses(p.who, thimble.PersonalizeContent, consent.Withdrawn) }
	if code, head, _ := p.get(t, "/elsewhere"); code != http.StatusSeeOther || head.Get("Location") != "/" {
		t.Errorf("%d %v", code, head)
	}
}

// stuck is a connection whose reader does not read: it takes bytes until it is cut.
type stuck struct {
	http.ResponseWriter
	began chan struct{}
	once  sync.Once
	cut   chan struct{}
}

func (s *stuck) Write([]byte) (int, error) {
	close(s.began)
	<-s.cut
	return 0, errors.New("deadline")
}

func (s *stuck) SetWriteDeadline(time.Time) error {
	s.once.Do(func() { close(s.cut) })
	return nil
}

func TestAWithdrawalWaitsForTheAnswerThatIsLeavingAndThenCutsIt(t *testing.T) {
	p := newPage(t)
	h := gateweb.Sink(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := p.Gate.Open(r.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "page"}, Subject: p.who, Purpose: thimble.PersonalizeContent, Categories: []thimble.Category{thimble.PurchaseHistory}}); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "made for you")
	}), func(http.ResponseWriter, *http.Request, error) { t.Error("an answer that began was answered again") })
	s := &stuck{ResponseWriter: httptest.NewRecorder(), began: make(chan struct{}), cut: make(chan struct{})}
	var served sync.WaitGroup
	served.Go(func() {
		h.ServeHTTP(s, httptest.NewRequestWithContext(context.Background(), "GET", "/", nil))
	})
	<-s.began
	began := time.Now()
	p.Chooses(p.who, thimble.PersonalizeContent, consent.Withdrawn)
	select {
	case <-s.cut:
	default:
		t.Error("the withdrawal was answered while the answer was leaving")
	}
	if took := time.Since(began); took < gate.Grace {
		t.Errorf("the answer was cut after %s, before its %s were over", took, gate.Grace)
	}
	served.Wait()
}
