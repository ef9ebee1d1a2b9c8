package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"thimble"
	"thimble/internal/collect/buffer"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
)

// BufferConfig says whether events wait in a cluster of three nodes before they are
// archived. It is off by default.
type BufferConfig struct {
	Mode     string // off or embedded
	Node     string // the name of this one
	Members  string // name=host:port of all three, with blanks between
	Secret   string // by which they know each other
	Cert     string // in PEM, with Key and CA; needed outside loopback
	Key      string
	CA       string // by which the certificates of the others are checked
	MaxBytes int64  // that may wait
}

var bufferSettings = []setting{
	stringSetting("nats-mode", "off, or embedded: events wait on three nodes before they are archived in PostgreSQL", "off", func(c *Config) *string { return &c.Buffer.Mode }),
	stringSetting("nats-node", "the name of this node among nats-members", "", func(c *Config) *string { return &c.Buffer.Node }),
	stringSetting("nats-members", "the three nodes, name=host:port with blanks between, the same on each", "", func(c *Config) *string { return &c.Buffer.Members }),
	secretSetting("nats-secret", "by which the nodes know each other, 16 characters or more", func(c *Config) *string { return &c.Buffer.Secret }),
	stringSetting("nats-tls-cert", "certificate of this node in PEM; needed when a member is on another machine", "", func(c *Config) *string { return &c.Buffer.Cert }),
	stringSetting("nats-tls-key", "its key in PEM", "", func(c *Config) *string { return &c.Buffer.Key }),
	stringSetting("nats-tls-ca", "certificates in PEM by which those of the other nodes are checked", "", func(c *Config) *string { return &c.Buffer.CA }),
	{
		key: "nats-max-bytes", usage: "how many bytes of events may wait", fallback: "8589934592",
		set: func(c *Config, v string) (err error) {
			c.Buffer.MaxBytes, err = strconv.ParseInt(v, 10, 64)
			return err
		},
		get: func(c *Config) string { return strconv.FormatInt(c.Buffer.MaxBytes, 10) },
	},
}

// check returns the key that is wrong, and the rule.
func (b *BufferConfig) check(databaseURL string) (key, rule string) {
	switch {
	case b.Mode == "" || b.Mode == "off":
		return "", ""
	case b.Mode != "embedded":
		return "nats-mode", "off or embedded was expected"
	case databaseURL == "":
		return "nats-mode", "three nodes share one archive, so that database-url is needed"
	case (b.Cert == "") != (b.Key == "") || (b.Cert == "") != (b.CA == ""):
		return "nats-tls-cert", "nats-tls-cert, nats-tls-key and nats-tls-ca go together"
	}
	members, err := buffer.ParseMembers(b.Members)
	if err != nil {
		return "nats-members", err.Error()
	}
	cfg := buffer.Config{Node: b.Node, Members: members, Secret: b.Secret, MaxBytes: b.MaxBytes, Folder: "buffer"}
	if b.Cert != "" {
		// The files are read at the start; here it counts that there are some.
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: &x509.CertPool{}, RootCAs: &x509.CertPool{}, Certificates: make([]tls.Certificate, 1)}
	}
	if err := cfg.Check(); err != nil {
		field, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "buffer: "), ":")
		return map[string]string{"node": "nats-node", "secret": "nats-secret", "bytes": "nats-max-bytes", "tls": "nats-tls-cert"}[field], err.Error()
	}
	return "", ""
}

// tls returns what the nodes show each other; nil when nothing is configured.
func (b *BufferConfig) tls() (*tls.Config, error) {
	if b.Cert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(b.Cert, b.Key)
	if err != nil {
		return nil, fmt.Errorf("configuration: nats-tls-cert: %w: %w", err, thimble.ErrInvalid)
	}
	pem, err := os.ReadFile(b.CA)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("configuration: nats-tls-ca: certificates in PEM were expected: %w: %w", err, thimble.ErrInvalid)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}, nil
}

// events is where intake puts records: into the log, or into the buffer before it while
// this process serves as one of its nodes. A command beside the server has no part in
// the cluster.
type events struct {
	*framedb.Store
	buffer atomic.Pointer[buffer.Buffer]
}

// Append makes records durable.
func (e *events) Append(ctx context.Context, records []frame.Record) (frame.Appended, error) {
	if b := e.buffer.Load(); b != nil {
		return b.Append(ctx, records)
	}
	return e.Store.Append(ctx, records)
}

// openBuffer makes this process a node, if it is configured to be one. The returned
// function ends that.
func (a *App) openBuffer(ctx context.Context) (end func(context.Context) error, err error) {
	c := &a.Config.Buffer
	if c.Mode != "embedded" {
		return func(context.Context) error { return nil }, nil
	}
	members, err := buffer.ParseMembers(c.Members)
	if err != nil {
		return nil, err
	}
	t, err := c.tls()
	if err != nil {
		return nil, err
	}
	b, err := buffer.Open(ctx, buffer.Config{
		Node: c.Node, Members: members, Secret: c.Secret, TLS: t, Folder: filepath.Join(a.Config.Data, "buffer"), MaxBytes: c.MaxBytes, Log: a.Log,
	}, a.Frames)
	if err != nil {
		return nil, err
	}
	a.events.buffer.Store(b)
	return func(ctx context.Context) error {
		a.events.buffer.Store(nil)
		return b.Close(ctx)
	}, nil
}

// bufferGauges are what operators watch of the buffer; 0 while it is off.
func (a *App) bufferGauges() []Gauge {
	read := func(name, help string, of func(buffer.State) float64) Gauge {
		return Gauge{Name: "buffer_" + name, Help: help, Read: func(context.Context) (float64, error) {
			if b := a.events.buffer.Load(); b != nil {
				return of(b.State()), nil
			}
			return 0, nil
		}}
	}
	return []Gauge{
		read("spooled_bytes", "Events of this node that are not archived.", func(s buffer.State) float64 { return float64(s.Bytes) }),
		read("lag_seconds", "Age of the oldest of them.", func(s buffer.State) float64 { return s.Lag.Seconds() }),
		read("stuck_seconds", "For how long the cluster has taken nothing of what waits.", func(s buffer.State) float64 { return s.Stuck.Seconds() }),
		read("gaps", "Groups that the stream had lost, since the start.", func(s buffer.State) float64 { return float64(s.Gaps) }),
		read("lost", "Groups that were in no stream and no spool, since the start.", func(s buffer.State) float64 { return float64(s.Lost) }),
		read("unreadable", "Groups whose checksum failed, since the start.", func(s buffer.State) float64 { return float64(s.Unreadable) }),
	}
}
