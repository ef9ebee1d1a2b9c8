package load_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/load"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

// A taker counts what it gets, and answers as it is told.
type taker struct {
	mu     sync.Mutex
	ids    map[string]int
	users  map[string]bool
	bodies [][]byte
	status func(n int) int
	n      int
}

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	status := 200
	if k.status != nil {
		status = k.status(k.n)
	}
	if status == 200 {
		type event struct{ MessageID, UserID string }
		var got struct {
			Batch []event
			event
		}
		if json.Unmarshal(body, &got) != nil {
			status = 400
		}
		if got.Batch == nil {
			got.Batch = []event{got.event}
		}
		for _, e := range got.Batch {
			k.ids[e.MessageID]++
			k.users[e.UserID] = true
		}
		k.bodies = append(k.bodies, body)
	}
	w.WriteHeader(status)
}

func serve(t *testing.T, status func(int) int) (*taker, string) {
	t.Helper()
	k := &taker{ids: map[string]int{}, users: map[string]bool{}, status: status}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	return k, server.URL
}

func TestEachEventIsSentOnceAndNoTwoAreAlike(t *testing.T) {
	for _, batch := range []int{1, 7, 100} {
		k, url := serve(t, nil)
		r, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Clients: 4, Batch: batch, Events: 700, Subjects: 50})
		if err != nil {
			t.Fatal(err)
		}
		delete(k.ids, "")
		if r.Events != 700 || len(k.ids) != 700 || len(r.Errors) != 0 || r.P50 <= 0 || r.P99 < r.P50 {
			t.Errorf("batches of %d: %+v, %d ids", batch, r, len(k.ids))
		}
		for id, n := range k.ids {
			if n != 1 {
				t.Fatalf("%s was sent %d times", id, n)
			}
		}
		if len(k.users) < 30 || len(k.users) > 51 {
			t.Errorf("%d people", len(k.users))
		}
	}
}

func TestEverybodyIsKnownBeforeTheClockRuns(t *testing.T) {
	k, url := serve(t, func(n int) int {
		if n%3 == 0 {
			return 503 // it is tried again
		}
		return 200
	})
	r, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Clients: 1, Batch: 10, Events: 10, Subjects: 120, Warm: true})
	if err != nil || r.Requests > 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	delete(k.users, "")
	if len(k.users) != 120 {
		t.Errorf("%d of 120 people were made known", len(k.users))
	}
}

func TestTheEventsAreOfThePlanAndOfTheSizeTheFiguresSpeakOf(t *testing.T) {
	k, url := serve(t, nil)
	r, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Events: 2000})
	if err != nil || r.MeanBytes < 650 || r.MeanBytes > 950 {
		t.Errorf("%d bytes an event, %v", r.MeanBytes, err)
	}
	c, err := plan.Compile(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	reader := segment.NewReader(c)
	for _, body := range k.bodies[1:] {
		b, err := reader.Read(body, segment.Batch, segment.Arrival{At: time.Now()})
		if err != nil || len(b.Refused) > 0 || len(b.Violations) > 0 || len(b.Events) != 100 {
			t.Fatalf("%v, refused %v, violations %v", err, b.Refused, b.Violations)
		}
	}
}

func TestWhatIsNotTakenIsCountedByItsStatus(t *testing.T) {
	_, url := serve(t, func(n int) int {
		switch {
		case n%5 == 0:
			return 503
		case n%7 == 0:
			return 429
		}
		return 200
	})
	r, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Clients: 2, Batch: 10, Events: 500})
	if err != nil || r.Errors["503"] == 0 || r.Errors["429"] == 0 || r.Requests+r.Errors["503"]+r.Errors["429"] != 50 {
		t.Errorf("%+v, %v", r, err)
	}
	var out bytes.Buffer
	if err := r.Print(&out, load.Config{Clients: 2, Batch: 10}); err != nil || !strings.Contains(out.String(), "503: ") || !strings.Contains(out.String(), "p99") {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestARunIsBounded(t *testing.T) {
	_, url := serve(t, nil)
	began := time.Now()
	if _, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Events: 50_000_000, Longest: 200 * time.Millisecond}); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load.Run(ctx, load.Config{URL: url, Key: "k"}); err == nil {
		t.Error("a run began that was over")
	}
	for name, c := range map[string]load.Config{
		"another machine": {URL: "http://192.0.2.1"}, "no address": {URL: "ftp://x"}, "clients": {URL: url, Clients: 100_000}, "batch": {URL: url, Batch: 2500},
		"events": {URL: url, Events: 1 << 40}, "time": {URL: url, Longest: 2 * time.Hour}, "subjects": {URL: url, Subjects: -1},
	} {
		if _, err := load.Run(t.Context(), c); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongKeyIsToldBeforeAnythingIsSent(t *testing.T) {
	k, url := serve(t, func(int) int { return 401 })
	if _, err := load.Run(t.Context(), load.Config{URL: url, Key: "k"}); !errors.Is(err, thimble.ErrDenied) || k.n != 1 {
		t.Errorf("%v after %d requests", err, k.n)
	}
}

func TestARateIsKeptAndWhatIsLateIsMeasuredFromWhenItWasDue(t *testing.T) {
	var busy sync.Mutex // the server answers one request at a time
	_, url := serve(t, func(int) int { busy.Lock(); defer busy.Unlock(); time.Sleep(20 * time.Millisecond); return 200 })
	began := time.Now()
	r, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Clients: 4, Batch: 10, Rate: 1000, Longest: 200 * time.Millisecond})
	if err != nil || r.Events > 200 || r.Requests == 0 {
		t.Errorf("%+v, %v: at 1,000 events a second 200 are sent at most", r, err)
	}
	if took := time.Since(began); r.Events == 200 && took < 190*time.Millisecond {
		t.Errorf("200 events at 1,000 a second were sent within %s", took)
	}
	// Ten at once can be answered only one after the other.
	_, url = serve(t, func(int) int { busy.Lock(); defer busy.Unlock(); time.Sleep(20 * time.Millisecond); return 200 })
	r, err = load.Run(t.Context(), load.Config{URL: url, Key: "k", Clients: 1, Batch: 10, Events: 100, Rate: 1_000_000})
	if err != nil || r.Events != 100 || r.P99 < 180*time.Millisecond {
		t.Errorf("%+v, %v: the tenth waited for nine others", r, err)
	}
	if _, err := load.Run(t.Context(), load.Config{URL: url, Key: "k", Rate: -1}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a negative rate: %v", err)
	}
}

func TestAProbeIsOfOnePersonAndCountsWhenItIsSeen(t *testing.T) {
	k, url := serve(t, nil)
	done := make(chan struct{})
	looks := 0
	v, err := load.Probe(t.Context(), load.Config{URL: url, Key: "k", Subjects: 50}, done, func(context.Context) (int64, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		looks++
		if len(k.ids) == 4 && looks%7 == 0 { // three behind the first
			select {
			case <-done:
			default:
				close(done)
			}
		}
		if looks%7 != 0 {
			return int64(max(0, len(k.ids)-1)), nil // the newest is not there yet
		}
		return int64(len(k.ids)), nil
	})
	if err != nil || v.Probes < 1 || v.P50 <= 0 || v.Max < v.P99 || v.P99 < v.P50 {
		t.Errorf("%+v, %v", v, err)
	}
	if len(k.users) != 1 || !k.users[load.ProbeAccount] {
		t.Errorf("probes are of %v", k.users)
	}
}
