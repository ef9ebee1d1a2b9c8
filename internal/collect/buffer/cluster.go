package buffer

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"thimble"
)

// A cluster is this process's server, and the connection to it, which never leaves
// the process. The server insists on a port for clients before it speaks to the other
// members (StartRouting waits for it, DontListen or not): it gets one on loopback,
// and a password that is drawn at each start and that nobody else has.
type cluster struct {
	cfg      Config
	password string
	nc       *nats.Conn
	js       jetstream.JetStream

	mu  sync.Mutex
	srv *server.Server
}

// startPatience bounds how long a server reads what it has on disk.
const startPatience = 30 * time.Second

func joinCluster(cfg Config) (*cluster, error) {
	c := &cluster{cfg: cfg, password: rand.Text()}
	if err := c.start(); err != nil {
		return nil, err
	}
	var err error
	c.nc, err = nats.Connect("", nats.InProcessServer(c), nats.UserInfo("self", c.password), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.ReconnectBufSize(-1), nats.Name(cfg.Node))
	if err == nil {
		c.js, err = jetstream.New(c.nc)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("buffer: connecting to the server in this process: %w", err), c.close())
	}
	return c, nil
}

func (c *cluster) options() *server.Options {
	opt := &server.Options{
		ServerName: c.cfg.Node, NoSigs: true, MaxPayload: maxMessage,
		Host: "127.0.0.1", Port: server.RANDOM_PORT, CustomClientAuthentication: secret(c.password), CustomRouterAuthentication: secret(c.cfg.Secret),
		JetStream: true, StoreDir: filepath.Join(c.cfg.Folder, "jetstream"), DisableJetStreamBanner: true,
		// An acknowledgement must outlive the power, and the default syncs every two minutes.
		SyncAlways:        true,
		JetStreamMaxStore: c.cfg.MaxBytes + minBytes, JetStreamMaxMemory: 1 << 20,
		// A member that is frozen, and not dead, is noticed by its silence.
		// Members name each other in the configuration: nobody is introduced by another.
		Cluster: server.ClusterOpts{Name: "thimble", NoAdvertise: true, PingInterval: 3 * time.Second, MaxPingsOut: 3, TLSConfig: c.cfg.TLS, TLSTimeout: 5, AuthTimeout: 5},
	}
	for _, m := range c.cfg.Members {
		if m.Name == c.cfg.Node {
			opt.Cluster.Host, opt.Cluster.Port = m.host(), m.port()
			continue
		}
		opt.Routes = append(opt.Routes, &url.URL{Scheme: "nats-route", User: url.UserPassword("member", c.cfg.Secret), Host: m.Address})
	}
	return opt
}

// secret lets in whoever knows it.
type secret string

func (s secret) Check(c server.ClientAuthentication) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(c.GetOpts().Password)) == 1
}

func (c *cluster) start() error {
	srv, err := server.NewServer(c.options())
	if err != nil {
		return fmt.Errorf("buffer: the server: %w: %w", err, thimble.ErrInvalid)
	}
	srv.SetLoggerV2(serverLog{c.cfg.Log}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startPatience) {
		srv.Shutdown()
		return fmt.Errorf("buffer: the server did not start within %v, see the log: %w", startPatience, thimble.ErrUnavailable)
	}
	c.mu.Lock()
	c.srv = srv
	c.mu.Unlock()
	return nil
}

func (c *cluster) server() *server.Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.srv
}

// InProcessConn connects to the server that runs now.
func (c *cluster) InProcessConn() (net.Conn, error) { return c.server().InProcessConn() }

// restart starts the server again when it has given up its streams, as it does on a
// full disk, and the disk takes something again.
func (c *cluster) restart() error {
	if srv := c.server(); srv.Running() && srv.JetStreamEnabled() {
		return nil
	}
	if err := probe(c.cfg.Folder); err != nil {
		return fmt.Errorf("buffer: the disk takes nothing: %w", err)
	}
	c.cfg.Log.Warn("the server of the buffer starts again")
	c.server().Shutdown()
	c.server().WaitForShutdown()
	return c.start()
}

// probe writes a block of JetStream's and takes it away.
func probe(folder string) error {
	f, err := os.CreateTemp(folder, "probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 8<<20))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// leads reports whether the stream is led from this process: its node archives.
func (c *cluster) leads() bool {
	return c.server().JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, streamName)
}

// tell wakes the archiver. A word that is lost costs a moment.
func (c *cluster) tell() { _ = c.nc.Publish(moreSubject, nil) }

// clean has what was trimmed leave the disk: a snapshot of a stream lets its part of the
// replication log go, which holds the messages too. Where there is nothing new to
// take one of, the server says so by an error.
func (c *cluster) clean() {
	for _, name := range []string{streamName, progressName} {
		if err := c.server().JetStreamSnapshotStream(server.DEFAULT_GLOBAL_ACCOUNT, name); err != nil {
			c.cfg.Log.Debug("no snapshot was taken", slog.String("stream", name), slog.String("cause", err.Error()))
		}
	}
}

func (c *cluster) close() error {
	if c.nc != nil {
		c.nc.Close()
	}
	c.server().Shutdown()
	c.server().WaitForShutdown()
	return nil
}

// serverLog puts the server's words into ours, one level lower: that it cannot reach a
// member yet is an error to it. They name servers, streams and peers.
type serverLog struct{ log *slog.Logger }

func (l serverLog) say(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "the buffer's server says", slog.String("text", fmt.Sprintf(format, v...)))
	}
}

func (l serverLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l serverLog) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l serverLog) Tracef(format string, v ...any)  {}
func (l serverLog) Warnf(format string, v ...any)   { l.say(slog.LevelInfo, format, v) }
func (l serverLog) Errorf(format string, v ...any)  { l.say(slog.LevelWarn, format, v) }
func (l serverLog) Fatalf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
