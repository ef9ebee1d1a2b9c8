package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/app"
	"thimble/internal/collect"
	"thimble/internal/thimbletest"
)

// listRate is how many lists a second the benchmark asks for.
const listRate = 2000

// BenchmarkListsOverHTTP asks for lists at a rate that does not wait for answers, as
// readers do, and says how long an answer took from the moment it was due. A personal
// list is judged by the gate, ranked, recorded and given its receipt. The processor's time
// is that of the whole process, of who asks too.
func BenchmarkListsOverHTTP(b *testing.B) {
	s := thimbletest.New(b)
	if err := s.SeedDemo(b.Context(), collect.File("../collect/testdata/online_retail_sample.csv.gz"), silence{}); err != nil {
		b.Fatal(err)
	}
	s.App.Shop.Fresh = 3 * time.Second // as it serves
	customers, err := s.DemoCustomers(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	key, _, err := apikeydb.New(s.Core, time.Now).Create(b.Context(), "bench", []apikey.Scope{apikey.Read})
	if err != nil {
		b.Fatal(err)
	}
	handler, err := s.Handler(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for _, run := range []func(context.Context) error{s.Ledger.Run, s.Uses.Run, s.Jobs.Run, app.Breathe} {
		work.Go(func() { _ = run(ctx) }) // what it cannot do shows in the lists
	}
	server := httptest.NewServer(handler)
	b.Cleanup(func() { server.Close(); stop(); work.Wait() })
	for name, path := range map[string]string{
		"personal": "/v1/recommendations?explain=true&subject=" + customers[0].Subject.String(),
		"popular":  "/v1/recommendations?explain=true",
		"similar":  "/v1/recommendations?explain=true&kind=similar&item=85123A",
		"next":     "/v1/recommendations?explain=true&session=85123A,22423",
	} {
		b.Run(name, func(b *testing.B) { asksAtARate(b, server.URL+path, key) })
	}
}

// asksAtARate sends b.N requests, one each 1/listRate of a second, after as many as are sent
// in half a second.
func asksAtARate(b *testing.B, url, key string) {
	ask := newAsker(b, url, key)
	ask.asks(b, listRate/2) // connections and statements that are there when a shop has been open for a while
	b.ResetTimer()
	begin, before := time.Now(), processor()
	took := ask.asks(b, b.N)
	elapsed := time.Since(begin)
	b.ReportMetric(float64((processor()-before).Microseconds())/float64(b.N), "cpu-µs/list")
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "lists/s")
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[min(b.N*percent/100, b.N-1)].Microseconds())/1000, "p"+strconv.Itoa(percent)+"-ms")
	}
}

// processor is the time that the process has had a processor for.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// An asker asks for one thing over connections that stay open. It is no http.Client: that
// takes a tenth of the processor's time of a list, which is to be the server's.
type asker struct {
	at   string
	ask  []byte
	idle chan *line
}

type line struct {
	net.Conn
	in *bufio.Reader
}

func newAsker(b *testing.B, url, key string) *asker {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		b.Fatal(err)
	}
	a := &asker{at: r.URL.Host, ask: text.Bytes(), idle: make(chan *line, 256)}
	for range cap(a.idle) {
		a.idle <- nil
	}
	b.Cleanup(func() {
		for range cap(a.idle) {
			if l := <-a.idle; l != nil {
				_ = l.Close()
			}
		}
	})
	return a
}

// asks sends n requests, and returns how long each took from when it was due.
func (a *asker) asks(b *testing.B, n int) []time.Duration {
	took := make([]time.Duration, n)
	var failed atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for i := range n {
		due := begin.Add(time.Duration(i) * time.Second / listRate)
		time.Sleep(time.Until(due))
		all.Go(func() {
			if err := a.fetch(); err != nil && failed.Add(1) == 1 {
				b.Error(err)
			}
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	return took
}

func (a *asker) fetch() (err error) {
	l := <-a.idle
	defer func() { a.idle <- l }()
	if l == nil {
		c, err := net.Dial("tcp", a.at)
		if err != nil {
			return err
		}
		l = &line{c, bufio.NewReader(c)}
	}
	if _, err := l.Write(a.ask); err != nil {
		return err
	}
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", res.Status)
	}
	return nil
}
