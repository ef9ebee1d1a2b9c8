package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
)

// Config says what a run sends. Its zero value is completed by defaults.
type Config struct {
	URL      string        // of the installation
	Key      string        // a write key
	Clients  int           // connections; 0 means 32
	Batch    int           // events in a request, 1 for single events; 0 means 100
	Rate     int           // events a second; 0 means as fast as they are answered
	Events   int           // to send in all; 0 means 200,000, or what Rate brings in Longest; at most 100 million
	Longest  time.Duration // of the run; 0 means a minute, at most an hour
	Subjects int           // people; 0 means 20,000
	Seed     uint64        // of what is sent
	Run      uint64        // sets the ids of this run apart from those of any other; 0 means the clock
	Anywhere bool          // send to other machines too
	// Warm has each person send something before the clock runs: that somebody new is
	// about costs more than an event, and happens once.
	Warm bool
	// Ready is called when the people are known, before the clock runs; nil for nothing.
	Ready func(ctx context.Context) error
}

// Bounds of a run.
const (
	maxEvents  = 100_000_000
	maxClients = 4096
	maxBatch   = 500 // of 700 bytes each: a body has at most 500 KB
	longest    = time.Hour
	templates  = 64
)

// complete fills in defaults and checks the bounds.
func (c Config) complete() (Config, *url.URL, error) {
	wrong := func(format string, args ...any) (Config, *url.URL, error) {
		return c, nil, fmt.Errorf("load: "+format+": %w", append(args, thimble.ErrInvalid)...)
	}
	or := func(n *int, fallback int) {
		if *n == 0 {
			*n = fallback
		}
	}
	or(&c.Clients, 32)
	or(&c.Batch, 100)
	or(&c.Subjects, 20_000)
	if c.Longest == 0 {
		c.Longest = time.Minute
	}
	if c.Rate > 0 {
		or(&c.Events, min(maxEvents, int(float64(c.Rate)*c.Longest.Seconds())))
	}
	or(&c.Events, 200_000)
	if c.Run == 0 {
		c.Run = uint64(time.Now().UnixNano() / int64(time.Millisecond))
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return wrong("url: http://… or https://… was expected")
	case c.Clients < 1 || c.Clients > maxClients:
		return wrong("clients: 1 to %d were expected", maxClients)
	case c.Batch < 1 || c.Batch > maxBatch:
		return wrong("batch: 1 to %d events were expected", maxBatch)
	case c.Rate < 0 || c.Rate > 10_000_000:
		return wrong("rate: 1 to 10000000 events a second were expected")
	case c.Events < 1 || c.Events > maxEvents:
		return wrong("events: 1 to %d were expected", maxEvents)
	case c.Subjects < 1 || c.Subjects > 99_999_999:
		return wrong("subjects: 1 to 99999999 were expected")
	case c.Longest < 0 || c.Longest > longest:
		return wrong("the longest time: up to %s was expected", longest)
	case !c.Anywhere && !here(u.Hostname()):
		return wrong("url: %s is another machine, which a run burdens; say that you mean it", u.Hostname())
	}
	return c, u, nil
}

func here(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// A Result is what a run has found.
type Result struct {
	Events    int // in requests answered 200
	Requests  int
	Took      time.Duration
	P50       time.Duration
	P90       time.Duration
	P99       time.Duration
	Errors    map[string]int // requests by status, or "connection"
	MeanBytes int            // of an event
	CPU       time.Duration  // of the sender
}

// PerSecond is how many events were taken in a second.
func (r Result) PerSecond() float64 { return float64(r.Events) / max(r.Took.Seconds(), 1e-9) }

// Run sends, and says how it went. It ends early, with what was found until then, when
// the context does.
func Run(ctx context.Context, cfg Config) (Result, error) {
	c, u, err := cfg.complete()
	if err != nil {
		return Result{}, err
	}
	chance := rand.New(rand.NewPCG(c.Seed, 1))
	all := make([]template, templates)
	size := 0
	for i := range all {
		all[i] = newTemplate(chance, c.Batch)
		size += len(all[i].bytes)
	}
	// One request finds out whether anybody is there, and whether the key is right.
	first := newClient(c, u, 0)
	if err := first.try(ctx); err != nil {
		return Result{}, err
	}
	if c.Warm {
		if err := warm(ctx, c, u); err != nil {
			return Result{}, err
		}
	}
	if c.Ready != nil {
		if err := c.Ready(ctx); err != nil {
			return Result{}, err
		}
	}
	ctx, stop := context.WithTimeout(ctx, c.Longest)
	defer stop()
	var next atomic.Int64 // requests begun
	requests := (c.Events + c.Batch - 1) / c.Batch
	clients := make([]*client, c.Clients)
	used, began := cpu(), time.Now()
	var work sync.WaitGroup
	for i := range clients {
		clients[i] = newClient(c, u, uint64(i)+1)
		work.Go(func() {
			for n := next.Add(1) - 1; n < int64(requests) && ctx.Err() == nil; n = next.Add(1) - 1 {
				due := c.due(began, n)
				if !sleepUntil(ctx, due) {
					break
				}
				clients[i].send(ctx, all[int(n)%templates], uint64(n)*uint64(c.Batch)+1, due)
			}
			clients[i].close()
		})
	}
	work.Wait()
	return sum(clients, Result{Took: time.Since(began), CPU: cpu() - used, MeanBytes: size / templates / c.Batch}, c.Batch), nil
}

// due is when a request is to be sent: at once without a rate. What waits for a connection
// is late, and measured from when it was due.
func (c Config) due(began time.Time, request int64) time.Time {
	if c.Rate == 0 {
		return time.Now()
	}
	return began.Add(time.Duration(float64(request) * float64(c.Batch) / float64(c.Rate) * float64(time.Second)))
}

// sleepUntil reports whether it was waited for that long.
func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

// How the people are made known.
const (
	warmBatch   = 50
	warmClients = 4
	warmTries   = 50
	warmIDs     = 1 << 40 // beyond those of any run
)

// warm sends one event of each person.
func warm(ctx context.Context, c Config, u *url.URL) error {
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	c.Batch = warmBatch
	t := newTemplate(rand.New(rand.NewPCG(c.Seed, 0)), warmBatch)
	var next atomic.Int64
	failed := make(chan error, warmClients)
	for i := range warmClients {
		go func() {
			one := newClient(c, u, uint64(i))
			defer one.close()
			for n := next.Add(1) - 1; n*warmBatch < int64(c.Subjects); n = next.Add(1) - 1 {
				at := int(n) * warmBatch
				body := t.fill(nil, c.Run, warmIDs+uint64(at), func() int { at++; return (at - 1) % c.Subjects })
				if err := one.insist(ctx, body); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	var err error
	for range warmClients {
		err = errors.Join(err, <-failed)
	}
	return err
}

// insist sends a body until it is taken.
func (c *client) insist(ctx context.Context, body []byte) error {
	for range warmTries {
		status, err := c.request(ctx, body)
		if err == nil && status == 200 {
			return nil
		}
		if err != nil {
			c.close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return fmt.Errorf("load: the people cannot be made known: %w", thimble.ErrUnavailable)
}

func sum(clients []*client, r Result, batch int) Result {
	r.Errors = map[string]int{}
	var took []time.Duration
	for _, c := range clients {
		took = append(took, c.took...)
		for status, n := range c.errors {
			r.Errors[status] += n
		}
	}
	r.Requests, r.Events = len(took), len(took)*batch
	r.P50, r.P90, r.P99 = quantile(took, .50), quantile(took, .90), quantile(took, .99)
	return r
}

// quantile sorts times and returns the one that a share of them do not exceed, 0 of none.
func quantile(took []time.Duration, q float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(q*float64(len(took))))]
}

// A client has one connection, and writes requests itself: an HTTP client would take as
// much of the cores as the server that is measured.
type client struct {
	cfg    Config
	url    *url.URL
	head   string // of each request, before the length of its body
	chance *rand.Rand
	conn   net.Conn
	in     *bufio.Reader
	out    []byte
	body   []byte
	took   []time.Duration
	errors map[string]int
}

func newClient(c Config, u *url.URL, n uint64) *client {
	path := "/v1/batch"
	if c.Batch == 1 {
		path = "/v1/track"
	}
	head := "POST " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte(c.Key+":")) +
		"\r\nContent-Type: application/json\r\nContent-Length: "
	return &client{cfg: c, url: u, head: head, chance: rand.New(rand.NewPCG(c.Seed, n+2)), errors: map[string]int{}}
}

const patience = 30 * time.Second

func (c *client) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	host := c.url.Host
	if c.url.Port() == "" {
		host = net.JoinHostPort(c.url.Hostname(), map[string]string{"http": "80", "https": "443"}[c.url.Scheme])
	}
	var err error
	if c.url.Scheme == "https" {
		c.conn, err = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}}).DialContext(ctx, "tcp", host)
	} else {
		c.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", host)
	}
	if err != nil {
		c.conn = nil
		return fmt.Errorf("load: %s cannot be reached: %w", host, thimble.ErrUnavailable)
	}
	c.in = bufio.NewReader(c.conn)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.conn = nil
}

// try sends an empty batch.
func (c *client) try(ctx context.Context) error {
	defer c.close()
	c.head = strings.Replace(c.head, "/v1/track", "/v1/batch", 1)
	status, err := c.request(ctx, []byte(`{"batch":[]}`))
	switch {
	case err != nil:
		return err
	case status == 401:
		return fmt.Errorf("load: the write key is not one of this installation: %w", thimble.ErrDenied)
	case status != 200:
		return fmt.Errorf("load: an empty batch is answered %d: %w", status, thimble.ErrUnavailable)
	}
	return nil
}

// send sends one filled template and notes how it went, from when it was due.
func (c *client) send(ctx context.Context, t template, next uint64, began time.Time) {
	c.body = t.fill(c.body[:0], c.cfg.Run, next, func() int { return c.chance.IntN(c.cfg.Subjects) })
	status, err := c.request(ctx, c.body)
	switch {
	case err != nil && ctx.Err() != nil: // the run is over
	case err != nil:
		c.errors["connection"]++
		c.close()
		select { // a server that is gone is not called in a circle
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	case status != 200:
		c.errors[strconv.Itoa(status)]++
	default:
		c.took = append(c.took, time.Since(began))
	}
}

var errAnswer = errors.New("load: the answer is not HTTP/1.1")

func (c *client) request(ctx context.Context, body []byte) (status int, err error) {
	if err := c.connect(ctx); err != nil {
		return 0, err
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	c.out = append(c.out[:0], c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, err
	}
	return c.answer()
}

// answer reads a status and passes over the rest.
func (c *client) answer() (status int, err error) {
	length, ends := 0, false
	for n := 0; ; n++ {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case n == 0:
			if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
				return 0, errAnswer
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, errAnswer
			}
		case len(line) == 0:
			if _, err := c.in.Discard(length); err != nil && !errors.Is(err, io.EOF) {
				return 0, err
			}
			if ends {
				c.close()
			}
			return status, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return 0, errAnswer
			}
		case bytes.EqualFold(name, []byte("Connection")):
			ends = bytes.EqualFold(value, []byte("close"))
		}
	}
}
