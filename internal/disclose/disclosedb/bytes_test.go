package disclosedb_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/holdertest"
)

// A counter is a recipient on loopback that counts every byte of every connection.
type counter struct {
	server *httptest.Server
	mu     sync.Mutex
	bytes  int64
	bodies map[string][]string // by message id
	log    []string            // bodies in the order in which they came
	fault  func() int          // status, or -1: cut before, -2: cut after reading
}

type countedListener struct {
	net.Listener
	c *counter
}

type countedConn struct {
	net.Conn
	c *counter
}

func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countedConn{conn, l.c}, err
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.mu.Lock()
	c.c.bytes += int64(n)
	c.c.mu.Unlock()
	return n, err
}

func newCounter(tb testing.TB) *counter {
	c := &counter{bodies: map[string][]string{}, fault: func() int { return 200 }}
	c.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := c.fault()
		if status == -1 {
			panic(http.ErrAbortHandler)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		c.mu.Lock()
		id := r.Header.Get(wire.HeaderID)
		c.bodies[id] = append(c.bodies[id], string(body))
		c.log = append(c.log, string(body))
		c.mu.Unlock()
		if status == -2 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
	}))
	c.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.server.Listener = countedListener{c.server.Listener, c}
	c.server.Start()
	tb.Cleanup(c.server.Close)
	return c
}

// rounds is how much of the random runs is done.
func rounds(sample, soak int) int {
	if os.Getenv("THIMBLE_SOAK") == "1" {
		return soak
	}
	return sample
}

// The promise that nothing leaves without a leaf, on real sockets: over random runs with
// withdrawals, erasures, agreements that end and come back, recipients that fail in every
// way, and processes that die at every point, every byte a recipient has read belongs to
// a message with a committed disclosure, and no row is of a person who had refused before
// the try began.
func TestNoByteLeavesWithoutALeaf(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, c, meter, hook := newSocketShop(t, k)
		rng := rand.New(rand.NewPCG(seed, 1))
		to, _, err := s.store.Add(t.Context(), disclose.Recipient{Name: "Parcels", Kind: disclose.Processor, Contact: "privacy@parcels.example", Countries: []string{"DE"},
			Transport: disclose.Webhook, Endpoint: hook}, "ada")
		s.must(err)
		s.agree(to, current)
		faults, lock := rand.New(rand.NewPCG(seed, 2)), sync.Mutex{}
		c.fault = func() int { // called by the recipient's own goroutines
			lock.Lock()
			defer lock.Unlock()
			return []int{200, 200, 200, 503, 400, -1, -2, 302}[faults.IntN(8)]
		}
		var people []thimble.SubjectID
		refused := map[thimble.SubjectID]bool{}
		died := errors.New("the process died")
		s.store.Pause(func(at string) {
			if rng.IntN(6) == 0 {
				panic(died)
			}
		})
		step := func() {
			defer func() {
				if r := recover(); r != nil && r != died {
					panic(r)
				}
			}()
			_, _ = s.store.Step(t.Context()) // what came of it stands in the outbox
		}
		// Nobody changes their mind during a step here: whoever is in what came must permit it now.
		seen := 0
		permitted := func() {
			c.mu.Lock()
			fresh := c.log[seen:]
			seen = len(c.log)
			c.mu.Unlock()
			for _, body := range fresh {
				for _, part := range strings.Split(body, `"person":"`)[1:] {
					word, _, _ := strings.Cut(part, `"`)
					who, err := s.store.Whose(t.Context(), to, word)
					s.must(err)
					if refused[who] {
						t.Errorf("%v was sent after they refused", who)
					}
				}
			}
		}
		for range rounds(300, 5000) {
			switch rng.IntN(10) {
			case 0, 1:
				people = append(people, k.Person(t))
			case 2, 3:
				if n := len(people); n > 0 {
					from := rng.IntN(n)
					if _, err := s.send(to, people[from:min(n, from+1+rng.IntN(4))]...); err != nil && !errors.Is(err, thimble.ErrDenied) {
						t.Fatal(err)
					}
				}
			case 4:
				if len(people) > 0 {
					who := people[rng.IntN(len(people))]
					refused[who] = !refused[who]
					s.restrict(who, refused[who])
				}
			case 5:
				until := []string{"2026-11-20", "2028-01-01", "2028-01-01"}[rng.IntN(3)]
				s.agree(to, fulfilment("2026-01-01", until, "2028-01-01"))
			default:
				step()
				permitted()
				s.wait(time.Duration(rng.IntN(40)) * time.Millisecond)
			}
		}
		s.store.Pause(func(string) {})
		s.accounted(c, meter)
	})
}

// A metered counts what the transports tell the store.
type metered struct {
	*disclosedb.Store
	mu    sync.Mutex
	begun int
	bytes int64
}

func (m *metered) Begin(ctx context.Context, d thimble.ID) error {
	err := m.Store.Begin(ctx, d)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.begun++
	}
	return err
}

func (m *metered) Sent(d thimble.ID, n int) {
	m.Store.Sent(d, n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += int64(n)
}

// accounted compares what the recipient read with what was recorded.
func (s *shop) accounted(c *counter, meter *metered) {
	s.tb.Helper()
	c.server.CloseClientConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := s.store.Outbox(s.tb.Context(), "", 100000)
	s.must(err)
	known := map[string]disclosedb.Message{}
	var recorded int64
	for _, m := range all {
		known[m.ID.Token(disclose.MessagePrefix)] = m
		recorded += m.Bytes
	}
	_, err = s.Ledger.Integrate(context.Background())
	s.must(err)
	leaves := 0
	for claim, err := range s.store.Claims(s.tb.Context()) {
		s.must(err)
		if claim.Rule != "" {
			s.tb.Errorf("%s: %s", claim.Table, claim.Rule)
		}
		leaves++
	}
	for id, bodies := range c.bodies {
		m, ok := known[id]
		if !ok || m.Tries == 0 {
			s.tb.Errorf("the recipient has %s, of which no leaf tells", id)
		}
		for _, body := range bodies {
			if got := strings.Count(body, `"person"`); int64(got) > m.People {
				s.tb.Errorf("%s has %d people, its leaves tell of %d", id, got, m.People)
			}
		}
	}
	// What a dead process had sent it could not write down; the meter heard of it first.
	if c.bytes > meter.bytes || recorded > meter.bytes {
		s.tb.Errorf("the recipient read %d bytes, %d are recorded, the meter heard of %d", c.bytes, recorded, meter.bytes)
	}
	s.tb.Logf("%d messages, %d leaves, %d connections begun, %d bytes read by the recipient, %d told to the meter, 0 without a leaf", len(all), leaves, meter.begun, c.bytes, meter.bytes)
	if c.bytes == 0 || len(c.bodies) == 0 {
		s.tb.Error("nothing was sent: the run shows nothing")
	}
}

func newSocketShop(t *testing.T, k *holdertest.Kernel) (s *shop, c *counter, meter *metered, hook string) {
	s = newShop(t, k, disclosedb.Config{Lease: 20 * time.Millisecond, Schedule: wire.Schedule{First: 5 * time.Millisecond, Factor: 1, Horizon: 500 * time.Millisecond}})
	c, meter = newCounter(t), &metered{Store: s.store}
	endpoint := c.server.Listener.Addr().String()
	sender, err := wire.New(meter, wire.Config{Loopback: []string{endpoint}, Now: k.Now, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	s.store.Use(sender)
	return s, c, meter, "http://" + endpoint + "/in"
}

// kill -9 at each point of a try: the message goes again under its id, is not lost, and
// had its leaf before.
func TestAProcessThatDiesInATryLosesNothingAndSendsUnderTheSameID(t *testing.T) {
	for _, point := range []string{"taken", "sending", "sent"} {
		t.Run(point, func(t *testing.T) {
			holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
				s, c, _, hook := newSocketShop(t, k)
				to, _, err := s.store.Add(t.Context(), disclose.Recipient{Name: "Parcels", Kind: disclose.Processor, Contact: "privacy@parcels.example", Countries: []string{"DE"},
					Transport: disclose.Webhook, Endpoint: hook}, "ada")
				s.must(err)
				s.agree(to, current)
				ada := k.Person(t)
				id := s.mustSend(to, ada)
				s.store.Pause(func(at string) {
					if at == point {
						panic("killed")
					}
				})
				func() {
					defer func() { _ = recover() }()
					_, _ = s.store.Step(t.Context())
				}()
				s.store.Pause(func(string) {})
				if got := s.state(id); got != disclose.Sending {
					t.Fatalf("after the death the message is %s", got)
				}
				if s.step() {
					t.Fatal("another worker took the message before the lease ended")
				}
				s.wait(30 * time.Millisecond)
				for range 3 {
					s.step()
				}
				if got := s.state(id); got != disclose.Delivered {
					t.Errorf("the message is %s", got)
				}
				bodies := c.bodies[id.Token(disclose.MessagePrefix)]
				if want := map[string]int{"taken": 1, "sending": 1, "sent": 2}[point]; len(bodies) != want || len(c.bodies) != 1 {
					t.Errorf("the recipient has it %d times under %d ids, want %d times under one", len(bodies), len(c.bodies), want)
				}
				for _, b := range bodies {
					if sha256.Sum256([]byte(b)) != sha256.Sum256([]byte(bodies[0])) {
						t.Error("a repetition has other bytes")
					}
				}
			})
		})
	}
}

// Two recipients that lay their files side by side find nobody: no value that could tell
// a person is in both.
func TestTwoRecipientsThatCompareTheirFilesCannotLinkPeople(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		one, _ := s.recipient(current)
		two, _ := s.recipient(current)
		var people []thimble.SubjectID
		for range 40 {
			people = append(people, k.Person(t))
			k.Tick(t)
		}
		s.mustSend(one, people...)
		s.mustSend(two, people...)
		s.step()
		s.step()
		words, order := [2]map[string]bool{}, [2][]string{}
		for i, m := range s.ways.got {
			words[i] = map[string]bool{}
			for line := range strings.Lines(string(m.Body.Reveal())) {
				for _, key := range []string{`"person":"`, `"order":"`} {
					if _, rest, ok := strings.Cut(line, key); ok {
						word, _, _ := strings.Cut(rest, `"`)
						words[i][word] = true
						if strings.HasPrefix(word, "psn_") {
							who, err := s.store.Whose(t.Context(), s.message(m.ID).Recipient, word)
							s.must(err)
							order[i] = append(order[i], who.String())
						}
					}
				}
				if strings.Contains(line, "T08:") || strings.Contains(line, ":00") {
					t.Errorf("a time is finer than a day: %s", line)
				}
			}
		}
		for w := range words[0] {
			if words[1][w] {
				t.Errorf("both recipients have %s", w)
			}
		}
		if len(words[0]) != 80 || len(order[0]) != 40 {
			t.Fatalf("got %d words and %d people", len(words[0]), len(order[0]))
		}
		same := 0
		for i := range order[0] {
			if order[0][i] == order[1][i] {
				same++
			}
		}
		if same > 10 {
			t.Errorf("%d of 40 people stand in the same row of both files", same)
		}
	})
}
