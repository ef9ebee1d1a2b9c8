package door_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/collect/door"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/web"
)

// raw serves a door within the limits of the product's server, and returns its address.
func raw(t *testing.T, b *bench, connections int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.NewServer(b.door, connections, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*net.TCPConn)
}

// request is a request as bytes.
func request(body string, headers ...string) string {
	return "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(headers, fmt.Sprintf("Content-Length: %d", len(body))), "\r\n") + "\r\n\r\n" + body
}

// statuses are those of the answers on a connection until it ends, or n came.
func statuses(t *testing.T, c io.Reader, n int) (all []int) {
	t.Helper()
	in := bufio.NewReader(c)
	for range n {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		all = append(all, res.StatusCode)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	return all
}

func TestABodyThatTricklesIsLetGo(t *testing.T) {
	t.Parallel()
	b := open(t)
	address := raw(t, b, 10)
	c := dial(t, address)
	began := time.Now()
	go func() {
		_, _ = io.WriteString(c, "POST /v1/track HTTP/1.1\r\nHost: x\r\n"+auth(till)+"\r\nContent-Length: 100000\r\n\r\n")
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	if got := statuses(t, c, 1); len(got) != 1 || got[0] != http.StatusRequestTimeout {
		t.Errorf("got %v, want 408", got)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it was held for %s", took)
	}
	if len(b.intake.since()) != 0 {
		t.Error("it was taken")
	}
}

func TestABodyThatIsCutIsNotTaken(t *testing.T) {
	b := open(t)
	address := raw(t, b, 10)
	c := dial(t, address)
	whole := request(event, auth(till))
	_, _ = io.WriteString(c, whole[:len(whole)-5])
	_ = c.CloseWrite()
	if got := statuses(t, c, 1); len(got) != 1 || got[0] != 400 || len(b.intake.since()) != 0 {
		t.Errorf("got %v, want 400 and nothing taken", got)
	}
	// A connection that is half closed after a whole request gets its answer.
	c = dial(t, address)
	_, _ = io.WriteString(c, whole)
	_ = c.CloseWrite()
	if got := statuses(t, c, 1); len(got) != 1 || got[0] != 200 || len(b.intake.since()) != 1 {
		t.Errorf("half closed: got %v, want 200 and one taken", got)
	}
	// What follows a body that says it is shorter is no request.
	c = dial(t, address)
	_, _ = io.WriteString(c, strings.Replace(whole, fmt.Sprintf("Content-Length: %d", len(event)), "Content-Length: 5", 1))
	if got := statuses(t, c, 2); len(got) == 2 && got[1] != 400 {
		t.Errorf("the rest of a body became a request: %v", got)
	}
	// Two lengths, or a length and chunks, are how one request is smuggled in another.
	for _, headers := range []string{"Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: nonsense"} {
		c = dial(t, address)
		_, _ = io.WriteString(c, "POST /v1/track HTTP/1.1\r\nHost: x\r\n"+auth(till)+"\r\n"+headers+"\r\n\r\nhello")
		if got := statuses(t, c, 1); len(got) != 1 || got[0] != 400 && got[0] != 501 {
			t.Errorf("%q: got %v", headers, got)
		}
	}
}

func TestRequestsThatWaitInOneConnectionAreAnsweredInTheirOrder(t *testing.T) {
	b := open(t)
	c := dial(t, raw(t, b, 10))
	_, _ = io.WriteString(c, request(event, auth(till))+request(event, auth("wks_never"))+request(`{"n":3}`, auth(till)))
	if got := fmt.Sprint(statuses(t, c, 3)); got != "[200 401 200]" {
		t.Errorf("got %s", got)
	}
	if got := b.intake.since(); len(got) != 2 || got[0].Body != event || got[1].Body != `{"n":3}` {
		t.Errorf("got %+v", got)
	}
}

func TestABodyIsAskedForOnlyWhenTheKeyIsRight(t *testing.T) {
	b := open(t)
	address := raw(t, b, 10)
	head := func(key string) string {
		return "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + auth(key) + "\r\nExpect: 100-continue\r\nContent-Length: " + fmt.Sprint(len(event)) + "\r\n\r\n"
	}
	c := dial(t, address)
	_, _ = io.WriteString(c, head("wks_never"))
	if got := statuses(t, c, 1); len(got) != 1 || got[0] != 401 {
		t.Errorf("a wrong key: %v", got)
	}
	c = dial(t, address)
	_, _ = io.WriteString(c, head(till))
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("got %q, %v", line, err)
	}
	_, _ = in.ReadString('\n')
	_, _ = io.WriteString(c, event)
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 {
		t.Errorf("the right key: %v, %v", res, err)
	}
}

func TestChunksAreTaken(t *testing.T) {
	b := open(t)
	c := dial(t, raw(t, b, 10))
	var body strings.Builder
	for _, r := range event {
		fmt.Fprintf(&body, "%x\r\n%s\r\n", len(string(r)), string(r))
	}
	_, _ = io.WriteString(c, "POST /v1/track HTTP/1.1\r\nHost: x\r\n"+auth(till)+"\r\nTransfer-Encoding: chunked\r\n\r\n"+body.String()+"0\r\n\r\n")
	if got := statuses(t, c, 1); len(got) != 1 || got[0] != 200 {
		t.Errorf("got %v", got)
	}
	if got := b.intake.since(); len(got) != 1 || got[0].Body != event {
		t.Errorf("got %+v", got)
	}
}

func TestTheDoorSpeaksHTTP2(t *testing.T) {
	b := open(t)
	server := httptest.NewUnstartedServer(b.door)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	b.server, b.url = server, server.URL
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if res := b.do("POST", "/v1/t", event, auth(till)); res.StatusCode != 200 || res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") == "" {
				t.Errorf("%s by HTTP/%d, %v", res.Status, res.ProtoMajor, res.Header)
			}
		})
	}
	all.Wait()
	if res := b.do("POST", "/v1/batch", strings.Repeat("x", 600_000), auth(till)); res.StatusCode != 400 {
		t.Errorf("too large: %s", res.Status)
	}
}

// grown is how much the process holds more than before, after the garbage is gone.
func grown(before runtime.MemStats) int64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	return int64(now.HeapInuse+now.StackInuse) - int64(before.HeapInuse+before.StackInuse)
}

func TestAnnouncedBodiesCostWhatHasArrivedOfThem(t *testing.T) {
	b := open(t)
	address := raw(t, b, 2000)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const senders = 1000
	for range senders {
		c := dial(t, address)
		if _, err := io.WriteString(c, "POST /v1/batch HTTP/1.1\r\nHost: x\r\n"+auth(till)+"\r\nContent-Length: 500000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond)
	// Announced were 500 MB. One costs a buffer of 16 kB, and its connection, of which the
	// test has the other end.
	if n := grown(before); n > senders*48<<10 {
		t.Errorf("%d bodies that were announced hold %d kB, want at most %d", senders, n>>10, senders*48)
	}
	if got := statuses(t, send(t, address, request(event, auth(till))), 1); len(got) != 1 || got[0] != 200 {
		t.Errorf("among them an honest one is answered %v", got)
	}
}

func send(t *testing.T, address, bytes string) *net.TCPConn {
	c := dial(t, address)
	if _, err := io.WriteString(c, bytes); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBombsCostABoundedPieceOfMemory(t *testing.T) {
	b := open(t)
	bomb := packed(t, "gzip", strings.Repeat("0", 100<<20)) // 100 MB of zeros
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if res := b.do("POST", "/v1/batch", bomb, auth(till), "Content-Encoding: gzip"); res.StatusCode != 400 {
					t.Errorf("%s", res.Status)
				}
			}
		})
	}
	all.Wait()
	runtime.ReadMemStats(&peak)
	// 160 bombs would be 16 GB.
	if n := int64(peak.HeapSys) - int64(before.HeapSys); n > 64<<20 {
		t.Errorf("the heap grew by %d MB", n>>20)
	}
	if made := (peak.TotalAlloc - before.TotalAlloc) / 160; made > 4<<20 {
		t.Errorf("a bomb makes %d kB of garbage", made>>10)
	}
}

func TestAllBodiesTogetherAreBounded(t *testing.T) {
	b := open(t, func(c *door.Config) { c.InFlight = 128 << 10 })
	address := raw(t, b, 100)
	for i := range 8 { // each holds a buffer of 16 kB, and comes from a network of its own
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(i+1), 1)}}
		c, err := from.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "POST /v1/batch HTTP/1.1\r\nHost: x\r\n"+auth(till)+"\r\nContent-Length: 300000\r\n\r\n{")
	}
	var res answer
	for range 1000 { // until all of them were begun
		if res = b.do("POST", "/v1/track", event, auth(till)); res.StatusCode == 503 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %s", res.Status)
	}
}

// takes is an intake that does something for each body.
type takes func() error

// Take implements door.Intake.
func (f takes) Take(context.Context, intake.Source, segment.Call, []byte, intake.Arrival) (intake.Taken, error) {
	return intake.Taken{}, f()
}

// One network has half of the room at most, and an eighth when the rest is in use: the
// others always get through. It has its room back when its bodies have ended.
func TestOneNetworkCannotUseUpTheRoomForBodies(t *testing.T) {
	const room = 4 << 20
	taken, end := make(chan struct{}, 1000), make(chan struct{})
	d := door.New(door.Config{Sources: keys{by: sources}, InFlight: room, Rate: -1, Intake: takes(func() error {
		taken <- struct{}{}
		<-end
		return nil
	})})
	body := `{"writeKey":"` + app + `","x":"` + strings.Repeat("x", 100<<10) + `"}` // of 128 kB
	var all sync.WaitGroup
	send := func(from string) chan *httptest.ResponseRecorder {
		got := make(chan *httptest.ResponseRecorder, 1)
		all.Go(func() {
			r, w := httptest.NewRequest("POST", "/v1/track", strings.NewReader(body)), httptest.NewRecorder()
			r.RemoteAddr = from
			d.ServeHTTP(w, r)
			got <- w
		})
		return got
	}
	// count sends until one is refused, and returns how many are under way.
	count := func(network string) (n int) {
		for ; n < 100; n++ {
			got := send(fmt.Sprintf(network, n+1))
			select {
			case <-taken:
			case w := <-got:
				if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
					t.Errorf("%d under way: %d %s", n, w.Code, w.Body)
				}
				return n
			}
		}
		return n
	}
	first, second, third := count("192.0.2.%d:1"), count("[2001:db8:0:1::%d]:1"), count("198.51.100.%d:1")
	if first < 14 || first > 16 || second < 3 || second > 4 || third != second { // a body that grows has two buffers for a moment
		t.Errorf("%d, %d and %d bodies of 128 kB are under way of 4 MB, want half, an eighth and an eighth", first, second, third)
	}
	close(end)
	all.Wait()
	end = make(chan struct{})
	if again := count("192.0.2.%d:1"); again != first {
		t.Errorf("%d bodies when all have ended, want %d as before", again, first)
	}
	close(end)
	all.Wait()
}

// What a strict reader refuses costs nothing but its own event, and nothing of it is kept.
func TestHostileJSONIsRefusedByTheWholeInstallation(t *testing.T) {
	s := installed(t, intake.Server, false)
	post := func(path, body string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", basic(s.key))
		r.Header.Set("Thimble-Debug", "1")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return answer{res, string(got)}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for name, body := range map[string]string{
		"deep":             `{"batch":` + deep + `}`,
		"deeper in a key":  `{"batch":[],"context":` + deep + `}`,
		"no JSON":          `{"batch":[}`,
		"nothing":          ``,
		"two documents":    `{"batch":[]}{"batch":[]}`,
		"no list":          `{"batch":{}}`,
		"a context twice":  `{"batch":[],"context":{},"context":{"consent":{}}}`,
		"another spelling": `{"batch":[],"context":{"consent":{}},"c\u006fntext":{}}`,
	} {
		if res := post("/v1/batch", body); res.StatusCode != 400 || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %s", name, res.Status, res.body)
		}
	}
	one := func(inner string) string {
		return `{"type":"track","userId":"u1","event":"Order Completed",` + inner + `}`
	}
	bad := []string{
		one(`"context":{"consent":{},"consent":{"categoryPreferences":{"Analytics":true}}}`), one(`"properties":{"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`),
		one(`"properties":{"a":"` + "\xff" + `"}`), one(`"properties":{"a":"\ud800"}`), one(`"properties":{"a":1e999}`), `{"type":"track","event":"Order Completed"}`,
	}
	res := post("/v1/batch", `{"batch":[`+strings.Join(bad, ",")+`,{"type":"page","userId":"u1"}]}`)
	if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Thimble-Taken"), fmt.Sprintf("broken=%d", len(bad))) {
		t.Errorf("a batch with a good event: %s, %q", res.Status, res.Header.Get("Thimble-Taken"))
	}
	for _, k := range s.stored(t) {
		if k.Event["event"] == "Order Completed" {
			t.Errorf("kept: %v", k)
		}
	}
}
