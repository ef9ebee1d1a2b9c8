package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"thimble/internal/app"
	"thimble/internal/ledger"
	witnesses "thimble/internal/ledger/witness"
)

// words is a flag that may be given more than once.
type words []string

func (w *words) String() string     { return strings.Join(*w, " ") }
func (w *words) Set(v string) error { *w = append(*w, v); return nil }

func witnessFlags(f *flag.FlagSet) {
	f.String("name", "", "the witness's name, by choice a URL without https://, such as shop.example/witness")
	f.String("policy", "", "file in the form c2sp.org/tlog-policy whose log lines name the logs to watch")
	f.Var(new(words), "log", "verifier key of a log to watch; may be given more than once")
}

// Limits of one connection, as those of serve.
const (
	witnessHeader = 3 * time.Second
	witnessRead   = 10 * time.Second
	witnessIdle   = 60 * time.Second
)

// witness serves a witness for the logs of others, in the folder "witness" of the
// data folder. A shop's own installation may serve beside it.
func witness(ctx context.Context, c *call) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	logs, err := c.watched()
	if err != nil {
		return err
	}
	name := c.flags.Lookup("name").Value.String()
	if name == "" || len(logs) == 0 {
		return invalid("--name and at least one --log, or a --policy with log lines, are needed")
	}
	l, err := app.Listen(cfg)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the server has closed it
	journal := logger(cfg, c.err)
	w, err := witnesses.Open(filepath.Join(cfg.Data, "witness"), name, logs, witnesses.Config{Log: journal})
	if err != nil {
		return err
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return errors.Join(invalid("tls-cert: %v", err), w.Close())
		}
		l, scheme = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}), "https"
	}
	fmt.Fprintf(c.out, "Thimble witnesses %d logs on %s://%s\nLine for their policies:\nwitness %s %s %s://%s\n",
		len(logs), scheme, l.Addr(), strings.ReplaceAll(name, "/", "-"), w.Key(), scheme, l.Addr())
	return errors.Join(serveUntil(ctx, l, w.Handler(), journal, cfg.Shutdown), w.Close())
}

// watched are the logs of --log and --policy.
func (c *call) watched() ([]ledger.PolicyLog, error) {
	var text strings.Builder
	if many, ok := c.flags.Lookup("log").Value.(*words); ok {
		for _, vkey := range *many {
			fmt.Fprintf(&text, "log %s\n", vkey)
		}
	}
	text.WriteString("quorum none\n")
	p, err := ledger.ParsePolicy([]byte(text.String()))
	if err != nil {
		return nil, fmt.Errorf("--log: %w", err)
	}
	path := c.flags.Lookup("policy").Value.String()
	if path == "" {
		return p.Logs, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, invalid("--policy: %s cannot be read", filepath.Base(path))
	}
	file, err := ledger.ParsePolicy(b)
	if err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	return append(p.Logs, file.Logs...), nil
}

func serveUntil(ctx context.Context, l net.Listener, h http.Handler, journal *slog.Logger, patience time.Duration) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: witnessHeader, ReadTimeout: witnessRead, WriteTimeout: witnessRead, IdleTimeout: witnessIdle,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(journal.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := server.Shutdown(drain)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
